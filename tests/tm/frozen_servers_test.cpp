// Real servers that hang: a whole server, one session of PostgreSQL, a global read lock, a
// synchronous standby that is away. Every answer comes while the server still hangs; the others'
// transactions go on; when it goes on, everything ends as it was decided.
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <future>
#include <optional>
#include <thread>
#include <utility>

#include "../support/plain_mysql.hpp"
#include "catch.hpp"
#include "real_servers.hpp"

using namespace std::chrono_literals;
using xabridge::Event;
using xabridge::EventKind;
using xabridge::Outcome;
using xabridge::OutcomeKind;
using xabridge::Transaction;
using xabridge::TransactionManager;

namespace {

using Clock = std::chrono::steady_clock;

std::string setting(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  return value == nullptr ? std::string() : value;
}

/// "POSTGRESQL", or the other server of this run.
std::string other() { return setting("XABRIDGE_TEST_SERVER") == "mariadb" ? "MARIADB" : "MYSQL"; }

/// A server that is stopped until thaw(), at the latest by the destructor.
class Frozen {
 public:
  explicit Frozen(std::string server)
      : control_(setting("XABRIDGE_TEST_" + std::move(server) + "_CONTROL")) {
    if (control_.empty()) {
      throw std::runtime_error("no command to freeze with: eval \"$(scripts/servers env)\"");
    }
    frozen_ = run("freeze");
    if (!frozen_) throw std::runtime_error("cannot freeze: " + control_);
  }
  ~Frozen() { thaw(); }
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;
  void thaw() {
    if (std::exchange(frozen_, false)) (void)run("thaw");
  }
  [[nodiscard]] bool frozen() const noexcept { return frozen_; }

 private:
  [[nodiscard]] bool run(const char* action) const {
    return std::system((control_ + " " + action + " >/dev/null 2>&1").c_str()) == 0;
  }
  std::string control_;
  bool frozen_ = false;
};

/// Freezes a server at the first event of a kind at a resource manager (empty: any).
class FreezeAt final : public xabridge::Observer {
 public:
  FreezeAt(EventKind kind, std::string resource_manager, std::string server)
      : kind_(kind), resource_manager_(std::move(resource_manager)), server_(std::move(server)) {}
  void on_event(const Event& event) noexcept override {
    if (event.kind == EventKind::recovery_waits) ++waits;
    if (event.kind != kind_ || frozen ||
        (!resource_manager_.empty() && event.resource_manager != resource_manager_)) {
      return;
    }
    try {
      frozen.emplace(server_);
    } catch (const std::exception&) {
      failed = true;
    }
  }
  std::optional<Frozen> frozen;
  bool failed = false;
  std::atomic<int> waits{0};

 private:
  EventKind kind_;
  std::string resource_manager_;
  std::string server_;
};

/// How long `call` took. The bounds are those of a busy machine: far below what hangs for ever.
template <class Call>
std::chrono::milliseconds time_of(Call call) {
  const auto begun = Clock::now();
  call();
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun);
}

struct FrozenServers : RealServers {
  [[nodiscard]] xabridge::Config quick() const {
    xabridge::Config c = config();
    c.timeout = 3s;
    c.completion_timeout = 1s;
    c.recovery_call_timeout = 2s;
    return c;
  }
  [[nodiscard]] long pg_prepared() {
    return pg_number("SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()");
  }
  /// Both sides moved `amount`, or both did not; waits for it.
  bool comes_to(long amount) {
    const auto patience = Clock::now() + 60s;
    while (pg_balance(1) != 1000 - amount || my_balance(1) != 1000 + amount || pg_prepared() != 0) {
      if (Clock::now() > patience) return false;
      std::this_thread::yield();
    }
    return true;
  }
  /// Asks a server whether the transaction's session there is still at work.
  std::function<bool()> at_work(Transaction& tx, const std::string& server) {
    if (server == "POSTGRESQL") {
      const int pid = PQbackendPID(tx.postgresql("accounts"));
      const std::string sql =
          "SELECT count(*) FROM pg_stat_activity WHERE pid = " + std::to_string(pid);
      return [this, sql] { return pg_number(sql) != 0; };
    }
    const std::string sql = "SELECT count(*) FROM information_schema.processlist WHERE id = " +
                            my_connection_id(tx.mysql("ledger"));
    return [this, sql] { return my_number(sql) != 0; };
  }
  /// A server that goes on takes up the vote it was asked for. The branch is prepared then, and
  /// recovery rolls it back; so the manager has to live that long.
  bool late_vote_is_rolled_back(const std::function<bool()>& is_at_work, const std::string& tx) {
    const auto patience = Clock::now() + 60s;
    while (is_at_work() || pg_prepared() != 0 || my_prepared(tx)) {
      if (Clock::now() > patience) return false;
      std::this_thread::yield();
    }
    return true;
  }
  /// Work at the server that is not frozen goes on.
  void check_healthy(TransactionManager& tm, const std::string& frozen) {
    Outcome outcome;
    const auto took = time_of([&] {
      outcome = tm.run([&](Transaction& tx) {
        if (frozen == "POSTGRESQL") {
          my(tx.mysql("ledger"), "UPDATE " + account + " SET balance = 1 WHERE id = 3");
        } else {
          pg(tx.postgresql("accounts"),
             "UPDATE " + account + " SET balance = 1 WHERE id = 3");
        }
      });
    });
    INFO(outcome.to_string());
    CHECK(outcome.kind == OutcomeKind::committed);
    CHECK(took < 2s);
  }
};

