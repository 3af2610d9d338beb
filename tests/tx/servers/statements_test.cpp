// Statements in C at MySQL and MariaDB: parameters, rows, counts.
#include "statements.hpp"

#include <cfloat>
#include <climits>

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
