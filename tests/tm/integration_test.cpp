// Transactions over two real databases, through the public headers alone.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <latch>
#include <map>
#include <mutex>
#include <random>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>
#include <xabridge/xid.hpp>

#include "catch.hpp"
#include "real_servers.hpp"

using namespace std::chrono_literals;
using xabridge::EventKind;
using xabridge::Outcome;
using xabridge::OutcomeKind;
using xabridge::Transaction;
using xabridge::TransactionManager;

namespace {

/// For failing checks: what the library said.
void require(const Outcome& outcome, OutcomeKind kind) {
  INFO(outcome.to_string());
  REQUIRE(xabridge::to_string(outcome.kind) == xabridge::to_string(kind));
}

/// Right before the other server's branch is committed for the first time its connection is killed,
/// and the branch rolled back by hand: both are gone when the commit is to be sent.
class CutBeforeCommit final : public xabridge::Observer {
 public:
  explicit CutBeforeCommit(RealServers& servers) : servers_(servers) {}
  std::string connection;
  bool rolled_back = false;
  int heuristic = 0;
  int done = 0;
  void on_event(const xabridge::Event& event) noexcept override {
    heuristic += event.kind == EventKind::heuristic ? 1 : 0;
    done += event.kind == EventKind::done ? 1 : 0;
    const bool due = event.kind == EventKind::before_commit && event.resource_manager == "ledger";
    if (!due || connection.empty()) return;
    const std::string id = std::exchange(connection, {});
    servers_.my_admin("KILL " + id);
    while (servers_.my_number("SELECT COUNT(*) FROM information_schema.processlist WHERE id = " +
                              id) != 0) {
      std::this_thread::yield();
    }
    rolled_back = servers_.my_by_hand("XA ROLLBACK", event.gtrid, id);
  }

 private:
  RealServers& servers_;
};

/// Right before the other server's branch is rolled back somebody commits it by hand.
class CommitBeforeRollback final : public xabridge::Observer {
 public:
  explicit CommitBeforeRollback(RealServers& servers) : servers_(servers) {}
  bool committed = false;
  void on_event(const xabridge::Event& event) noexcept override {
    if (event.kind != EventKind::before_rollback || event.resource_manager != "ledger") return;
    // MariaDB lets nobody near a branch whose session is there.
    committed = servers_.my_by_hand("XA COMMIT", event.gtrid, "");
  }

 private:
  RealServers& servers_;
};

void require_untouched(RealServers& servers) {
  CHECK(servers.pg_balance(1) == 1000);
  CHECK(servers.my_balance(1) == 1000);
}

}  // namespace

TEST_CASE_METHOD(RealServers, "A transfer commits on both sides") {
  TransactionManager tm(config());
  require(tm.run([&](Transaction& tx) { move(tx, 1, 250); }), OutcomeKind::committed);
  CHECK(pg_balance(1) == 750);
  CHECK(my_balance(1) == 1250);
}

TEST_CASE_METHOD(RealServers, "A transfer rolls back on both sides") {
  TransactionManager tm(config());
  Transaction tx = tm.begin();
  move(tx, 1, 250);
  require(tx.rollback(), OutcomeKind::rolled_back);
  CHECK_THROWS_WITH(tm.run([&](Transaction& t) {
    move(t, 1, 250);
    throw std::runtime_error("insufficient funds");
  }),
                    "insufficient funds");
  require_untouched(*this);
}

TEST_CASE_METHOD(RealServers, "Work in one database commits in one phase") {
  TransactionManager tm(config());
  require(tm.run([&](Transaction& tx) {
    pg(tx.postgresql("accounts"),
       "UPDATE " + account + " SET balance = 1 WHERE id = 1");
  }),
          OutcomeKind::committed);
  require(tm.run([&](Transaction& tx) {
    my(tx.mysql("ledger"), "UPDATE " + account + " SET balance = 2 WHERE id = 1");
  }),
          OutcomeKind::committed);
  CHECK(pg_balance(1) == 1);
  CHECK(my_balance(1) == 2);
}