constexpr auto kInTime = 12s;  // of a timeout of 3 s, beside eight busy neighbours

/// The outcome is there while the server still hangs.
Outcome commit_in_time(Transaction& tx) {
  Outcome outcome;
  const auto took = time_of([&] { outcome = tx.commit(); });
  INFO(outcome.to_string());
  CHECK(took < kInTime);
  return outcome;
}

}  // namespace

TEST_CASE_METHOD(FrozenServers, "A frozen session of the pool costs a small part of the time") {
  auto c = config();
  c.timeout = 10s;
  c.recovery_background = false;
  TransactionManager tm(c);
  pid_t process = 0;
  const auto pay = [&] {
    return tm.run([&](Transaction& tx) {
      process = PQbackendPID(tx.postgresql("accounts"));
      move(tx, 1, 10);
    });
  };
  REQUIRE(pay().committed());
  const pid_t frozen = process;
  REQUIRE(::kill(frozen, SIGSTOP) == 0);
  const std::shared_ptr<void> thaw(nullptr, [&](void*) { (void)::kill(frozen, SIGCONT); });
  const auto start = Clock::now();
  const Outcome outcome = pay();
  const auto took = Clock::now() - start;
  INFO(outcome.to_string());
  CHECK(outcome.committed());
  CHECK(process != frozen);
  CHECK(took < 8s);
}

TEST_CASE_METHOD(FrozenServers, "A server frozen at the vote: rolled back in time, and after it") {
  for (const std::string& server : {std::string("POSTGRESQL"), other()}) {
    for (const EventKind kind : {EventKind::before_end, EventKind::before_prepare}) {
      const std::string name = server == "POSTGRESQL" ? "accounts" : "ledger";
      FreezeAt freeze(kind, name, server);
      xabridge::Config c = quick();
      c.observers = {&freeze};
      TransactionManager tm(c);
      Transaction tx = tm.begin();
      move(tx, 1, 250);
      const auto is_at_work = at_work(tx, server);
      const Outcome outcome = commit_in_time(tx);
      INFO(server << ": " << outcome.to_string());
      REQUIRE(freeze.frozen);
      CHECK(freeze.frozen->frozen());
      CHECK(outcome.kind == OutcomeKind::rolled_back);
      CHECK(outcome.reason_code == XA_RBTIMEOUT);
      check_healthy(tm, server);
      freeze.frozen->thaw();
      CHECK(late_vote_is_rolled_back(is_at_work, outcome.gtrid));
      CHECK(comes_to(0));
    }
  }
}

TEST_CASE_METHOD(FrozenServers, "A server frozen at phase two: pending in time, then committed") {
  long moved = 0;
  for (const std::string& server : {std::string("POSTGRESQL"), other()}) {
    FreezeAt freeze(EventKind::decided, "", server);
    xabridge::Config c = quick();
    c.observers = {&freeze};
    TransactionManager tm(c);
    Transaction tx = tm.begin();
    move(tx, 1, 250);
    const Outcome outcome = commit_in_time(tx);
    INFO(server << ": " << outcome.to_string());
    REQUIRE(freeze.frozen);
    CHECK(freeze.frozen->frozen());
    CHECK(outcome.kind == OutcomeKind::committed_pending);
    check_healthy(tm, server);
    freeze.frozen->thaw();
    moved += 250;
    CHECK(comes_to(moved));
  }
}

TEST_CASE_METHOD(FrozenServers, "A server frozen at the first use: refused in time") {
  for (const std::string& server : {std::string("POSTGRESQL"), other()}) {
    TransactionManager tm(quick());
    CHECK(tm.run([&](Transaction& tx) { move(tx, 1, 0); }).committed());
    Frozen frozen(server);
    std::string said;
    const auto took = time_of([&] {
      try {
        (void)tm.run(
            [&](Transaction& tx) { tx.enlist(server == "POSTGRESQL" ? "accounts" : "ledger"); });
      } catch (const std::exception& e) {
        said = e.what();
      }
    });
    INFO(server << ": " << said);
    CHECK(took < kInTime);
    check_healthy(tm, server);
    frozen.thaw();
    CHECK(comes_to(0));
  }
}

