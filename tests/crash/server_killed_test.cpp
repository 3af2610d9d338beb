// Each server is killed and restarted once at the moments of a commit that matter. The transaction
// manager lives on: what was decided is delivered, what was not decided is rolled back, and the
// caller is told which.
#include <xabridge/mysql.h>
#include <xabridge/postgresql.h>
#include <xabridge/tx.h>

#include <cstdlib>
#include <string>
#include <utility>

#include "../../examples/bank_transfer/mysql_bank.hpp"
#include "../../examples/bank_transfer/postgresql_bank.hpp"
#include "../../examples/bank_transfer/transfer.hpp"
#include "../../examples/common/recovery_watch.hpp"
#include "catch.hpp"
#include "support/scene.hpp"

namespace {

using xabridge::EventKind;
using xabridge::OutcomeKind;

/// scripts/servers or what the environment names: start, stop, restart, kill.
bool control(const std::string& action) {
  const std::string command = scene::server_variable(scene::server_under_test(), "_CONTROL");
  return std::system((command + " " + action + " >/dev/null 2>&1").c_str()) == 0;
}

/// Nothing can be learnt here without a server that may be killed: better no test than one that
/// passes without having looked.
void require_control() {
  const std::string server = scene::server_under_test();
  if (!scene::server_variable(server, "_CONTROL").empty()) return;
  FAIL("no command to kill and start "
       << server << " with: set " << scene::variable_name(server, "_CONTROL")
       << " to one that takes kill or start (eval \"$(scripts/servers env)\" does), or leave these"
          " tests out with ctest --label-exclude crash");
}

/// Kills the server at the first event of a kind; brings it back at once or leaves it down.
class KillServer : public xabridge::Observer {
 public:
  KillServer(EventKind kind, bool bring_back) : kind_(kind), bring_back_(bring_back) {}
  void on_event(const xabridge::Event& event) noexcept override {
    if (event.kind != kind_ || done_) return;
    done_ = true;
    worked_ = control("kill") && (!bring_back_ || control("start"));
  }
  [[nodiscard]] bool worked() const noexcept { return worked_; }

 private:
  EventKind kind_;
  bool bring_back_;
  bool done_ = false;
  bool worked_ = false;
};

/// The server is up again when a test ends, however it ends.
struct Restart {
  ~Restart() { control("start"); }
};

struct Banks {
  scene::Scene scene{"bank_a", "bank_b"};
  examples::RecoveryWatch recovery;
  xabridge::Config config = xabridge::Config::load(scene.config_file());

  explicit Banks(xabridge::Observer& observer) {
    bank::postgresql::create_tables(examples::connect_postgresql(config, bank::bank_a), 2, 1000);
    bank::mysql::create_tables(examples::connect_mysql(config, bank::bank_b), 2, 1000);
    config.observers = {&recovery, &observer};
  }
};

bank::Transfer ten_from_a_to_b() {
  return {bank::new_transfer_id(), {bank::Bank::a, 1}, {bank::Bank::b, 1}, 10};
}

/// The outcome with everything the servers answered on the way to it.
std::string whole_story(const xabridge::Outcome& outcome) {
  std::string text = outcome.to_string();
  for (const auto& branch : outcome.branches) {
    text += "\n" + branch.resource_manager + ": " + std::string(to_string(branch.state));
    for (const auto& error : branch.errors) text += "\n  " + error.to_string();
  }
  return text;
}

void check_both_banks(const Banks& banks, std::int64_t transfers) {
  CHECK(banks.scene.postgresql("SELECT count(*) FROM transfer") == transfers);
  CHECK(banks.scene.mysql("SELECT count(*) FROM transfer") == transfers);
  CHECK(banks.scene.postgresql("SELECT balance FROM account WHERE number = 1") ==
        1000 - 10 * transfers);
  CHECK(banks.scene.mysql("SELECT balance FROM account WHERE number = 1") == 1000 + 10 * transfers);
}

}  // namespace