TEST_CASE_METHOD(RealServers,
                 "A failed statement that the application ignores rolls both sides back") {
  TransactionManager tm(config());
  Transaction tx = tm.begin();
  move(tx, 1, 250);
  CHECK_THROWS(pg(tx.postgresql("accounts"), "SELECT no_such_column"));
  require(tx.commit(), OutcomeKind::rolled_back);
  require_untouched(*this);
}

TEST_CASE_METHOD(RealServers, "A connection killed on either side rolls both sides back") {
  TransactionManager tm(config());
  {
    Transaction tx = tm.begin();
    move(tx, 1, 250);
    const int pid = PQbackendPID(tx.postgresql("accounts"));
    pg_admin("SELECT pg_terminate_backend(" + std::to_string(pid) + ", 5000)");
    require(tx.commit(), OutcomeKind::rolled_back);
  }
  {
    Transaction tx = tm.begin();
    move(tx, 1, 250);
    my_admin("KILL " + my_connection_id(tx.mysql("ledger")));
    require(tx.commit(), OutcomeKind::rolled_back);
  }
  require_untouched(*this);
  require(tm.run([&](Transaction& tx) { move(tx, 1, 250); }), OutcomeKind::committed);
}

TEST_CASE_METHOD(RealServers, "The running service says which right is missing at a server") {
  const char* const server = std::getenv("XABRIDGE_TEST_SERVER");
  const bool mariadb = server != nullptr && std::string(server) == "mariadb";
  const char* const open =
      std::getenv(mariadb ? "XABRIDGE_TEST_MARIADB_LIMITED" : "XABRIDGE_TEST_MYSQL_LIMITED");
  REQUIRE(open != nullptr);
  struct Heard final : xabridge::Observer {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::string> texts;
    void on_event(const xabridge::Event& event) noexcept override {
      if (event.kind != EventKind::warning || event.resource_manager != "limited") return;
      const std::lock_guard lock(mutex);
      texts.emplace_back(event.text);
      changed.notify_all();
    }
  } heard;
  xabridge::Config c = config();
  c.resource_managers = {{.name = "limited", .driver = "mysql", .open = open}};
  c.observers = {&heard};
  TransactionManager tm(c);
  std::unique_lock lock(heard.mutex);
  const std::string right = mariadb ? "GRANT PROCESS ON" : "GRANT XA_RECOVER_ADMIN ON";
  CHECK(heard.changed.wait_for(lock, 60s, [&] {
    return std::any_of(heard.texts.begin(), heard.texts.end(), [&](const std::string& text) {
      return text.starts_with("server check: ") && text.find(right) != std::string::npos;
    });
  }));
}

TEST_CASE_METHOD(RealServers, "run repeats after a deadlock, whatever the function makes of it") {
  const std::string how = GENERATE("throw", "wrap", "ignore");
  CAPTURE(how);
  TransactionManager tm(config());
  std::latch other_has_two(1);
  std::latch victim_has_one(1);
  // With many rows of its own: the servers let the transaction with fewer changes lose.
  const auto lock_two_then_one = [&] {
    Transaction tx = tm.begin();
    sql::Connection& connection = tx.mysql("ledger");
    for (int i = 1; i <= 50; ++i)
      my(connection, "INSERT INTO " + transfer + " VALUES (" + std::to_string(i) + ")");
    my(connection, "UPDATE " + account + " SET balance = balance + 1 WHERE id = 2");
    other_has_two.count_down();
    victim_has_one.wait();
    my(connection, "UPDATE " + account + " SET balance = balance + 1 WHERE id = 1");
    tx.rollback();
  };
  std::thread other;
  int attempts = 0;
  const Outcome outcome = tm.run([&](Transaction& tx) {
    sql::Connection& connection = tx.mysql("ledger");
    my(connection, "UPDATE " + account + " SET balance = balance + 1 WHERE id = 1");
    if (++attempts == 1) {
      other = std::thread(lock_two_then_one);
      other_has_two.wait();
      victim_has_one.count_down();
    }
    try {
      my(connection, "UPDATE " + account + " SET balance = balance + 1 WHERE id = 2");
    } catch (const sql::SQLException& e) {
      if (how == "throw") throw;
      if (how == "wrap") throw std::runtime_error(std::string("debit: ") + e.what());
    }
  });
  other.join();
  require(outcome, OutcomeKind::committed);
  CHECK(attempts == 2);
  CHECK(my_balance(1) == 1001);
  CHECK(my_balance(2) == 1001);
}

