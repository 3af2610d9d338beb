// Statements in C at MySQL and MariaDB: parameters, rows, failures, and what a failure does to the
// transaction.
#include <cfloat>
#include <climits>
#include <cmath>
#include <latch>

#include "tx_servers.hpp"

namespace {

using Parameter = xabridge_mysql_parameter;

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

std::string text(const Answer& answer, std::size_t column) {
  const char* value = nullptr;
  std::size_t length = 0;
  const int code = xabridge_mysql_get_text(answer.get(), column, &value, &length);
  if (code != 1) return code == 0 ? "NULL" : "error: " + message(answer);
  CHECK(value[length] == '\0');
  return {value, length};
}

long long integer(const Answer& answer, std::size_t column) {
  long long value = 0;
  REQUIRE(xabridge_mysql_get_integer(answer.get(), column, &value) == 1);
  return value;
}

double number(const Answer& answer, std::size_t column) {
  double value = 0;
  REQUIRE(xabridge_mysql_get_double(answer.get(), column, &value) == 1);
  return value;
}

Answer done(Answer answer) {
  INFO(message(answer));
  REQUIRE(error(answer) == 0);
  return answer;
}

void move_first_row(const Answer& answer) { REQUIRE(xabridge_mysql_next(answer.get()) == 1); }

}  // namespace

TEST_CASE_METHOD(InTransaction, "every type of value goes in and comes out as it was") {
  const std::string bytes("\0\xff'\\\x80", 5);
  const std::string words = "gr\xc3\xbc\xc3\x9f 'Gott' \\ ?";
  const auto insert = "INSERT INTO " + table + " (i, d, f, m, t, b, w) VALUES (?,?,?,?,?,?,?)";
  done(mysql(insert,
             {xabridge_mysql_integer(LLONG_MIN), xabridge_mysql_double(0.1 + 0.2),
              xabridge_mysql_double(0.1), xabridge_mysql_text("1234567890123456.7891"),
              xabridge_mysql_text(words.c_str()), xabridge_mysql_bytes(bytes.data(), bytes.size()),
              xabridge_mysql_text("2026-01-02 03:04:05.678901")}));
  done(mysql(insert, {xabridge_mysql_null(), xabridge_mysql_double(-DBL_MAX), xabridge_mysql_null(),
                      xabridge_mysql_null(), xabridge_mysql_text(""), xabridge_mysql_bytes("", 0),
                      xabridge_mysql_text(nullptr)}));
  // Plain and prepared: the two ways a statement is sent.
  const auto columns = "SELECT i, d, f, m, t, b, w, id FROM " + table + " WHERE id > ";
  for (const bool prepared : {false, true}) {
    INFO((prepared ? "prepared" : "plain"));
    const Answer rows =
        done(prepared ? mysql(columns + "? ORDER BY id", {xabridge_mysql_integer(0)})
                      : mysql(columns + "0 ORDER BY id"));
    CHECK(xabridge_mysql_row_count(rows.get()) == 2);
    CHECK(xabridge_mysql_column_count(rows.get()) == 8);
    CHECK(xabridge_mysql_column_name(rows.get(), 4) == std::string("t"));
    CHECK(xabridge_mysql_column_name(rows.get(), 8) == nullptr);
    CHECK(xabridge_mysql_is_null(rows.get(), 0) == -1);
    move_first_row(rows);
    CHECK(integer(rows, 0) == LLONG_MIN);
    CHECK(number(rows, 1) == 0.1 + 0.2);
    CHECK(text(rows, 2) == "0.1");
    CHECK(text(rows, 3) == "1234567890123456.7891");
    CHECK(text(rows, 4) == words);
    CHECK(text(rows, 5) == bytes);
    CHECK(text(rows, 6) == "2026-01-02 03:04:05.678901");
    CHECK(xabridge_mysql_is_null(rows.get(), 0) == 0);
    move_first_row(rows);
    CHECK(xabridge_mysql_is_null(rows.get(), 0) == 1);
    CHECK(number(rows, 1) == -DBL_MAX);
    CHECK(text(rows, 4).empty());
    CHECK(text(rows, 5).empty());
    CHECK(text(rows, 6) == "NULL");
    CHECK(xabridge_mysql_next(rows.get()) == 0);
    CHECK(xabridge_mysql_next(rows.get()) == 0);
    CHECK(xabridge_mysql_is_null(rows.get(), 0) == -1);
  }
  CHECK(tx_commit() == TX_OK);
}

