// What the tests of statements in C share: a table with a column of each type, and reading rows.
#pragma once

#include <string>

#include "tx_servers.hpp"

struct InTransaction : TxServers {
  InTransaction() {
    table = servers.transfer + "_c";
    servers.my_admin(
        "CREATE TABLE " + table +
        " (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, i BIGINT, d DOUBLE, f FLOAT, m "
        "DECIMAL(20,4), t VARCHAR(64) CHARACTER SET utf8mb4, b VARBINARY(64), w DATETIME(6), j "
        "JSON) ENGINE=InnoDB");
    REQUIRE(tx_open() == TX_OK);
    REQUIRE(tx_begin() == TX_OK);
  }
  ~InTransaction() {
    if (tx_info(nullptr) == 1) (void)tx_rollback();
    servers.my_admin("DROP TABLE " + table);
  }
  std::string table;
};

inline std::string text(const Answer& answer, std::size_t column) {
  const char* value = nullptr;
  std::size_t length = 0;
  const int code = xabridge_mysql_get_text(answer.get(), column, &value, &length);
  if (code != 1) return code == 0 ? "NULL" : "error: " + message(answer);
  CHECK(value[length] == '\0');
  return {value, length};
}

inline long long integer(const Answer& answer, std::size_t column) {
  long long value = 0;
  REQUIRE(xabridge_mysql_get_integer(answer.get(), column, &value) == 1);
  return value;
}

inline double number(const Answer& answer, std::size_t column) {
  double value = 0;
  REQUIRE(xabridge_mysql_get_double(answer.get(), column, &value) == 1);
  return value;
}

inline Answer done(Answer answer) {
  INFO(message(answer));
  REQUIRE(error(answer) == 0);
  return answer;
}

inline void move_first_row(const Answer& answer) {
  REQUIRE(xabridge_mysql_next(answer.get()) == 1);
}