TEST_CASE_METHOD(RealServers, "run repeats after a lost connection that the function hides") {
  const bool at_ledger = GENERATE(false, true);
  CAPTURE(at_ledger);
  TransactionManager tm(config());
  int attempts = 0;
  const Outcome outcome = tm.run([&](Transaction& tx) {
    move(tx, 1, 250);
    if (++attempts > 1) return;
    try {
      if (at_ledger) {
        my_admin("KILL " + my_connection_id(tx.mysql("ledger")));
        for (;;) my(tx.mysql("ledger"), "DO 1");  // until the server hears of it
      } else {
        PGconn* connection = tx.postgresql("accounts");
        pg_admin("SELECT pg_terminate_backend(" + std::to_string(PQbackendPID(connection)) +
                 ", 5000)");
        pg(connection, "SELECT 1");
      }
    } catch (const std::exception&) {
      throw std::invalid_argument("the transfer failed");
    }
  });
  require(outcome, OutcomeKind::committed);
  CHECK(attempts == 2);
}

TEST_CASE_METHOD(RealServers, "run does not repeat an exception beside results left unread") {
  TransactionManager tm(config());
  int attempts = 0;
  CHECK_THROWS_AS(tm.run([&](Transaction& tx) {
    ++attempts;
    const std::unique_ptr<sql::Statement> statement(
        tx.mysql("ledger")->createStatement());
    // Not read: the rollback has no other way than to close the connection.
    statement->setResultSetType(sql::ResultSet::TYPE_FORWARD_ONLY);
    const std::unique_ptr<sql::ResultSet> rows(
        statement->executeQuery("SELECT id FROM " + account));
    throw std::logic_error("no such account");
  }),
                  std::logic_error);
  CHECK(attempts == 1);
}

// The commit never left this process. Who then finds the branch unknown to its server has not
// found it committed.
TEST_CASE_METHOD(RealServers,
                 "A decided branch rolled back by hand before its commit was sent is a hazard") {
  CutBeforeCommit cut(*this);
  xabridge::Config c = config();
  c.completion_timeout = 0ms;
  c.recovery_background = false;
  c.observers = {&cut};
  TransactionManager tm(c);
  Transaction tx = tm.begin();
  move(tx, 1, 250);
  cut.connection = my_connection_id(tx.mysql("ledger"));
  const Outcome outcome = tx.commit();
  CHECK(cut.rolled_back);
  require(outcome, OutcomeKind::heuristic);
  tm.recover_now();
  CHECK(cut.heuristic == 1);
  CHECK(cut.done == 1);
  CHECK(pg_balance(1) == 750);
  CHECK(my_balance(1) == 1000);
  tm.recover_now();
  CHECK(cut.heuristic == 1);
}

TEST_CASE_METHOD(RealServers,
                 "A prepared branch committed by hand before its rollback is not rolled back") {
  CommitBeforeRollback by_hand(*this);
  xabridge::Config c = config();
  c.observers = {&by_hand};
  TransactionManager tm(c);
  Transaction tx = tm.begin();
  move(tx, 1, 250);
  pg(tx.postgresql("accounts"), "NOTIFY no_prepare");  // PREPARE TRANSACTION refuses
  const Outcome outcome = tx.commit();
  require(outcome, by_hand.committed ? OutcomeKind::heuristic : OutcomeKind::rolled_back);
  CHECK(pg_balance(1) == 1000);
  CHECK(my_balance(1) == (by_hand.committed ? 1250 : 1000));
}