TEST_CASE_METHOD(InTransaction, "a value that is not there is never read as another one") {
  const Answer rows =
      done(mysql("SELECT 18446744073709551615, 12.5, 'twelve', NULL, CAST('{}' AS CHAR), ' 1'"));
  long long whole = 77;
  double real = 77;
  const auto explained = [&](std::size_t column, const std::string& why) {
    CHECK(xabridge_mysql_get_integer(rows.get(), column, &whole) == -1);
    INFO(message(rows));
    CHECK(message(rows).find(why) != std::string::npos);
  };
  explained(0, "no current row");
  move_first_row(rows);
  explained(0, "18446744073709551615");
  explained(1, "'12.5': no integer");
  explained(2, "'twelve'");
  explained(5, "' 1'");
  explained(6, "there is no column 6");
  CHECK(xabridge_mysql_get_double(rows.get(), 2, &real) == -1);
  CHECK(xabridge_mysql_get_integer(rows.get(), 3, &whole) == 0);
  CHECK(xabridge_mysql_get_double(rows.get(), 3, &real) == 0);
  CHECK(whole == 77);
  CHECK(real == 77);
  CHECK(text(rows, 0) == "18446744073709551615");
  CHECK(number(rows, 1) == 12.5);
  CHECK(error(rows) == 0);
}

TEST_CASE_METHOD(InTransaction, "affected rows and the last insert id are told") {
  for (int i = 1; i <= 3; ++i) {
    const Answer answer = done(mysql("INSERT INTO " + table + " (i) VALUES (?), (?)",
                                     {xabridge_mysql_integer(i), xabridge_mysql_integer(-i)}));
    CHECK(xabridge_mysql_affected_rows(answer.get()) == 2);
    unsigned long long id = 0;
    CHECK(xabridge_mysql_last_insert_id("ledger", &id) == 0);
    CHECK(id >= static_cast<unsigned long long>(2 * i - 1));
  }
  const Answer all = done(mysql("UPDATE " + table + " SET i = 0"));
  CHECK(xabridge_mysql_affected_rows(all.get()) == 6);
  CHECK(xabridge_mysql_row_count(all.get()) == 0);
  CHECK(xabridge_mysql_next(all.get()) == 0);
  const Answer same = done(mysql("UPDATE " + table + " SET i = ?", {xabridge_mysql_integer(0)}));
  CHECK(xabridge_mysql_affected_rows(same.get()) == 0);
  const Answer none =
      done(mysql("SELECT i FROM " + table + " WHERE i = ?", {xabridge_mysql_integer(7)}));
  CHECK(xabridge_mysql_row_count(none.get()) == 0);
  CHECK(xabridge_mysql_column_count(none.get()) == 1);
  unsigned long long id = 5;
  CHECK(xabridge_mysql_last_insert_id("nobody", &id) == XAER_INVAL);
  CHECK(id == 5);
}