TEST_CASE_METHOD(FrozenServers, "A statement at a frozen server ends when the time is up") {
  for (const std::string& server : {std::string("POSTGRESQL"), other()}) {
    TransactionManager tm(quick());
    Transaction tx = tm.begin();
    move(tx, 1, 250);
    const auto is_at_work = at_work(tx, server);
    Frozen frozen(server);
    const auto took = time_of([&] {
      if (server == "POSTGRESQL") {
        CHECK_THROWS(pg(tx.postgresql("accounts"), "SELECT count(*) FROM " + account));
      } else {
        CHECK_THROWS(my(tx.mysql("ledger"), "SELECT count(*) FROM " + account));
      }
    });
    CHECK(took < kInTime);
    const Outcome outcome = commit_in_time(tx);
    CHECK(outcome.kind == OutcomeKind::rolled_back);
    CHECK(frozen.frozen());
    check_healthy(tm, server);
    frozen.thaw();
    CHECK(late_vote_is_rolled_back(is_at_work, outcome.gtrid));
    CHECK(comes_to(0));
  }
}

TEST_CASE_METHOD(FrozenServers, "One frozen server does not stop recovery at the other") {
  for (const std::string& server : {std::string("POSTGRESQL"), other()}) {
    const bool pg_frozen = server == "POSTGRESQL";
    const long pg_before = pg_balance(1);
    const long my_before = my_balance(1);
    {
      // Decided, and the manager is gone before any branch is committed.
      FreezeAt freeze(EventKind::decided, "", server);
      xabridge::Config c = quick();
      c.completion_timeout = 0ms;
      c.observers = {&freeze};
      TransactionManager tm(c);
      Transaction tx = tm.begin();
      move(tx, 1, 250);
      CHECK(tx.commit().kind == OutcomeKind::committed_pending);
      REQUIRE(freeze.frozen);
      FreezeAt none(EventKind::decided, "nobody", server);
      xabridge::Config again = quick();
      again.recovery_start_timeout = 0ms;
      again.observers = {&none};
      TransactionManager other_tm(again);
      const auto took = time_of([&] { other_tm.recover_now(); });
      CHECK(took < kInTime);
      const auto patience = Clock::now() + 30s;
      const auto healthy_is_done = [&] {
        return pg_frozen ? my_balance(1) == my_before + 250 : pg_balance(1) == pg_before - 250;
      };
      while (!healthy_is_done() && Clock::now() < patience) std::this_thread::yield();
      CHECK(healthy_is_done());
      CHECK(freeze.frozen->frozen());
      CHECK(none.waits > 0);
      freeze.frozen->thaw();
    }
    TransactionManager last(quick());
    CHECK(comes_to(1000 - pg_before + 250));
  }
}

// A backup that takes minutes: everything that would write to the binary log waits.
TEST_CASE_METHOD(FrozenServers, "A global read lock: votes roll back, phase two is pending") {
  struct ReadLock final : xabridge::Observer {
    void on_event(const Event& event) noexcept override {
      if (event.kind != EventKind::decided) return;
      try {
        RealServers::my(*admin, "FLUSH TABLES WITH READ LOCK");
        locked = true;
      } catch (const sql::SQLException&) {
        // `locked` stays false.
      }
    }
    std::unique_ptr<sql::Connection> admin =
        plain_mysql(setting("XABRIDGE_TEST_" + other() + "_ADMIN"));
    bool locked = false;
  } lock;
  xabridge::Config c = quick();
  c.observers = {&lock};
  TransactionManager tm(c);
  Transaction tx = tm.begin();
  move(tx, 1, 250);
  const Outcome outcome = commit_in_time(tx);
  INFO(outcome.to_string());
  CHECK(outcome.kind == OutcomeKind::committed_pending);
  CHECK(pg_balance(1) == 750);
  check_healthy(tm, other());
  CHECK(lock.locked);
  my(*lock.admin, "UNLOCK TABLES");
  CHECK(comes_to(250));
}

TEST_CASE_METHOD(FrozenServers, "One frozen session of PostgreSQL: rolled back in time") {
  struct StopSession final : xabridge::Observer {
    void on_event(const Event& event) noexcept override {
      if (event.kind == EventKind::before_prepare && event.resource_manager == "accounts") {
        stop(SIGSTOP);
      }
    }
    void stop(int signal) const {
      // The server's processes belong to another user where the tests run as root.
      if (pid > 0)
        (void)!std::system(("kill -" + std::to_string(signal) + " " + std::to_string(pid)).c_str());
    }
    ~StopSession() { stop(SIGCONT); }
    int pid = 0;
  } session;
  xabridge::Config c = quick();
  c.observers = {&session};
  TransactionManager tm(c);
  Transaction tx = tm.begin();
  move(tx, 1, 250);
  const auto is_at_work = at_work(tx, "POSTGRESQL");
  session.pid = PQbackendPID(tx.postgresql("accounts"));
  const Outcome outcome = commit_in_time(tx);
  INFO(outcome.to_string());
  CHECK(outcome.kind == OutcomeKind::rolled_back);
  session.stop(SIGCONT);
  CHECK(late_vote_is_rolled_back(is_at_work, outcome.gtrid));
  CHECK(comes_to(0));
}