TEST_CASE_METHOD(RealServers, "A timeout ends a statement that waits for a lock on either side") {
  TransactionManager tm(config());
  for (const bool postgresql : {true, false}) {
    INFO((postgresql ? "PostgreSQL" : "the other"));
    const std::string update = "UPDATE " + account + " SET balance = 0 WHERE id = 1";
    if (postgresql) {
      pg_admin("BEGIN");
      pg_admin(update);
    } else {
      my_admin("START TRANSACTION");
      my_admin(update);
    }
    const auto begun = std::chrono::steady_clock::now();
    Transaction tx = tm.begin(500ms);
    if (postgresql) {
      CHECK_THROWS(pg(tx.postgresql("accounts"), update));
    } else {
      CHECK_THROWS(my(tx.mysql("ledger"), update));
    }
    CHECK(std::chrono::steady_clock::now() - begun < 20s);
    const Outcome outcome = tx.commit();
    require(outcome, OutcomeKind::rolled_back);
    CHECK(outcome.reason_code == XA_RBTIMEOUT);
    CHECK(outcome.reason.find("timed out after 500ms") != std::string::npos);
    if (postgresql) {
      pg_admin("ROLLBACK");
    } else {
      my_admin("ROLLBACK");
    }
  }
  require_untouched(*this);
}

TEST_CASE_METHOD(RealServers, "A transaction whose thread does not come back ends at its timeout") {
  TransactionManager tm(config());
  Transaction tx = tm.begin(300ms);
  move(tx, 1, 100);
  // These wait for the rows that it holds.
  pg_admin("UPDATE " + account + " SET balance = balance + 1 WHERE id = 1");
  my_admin("UPDATE " + account + " SET balance = balance + 1 WHERE id = 1");
  CHECK(pg_balance(1) == 1001);
  CHECK(my_balance(1) == 1001);
  const Outcome outcome = tx.commit();
  require(outcome, OutcomeKind::rolled_back);
  CHECK(outcome.reason_code == XA_RBTIMEOUT);
  CHECK(outcome.reason.find("timed out after 300ms") != std::string::npos);
  CHECK(tm.run([&](Transaction& next) { move(next, 2, 100); }).committed());
}

TEST_CASE_METHOD(RealServers, "A transaction destroyed by another thread lets its locks go") {
  TransactionManager tm(config());
  Transaction tx = tm.begin(1h);
  move(tx, 1, 100);
  std::thread([&] { const Transaction taken = std::move(tx); }).join();
  pg_admin("UPDATE " + account + " SET balance = balance + 1 WHERE id = 1");
  my_admin("UPDATE " + account + " SET balance = balance + 1 WHERE id = 1");
  CHECK(pg_balance(1) == 1001);
  CHECK(my_balance(1) == 1001);
  // Its thread begins others as if nothing had been.
  CHECK(tm.run([&](Transaction& next) { move(next, 2, 100); }).committed());
}

TEST_CASE_METHOD(RealServers, "run repeats the victim of a deadlock until it commits") {
  for (const bool postgresql : {true, false}) {
    INFO((postgresql ? "PostgreSQL" : "the other"));
    TransactionManager tm(config());
    std::latch both_hold_one(2);
    std::atomic<std::size_t> retries{0};
    std::atomic<int> committed{0};
    const auto take = [&](Transaction& tx, int id) {
      const std::string sql =
          "UPDATE " + account + " SET balance = balance + 1 WHERE id = " + std::to_string(id);
      if (postgresql) {
        pg(tx.postgresql("accounts"), sql);
      } else {
        my(tx.mysql("ledger"), sql);
      }
    };
    const auto work = [&](int first, int second) {
      bool again = false;
      const Outcome outcome = tm.run([&](Transaction& tx) {
        take(tx, first);
        if (!again) {
          again = true;
          both_hold_one.arrive_and_wait();
        }
        take(tx, second);
      });
      retries += outcome.retries.size();
      committed += outcome.committed() ? 1 : 0;
    };
    std::thread other([&] { work(2, 1); });
    work(1, 2);
    other.join();
    CHECK(committed == 2);
    CHECK(retries >= 1);
  }
  CHECK(pg_balance(1) == 1002);
  CHECK(my_balance(2) == 1002);
}