TEST_CASE_METHOD(InTransaction, "a refused statement says why and the transaction goes on") {
  struct Case {
    std::string sql;
    std::vector<Parameter> values;
    int number;
    const char* sqlstate;
  };
  const std::string one = "INSERT INTO " + servers.transfer + " VALUES (?)";
  done(mysql(one, {xabridge_mysql_text("one")}));
  const std::vector<Case> cases{
      {"SELEC 1", {}, 1064, "42000"},
      {one, {xabridge_mysql_text("one")}, 1062, "23000"},
      {"INSERT INTO " + servers.transfer + " VALUES ('one')", {}, 1062, "23000"},
      {"INSERT INTO " + servers.transfer + "_none VALUES (1)", {}, 1146, "42S02"},
      {"SELEC ?", {xabridge_mysql_null()}, 1064, "42000"},
      {one, {}, 1064, "42000"},  // a parameter without a value
      {one, {xabridge_mysql_text("a"), xabridge_mysql_text("b")}, XAER_INVAL, ""},
      {"SELECT 1", {xabridge_mysql_text("a")}, XAER_INVAL, ""},
      {one, {{42, 0, 0, nullptr, 0}}, XAER_INVAL, ""},
      {one, {xabridge_mysql_double(std::nan(""))}, XAER_INVAL, ""},
  };
  for (const Case& one_case : cases) {
    INFO(one_case.sql);
    const Answer answer = mysql(one_case.sql, one_case.values);
    INFO(message(answer));
    CHECK(error(answer) == one_case.number);
    CHECK(xabridge_mysql_sqlstate(answer.get()) == std::string(one_case.sqlstate));
    CHECK_FALSE(message(answer).empty());
    CHECK(last_error().find(message(answer)) != std::string::npos);
    CHECK(xabridge_mysql_row_count(answer.get()) == 0);
  }
  CHECK(error(Answer(xabridge_mysql_execute("ledger", nullptr, nullptr, 0), xabridge_mysql_free)) ==
        XAER_INVAL);
  CHECK(error(Answer(xabridge_mysql_execute("ledger", one.c_str(), nullptr, 1),
                     xabridge_mysql_free)) == XAER_INVAL);
  CHECK(info().transaction_state == TX_ACTIVE);
  CHECK(tx_commit() == TX_OK);
  CHECK(where("one") == "010");
}

TEST_CASE_METHOD(InTransaction, "JSON is read or refused with what to do and never half read") {
  done(mysql("INSERT INTO " + table + " (j) VALUES ('{\"a\": 1}')"));
  const Answer plain = done(mysql("SELECT j FROM " + table));
  move_first_row(plain);
  CHECK(text(plain, 0) == "{\"a\": 1}");
  const Answer prepared =
      mysql("SELECT j FROM " + table + " WHERE id > ?", {xabridge_mysql_integer(0)});
  if (error(prepared) == 0) {  // MariaDB: a text
    move_first_row(prepared);
    CHECK(text(prepared, 0) == "{\"a\": 1}");
  } else {
    CHECK(error(prepared) == XAER_INVAL);
    CHECK(message(prepared).find("CAST(") != std::string::npos);
  }
  CHECK(tx_commit() == TX_OK);
}

TEST_CASE_METHOD(InTransaction, "an answer that cannot be read rolls the transaction back") {
  const std::string procedure = table + "_j";
  servers.my_admin("CREATE PROCEDURE " + procedure +
                   "(IN a INT) BEGIN SELECT JSON_OBJECT('a', a) AS j; END");
  work("one");
  const Answer answer = mysql("CALL " + procedure + "(?)", {xabridge_mysql_integer(1)});
  INFO(message(answer));
  const bool read = error(answer) == 0;  // what it says of the columns only shows when it answers
  CHECK((read || error(answer) == XAER_RMFAIL));
  CHECK((read || message(answer).find("could not be read: ") != std::string::npos));
  CHECK(tx_commit() == (read ? TX_OK : TX_ROLLBACK));
  CHECK(where("one") == (read ? "111" : "000"));
  servers.my_admin("DROP PROCEDURE " + procedure);
  REQUIRE(tx_begin() == TX_OK);
  work("two");
  CHECK(tx_commit() == TX_OK);
}

