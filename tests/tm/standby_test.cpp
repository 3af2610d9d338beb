// A PostgreSQL whose synchronous standby is away: what is committed there is on its disk, and the
// answer never comes. As a server that hangs, but for new connections, which work.
#include <chrono>
#include <thread>

#include "../drivers/postgresql/private_cluster.hpp"
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

/// A server of its own, and an administrator who waits for no standby.
struct Primary {
  Primary() {
    admin = PQconnectdb((cluster.open_string() + " options='-c synchronous_commit=local'").c_str());
    run("CREATE TABLE account (id INT PRIMARY KEY, balance BIGINT NOT NULL)");
    run("INSERT INTO account VALUES (1, 1000)");
  }
  ~Primary() { PQfinish(admin); }
  Primary(const Primary&) = delete;
  Primary& operator=(const Primary&) = delete;
  void run(const std::string& sql) const { RealServers::pg(admin, sql); }
  [[nodiscard]] long number(const std::string& sql) const {
    PGresult* result = PQexec(admin, sql.c_str());
    const long n = PQntuples(result) == 1 ? std::stol(PQgetvalue(result, 0, 0)) : -1;
    PQclear(result);
    return n;
  }
  void standby_is_gone() const {
    set_standby("nobody");
    // Commits wait only from the moment on at which the server's checkpointer has read this, which
    // no setting shows: the first commit that waits does.
    PGconn* probe = PQconnectdb(cluster.open_string().c_str());
    const std::string waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND pid = " +
        std::to_string(PQbackendPID(probe));
    const auto patience = Clock::now() + 20s;
    bool waits = false;
    while (!waits && Clock::now() < patience) {
      RealServers::pg(admin, "DROP TABLE IF EXISTS probe");
      PQsendQuery(probe, "CREATE TABLE probe ()");
      while (!waits && is_busy(probe)) waits = number(waiting) == 1;
      if (waits) break;
      while (PGresult* result = PQgetResult(probe)) PQclear(result);
    }
    run("SELECT pg_terminate_backend(" + std::to_string(PQbackendPID(probe)) + ")");
    PQfinish(probe);
    if (!waits) throw std::runtime_error("commits do not wait for the standby");
  }
  void standby_is_back() const { set_standby(""); }

  xabridge::test::PrivateCluster cluster{"max_prepared_transactions=5 fsync=off"};
  PGconn* admin = nullptr;

 private:
  void set_standby(const std::string& name) const {
    run("ALTER SYSTEM SET synchronous_standby_names = '" + name + "'");
    run("SELECT pg_reload_conf()");
  }
  /// No answer has come yet.
  static bool is_busy(PGconn* connection) {
    return PQconsumeInput(connection) == 1 && PQisBusy(connection) == 1;
  }
};

/// The standby goes at the first event of a kind.
class StandbyGoes final : public xabridge::Observer {
 public:
  StandbyGoes(const Primary& primary, EventKind kind) : primary_(primary), kind_(kind) {}
  void on_event(const Event& event) noexcept override {
    if (event.kind != kind_ || gone) return;
    try {
      primary_.standby_is_gone();
      gone = true;
    } catch (const std::exception&) {
      // `gone` stays false.
    }
  }
  bool gone = false;

 private:
  const Primary& primary_;
  EventKind kind_;
};

}  // namespace

TEST_CASE_METHOD(RealServers, "A synchronous standby that is away delays no answer") {
  for (const EventKind kind : {EventKind::before_prepare, EventKind::decided}) {
    const bool decided = kind == EventKind::decided;
    Primary primary;
    StandbyGoes standby(primary, kind);
    const long before = my_balance(1);
    xabridge::Config c = config();
    c.log_directory += decided ? "-decided" : "-vote";
    c.resource_managers[0].open = primary.cluster.open_string();
    c.timeout = 3s;
    c.completion_timeout = 1s;
    c.recovery_call_timeout = 2s;
    c.observers = {&standby};
    TransactionManager tm(c);
    Transaction tx = tm.begin();
    pg(tx.postgresql("accounts"), "UPDATE account SET balance = 750 WHERE id = 1");
    my(tx.mysql("ledger"), "UPDATE " + account +
                                           " SET balance = balance + 250 "
                                           "WHERE id = 1");
    const auto begun = Clock::now();
    const Outcome outcome = tx.commit();
    INFO(outcome.to_string());
    CHECK(Clock::now() - begun < 12s);
    CHECK(standby.gone);
    CHECK(outcome.kind == (decided ? OutcomeKind::committed_pending : OutcomeKind::rolled_back));
    CHECK(my_balance(1) == before + (decided ? 250 : 0));

    primary.standby_is_back();
    const auto patience = Clock::now() + 60s;
    while (primary.number("SELECT count(*) FROM pg_prepared_xacts") != 0 &&
           Clock::now() < patience) {
      std::this_thread::yield();
    }
    CHECK(primary.number("SELECT count(*) FROM pg_prepared_xacts") == 0);
    CHECK(primary.number("SELECT balance FROM account WHERE id = 1") == (decided ? 750 : 1000));
  }
}