TEST_CASE("a server killed and restarted between prepare and commit commits its branch") {
  require_control();
  const auto kind = GENERATE(EventKind::before_decide, EventKind::decided);
  INFO("killed at " << to_string(kind));
  KillServer kill(kind, true);
  Banks banks(kill);
  const Restart restart;
  xabridge::TransactionManager tm(banks.config);
  const xabridge::Outcome outcome = bank::transfer(tm, ten_from_a_to_b());
  INFO(whole_story(outcome));
  REQUIRE(kill.worked());
  CHECK(outcome.committed());
  CHECK(banks.recovery.settle(tm, std::chrono::seconds(60)));
  check_both_banks(banks, 1);
}

TEST_CASE(
    "a server that stays down after the decision leaves completion pending and gets it later") {
  require_control();
  KillServer kill(EventKind::decided, false);
  Banks banks(kill);
  const Restart restart;
  xabridge::TransactionManager tm(banks.config);
  const xabridge::Outcome outcome = bank::transfer(tm, ten_from_a_to_b());
  INFO(whole_story(outcome));
  REQUIRE(kill.worked());
  CHECK(outcome.kind == OutcomeKind::committed_pending);
  REQUIRE(control("start"));
  CHECK(banks.recovery.settle(tm, std::chrono::seconds(60)));
  check_both_banks(banks, 1);
}

TEST_CASE("TX answers TX_OK when a server dies after the decision and commits there later") {
  require_control();
  struct Deed {
    bool tried = false;
    bool worked = false;
  } deed;
  KillServer unused(EventKind::warning, false);
  Banks banks(unused);
  const Restart restart;
  ::setenv("XABRIDGE_CONFIG", banks.scene.config_file().c_str(), 1);
  REQUIRE(xabridge_tx_observe(
              [](void* context, const xabridge_tx_event* event) {
                auto& kill = *static_cast<Deed*>(context);
                if (event->kind != std::string("decided") || std::exchange(kill.tried, true))
                  return;
                kill.worked = control("kill");
              },
              &deed) == TX_OK);
  REQUIRE(tx_open() == TX_OK);
  REQUIRE(tx_begin() == TX_OK);
  bank::postgresql::post(
      xabridge::PostgresqlConnection(xabridge_postgresql_connection("bank_a"), "bank_a"),
      {{bank::Bank::a, 1}, -10});
  const xabridge_mysql_parameter values[] = {xabridge_mysql_integer(10), xabridge_mysql_integer(1)};
  xabridge_mysql_result* const credited = xabridge_mysql_execute(
      "bank_b", "UPDATE account SET balance = balance + ? WHERE number = ?", values, 2);
  CHECK(xabridge_mysql_affected_rows(credited) == 1);
  xabridge_mysql_free(credited);
  CHECK(tx_commit() == TX_OK);
  REQUIRE(deed.worked);
  REQUIRE(tx_close() == TX_OK);
  REQUIRE(control("start"));
  // Whoever opens next finishes it.
  examples::RecoveryWatch recovery;
  banks.config.observers = {&recovery};
  xabridge::TransactionManager tm(banks.config);
  CHECK(recovery.settle(tm, std::chrono::seconds(60)));
  CHECK(banks.scene.postgresql("SELECT balance FROM account WHERE number = 1") == 990);
  CHECK(banks.scene.mysql("SELECT balance FROM account WHERE number = 1") == 1010);
}

TEST_CASE("a server killed before it voted rolls the transaction back on both sides") {
  require_control();
  KillServer kill(EventKind::before_prepare, true);
  Banks banks(kill);
  const Restart restart;
  xabridge::TransactionManager tm(banks.config);
  const xabridge::Outcome outcome = [&] {
    xabridge::Transaction tx = tm.begin();
    bank::book(tx, ten_from_a_to_b());
    return tx.commit();
  }();
  INFO(whole_story(outcome));
  REQUIRE(kill.worked());
  CHECK(outcome.kind == OutcomeKind::rolled_back);
  CHECK(banks.recovery.settle(tm, std::chrono::seconds(60)));
  check_both_banks(banks, 0);
  // And the pool has noticed: the next transaction gets a connection that works.
  CHECK(bank::transfer(tm, ten_from_a_to_b()).committed());
  check_both_banks(banks, 1);
}