TEST_CASE_METHOD(RealServers, "COMMIT and ROLLBACK typed by hand never end as committed") {
  TransactionManager tm(config());
  {
    Transaction tx = tm.begin();
    move(tx, 1, 250);
    pg(tx.postgresql("accounts"), "ROLLBACK");
    require(tx.commit(), OutcomeKind::rolled_back);
    require_untouched(*this);
  }
  {
    Transaction tx = tm.begin();
    move(tx, 1, 250);
    // The servers refuse both inside a branch; the work stays whole.
    CHECK_THROWS(my(tx.mysql("ledger"), "COMMIT"));
    CHECK_THROWS(my(tx.mysql("ledger"), "ROLLBACK"));
    require(tx.rollback(), OutcomeKind::rolled_back);
    require_untouched(*this);
  }
  {
    Transaction tx = tm.begin();
    move(tx, 1, 250);
    pg(tx.postgresql("accounts"), "COMMIT");
    const Outcome outcome = tx.commit();
    INFO(outcome.to_string());
    CHECK_FALSE(outcome.committed());
    CHECK(outcome.kind != OutcomeKind::rolled_back);  // half of it is done, and that is said
    CHECK(my_balance(1) == 1000);
  }
}

TEST_CASE_METHOD(RealServers, "Eight threads move money and every outcome reported is true") {
  constexpr int kThreads = 8;
  constexpr int kEach = 30;
  TransactionManager tm(config());
  std::mutex mutex;
  std::map<std::string, OutcomeKind> told;  // by transfer
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::minstd_rand random(static_cast<unsigned>(t + 1));
      for (int i = 0; i < kEach; ++i) {
        const std::string id = std::to_string(t) + "-" + std::to_string(i);
        const std::string insert = "INSERT INTO " + transfer + " VALUES ('" + id + "')";
        const unsigned fate = static_cast<unsigned>(random() % 4);
        const int id_of_account = static_cast<int>(random() % 4) + 1;
        OutcomeKind kind = OutcomeKind::rolled_back;
        try {
          kind = tm.run([&](Transaction& tx) {
                     move(tx, id_of_account, static_cast<int>(random() % 50) - 25);
                     pg(tx.postgresql("accounts"), insert);
                     my(tx.mysql("ledger"), insert);
                     if (fate == 0) throw std::runtime_error("changed my mind");
                     if (fate == 1) (void)tx.rollback();
                   }).kind;
        } catch (const std::exception&) {
          kind = OutcomeKind::rolled_back;
        }
        const std::lock_guard lock(mutex);
        told[id] = kind;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  long committed = 0;
  for (const auto& [id, kind] : told) {
    const std::string count = "SELECT COUNT(*) FROM " + transfer + " WHERE id = '" + id + "'";
    const long expected = kind == OutcomeKind::committed ? 1 : 0;
    INFO(id << " " << xabridge::to_string(kind));
    CHECK((kind == OutcomeKind::committed || kind == OutcomeKind::rolled_back));
    CHECK(pg_number(count) == expected);
    CHECK(my_number(count) == expected);
    committed += expected;
  }
  CHECK(told.size() == kThreads * kEach);
  CHECK(committed > 0);
  const std::string sum = "SELECT SUM(balance) FROM " + account;
  CHECK(pg_number(sum) + my_number(sum) == 8000);
}