TEST_CASE_METHOD(InTransaction, "of a procedure's results the first is kept and all are read") {
  const std::string procedure = table + "_p";
  servers.my_admin("CREATE PROCEDURE " + procedure +
                   "(IN a INT) BEGIN SELECT a AS first; SELECT a + 1 AS second, 2; END");
  for (const bool prepared : {false, true}) {
    const Answer answer =
        done(prepared ? mysql("CALL " + procedure + "(?)", {xabridge_mysql_integer(41)})
                      : mysql("CALL " + procedure + "(41)"));
    CHECK(xabridge_mysql_column_count(answer.get()) == 1);
    move_first_row(answer);
    CHECK(integer(answer, 0) == 41);
    done(mysql("SELECT 1"));
  }
  CHECK(tx_commit() == TX_OK);
  servers.my_admin("DROP PROCEDURE " + procedure);
}

TEST_CASE_METHOD(InTransaction, "a result outlives its transaction") {
  const Answer rows = done(mysql("SELECT 1 + ?", {xabridge_mysql_integer(41)}));
  CHECK(tx_commit() == TX_OK);
  CHECK(tx_close() == TX_OK);
  std::thread([&] {
    CHECK(xabridge_mysql_next(rows.get()) == 1);
    CHECK(text(rows, 0) == "42");
  }).join();
}

TEST_CASE_METHOD(InTransaction, "a lost connection dooms the transaction") {
  work("one");
  const Answer id = done(mysql("SELECT CONNECTION_ID()"));
  move_first_row(id);
  servers.my_admin("KILL " + text(id, 0));
  const Answer lost = mysql("SELECT 1");
  INFO(message(lost));
  CHECK(error(lost) >= 1000);
  CHECK(message(lost).find("can only be rolled back") != std::string::npos);
  CHECK(info().transaction_state == TX_ROLLBACK_ONLY);
  CHECK(error(mysql("SELECT 1")) == XA_RBCOMMFAIL);
  CHECK(tx_commit() == TX_ROLLBACK);
  CHECK(where("one") == "000");
  REQUIRE(tx_begin() == TX_OK);
  work("two");
  CHECK(tx_commit() == TX_OK);
  CHECK(where("two") == "111");
}

TEST_CASE("the victim of a deadlock can only be rolled back and the other one commits") {
  TxServers tx;
  std::latch both_hold_one(2);
  struct Ending {
    int first = -1;  // the numbers of the statements
    int second = -1;
    long state = TX_ACTIVE;
    int later = 0;
    int commit = 0;
    int close = 0;
  };
  const auto take = [&](int id) {
    return error(mysql("UPDATE " + tx.servers.account + " SET balance = balance + 1 WHERE id = ?",
                       {xabridge_mysql_integer(id)}));
  };
  // Without assertions: they are for one thread.
  const auto work = [&](int first, int second) {
    Ending ending;
    if (tx_open() == TX_OK && tx_begin() == TX_OK) ending.first = take(first);
    both_hold_one.arrive_and_wait();
    ending.second = take(second);
    TXINFO now{};
    (void)tx_info(&now);
    ending.state = now.transaction_state;
    ending.later = error(mysql("SELECT 1"));
    ending.commit = tx_commit();
    ending.close = tx_close();
    return ending;
  };
  Ending other;
  std::thread thread([&] { other = work(2, 1); });
  Ending mine = work(1, 2);
  thread.join();
  if (mine.second == 0) std::swap(mine, other);
  CHECK(mine.first == 0);
  CHECK(mine.second == 1213);
  CHECK(mine.state == TX_ROLLBACK_ONLY);
  CHECK(mine.later == XA_RBDEADLOCK);
  CHECK(mine.commit == TX_ROLLBACK);
  CHECK(other.first == 0);
  CHECK(other.second == 0);
  CHECK(other.later == 0);
  CHECK(other.commit == TX_OK);
  CHECK(mine.close == TX_OK);
  CHECK(other.close == TX_OK);
  CHECK(tx.servers.my_balance(1) == 1001);
  CHECK(tx.servers.my_balance(2) == 1001);
}
