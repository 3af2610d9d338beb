// Statements in C that fail: what is told, and what becomes of the transaction.
#include <cmath>
#include <latch>

#include "statements.hpp"

TEST_CASE_METHOD(InTransaction, "a refused statement says why and the transaction goes on") {
  struct Case {
    std::string sql;
    std::vector<xabridge_mysql_parameter> values;
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

TEST_CASE_METHOD(InTransaction, "a lost connection dooms the transaction") {
  work("one");
  kill_mysql(mysql_session());
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
