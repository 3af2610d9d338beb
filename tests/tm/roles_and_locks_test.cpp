// Work under another role, and locks that cover the transaction, over two real databases.
#include <thread>
#include <xabridge/mysql.hpp>
#include <xabridge/postgresql.hpp>

#include "catch.hpp"
#include "other_role.hpp"
#include "real_servers.hpp"
#include "when.hpp"

using xabridge::EventKind;
using xabridge::Outcome;
using xabridge::OutcomeKind;
using xabridge::Transaction;
using xabridge::TransactionManager;

namespace {

void require(const Outcome& outcome, OutcomeKind kind) {
  INFO(outcome.to_string());
  REQUIRE(xabridge::to_string(outcome.kind) == xabridge::to_string(kind));
}

}  // namespace

TEST_CASE_METHOD(RealServers, "A transaction under another role is committed on both sides") {
  const OtherRole role(*this);
  TransactionManager tm(config());
  for (const char* const set : {"SET LOCAL ROLE ", "SET ROLE "}) {
    INFO(set);
    require(tm.run([&](Transaction& tx) {
      pg(tx.postgresql("accounts"), set + role.name);
      move(tx, 1, 100);
    }),
            OutcomeKind::committed);
  }
  CHECK(pg_balance(1) == 800);
  CHECK(my_balance(1) == 1200);
  CHECK(pg_number("SELECT count(*) FROM pg_prepared_xacts WHERE owner = '" + role.name + "'") == 0);
}

// PostgreSQL votes yes, the other side no: the prepared branch is rolled back indeed.
TEST_CASE_METHOD(RealServers, "A transaction under another role is rolled back on both sides") {
  const OtherRole role(*this);
  std::string connection;
  When observer(EventKind::before_prepare, "ledger", [&] {
    my_admin("KILL " + connection);
    const std::string is_there =
        "SELECT COUNT(*) FROM information_schema.processlist WHERE id = " + connection;
    while (my_number(is_there) != 0) std::this_thread::yield();
  });
  xabridge::Config with_observer = config();
  with_observer.observers = {&observer};
  TransactionManager tm(with_observer);
  Transaction tx = tm.begin();
  pg(tx.postgresql("accounts"), "SET LOCAL ROLE " + role.name);
  move(tx, 1, 100);
  connection = my_connection_id(tx.mysql("ledger"));
  require(tx.commit(), OutcomeKind::rolled_back);
  CHECK(pg_number("SELECT count(*) FROM pg_prepared_xacts WHERE owner = '" + role.name + "'") == 0);
  CHECK(pg_balance(1) == 1000);
  CHECK(my_balance(1) == 1000);
  // Nothing keeps its lock.
  pg_admin("SET lock_timeout = '5s'");
  pg_admin("UPDATE " + account + " SET balance = 1000 WHERE id = 1");
}

TEST_CASE_METHOD(RealServers, "A lock at PostgreSQL covers a transaction that writes elsewhere") {
  const std::string key = std::to_string(::getpid());
  const std::string is_free = "SELECT pg_try_advisory_xact_lock(7862, " + key + ")::int";
  long free_at_decision = -1;
  When observer(EventKind::before_decide, "", [&] { free_at_decision = pg_number(is_free); });
  xabridge::Config with_observer = config();
  with_observer.observers = {&observer};
  TransactionManager tm(with_observer);
  for (const char* const lock :
       {"SELECT pg_advisory_xact_lock(7862, ", "SELECT pg_try_advisory_xact_lock(7862, ",
        "SELECT 1 FROM pg_advisory_xact_lock(7862, ", "SELECT pg_advisory_lock(7862, "}) {
    INFO(lock);
    free_at_decision = -1;
    require(tm.run([&](Transaction& tx) {
      pg(tx.postgresql("accounts"), lock + key + ")");
      my(tx.mysql("ledger"), "UPDATE " + account + " SET balance = 1 WHERE id = 1");
    }),
            OutcomeKind::committed);
    CHECK(free_at_decision == 0);
    CHECK(pg_number(is_free) == 1);
  }
}
