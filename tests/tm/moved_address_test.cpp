// The address of a resource manager leads to another server in the middle of phase two: the commit
// is pending, whatever that server says, and the right one finishes it.
#include <chrono>

#include "catch.hpp"
#include "manager_fixture.hpp"
#include "moving_address.hpp"
#include "other_servers.hpp"
#include "real_servers.hpp"

using namespace std::chrono_literals;
using xabridge::EventKind;
using xabridge::OutcomeKind;
using xabridge::TransactionManager;
using Lost = MovingAddress::Lost;

namespace {

/// RealServers behind addresses that can move.
struct Moving : RealServers {
  MovingAddress accounts{config().resource_managers[0].open};
  MovingAddress ledger{config().resource_managers[1].open};
  EventLog events;

  [[nodiscard]] xabridge::Config moving() {
    xabridge::Config c = config();
    c.resource_managers[0].open = accounts.open_string();
    c.resource_managers[1].open = ledger.open_string();
    c.completion_timeout = 500ms;
    c.observers = {&events};
    return c;
  }
  [[nodiscard]] bool told(EventKind kind, const std::string& text) const {
    for (const auto& event : events.all()) {
      if (event.kind == kind && contains(event.text, text)) return true;
    }
    return false;
  }
  /// Waits until recovery has met the other server and said so.
  [[nodiscard]] bool recovery_waits_for_the_right_server() const {
    for (std::size_t n = 1; events.wait_for(EventKind::recovery_waits, n); ++n) {
      for (const char* text : {"other server", "another server", "answers now"}) {
        if (told(EventKind::recovery_waits, text)) return true;
      }
    }
    return false;
  }
};

void commit_while_it_moves(Moving& servers, MovingAddress& address, const std::string& command,
                           const std::string& other) {
  const std::string right = &address == &servers.accounts
                                ? servers.config().resource_managers[0].open
                                : servers.config().resource_managers[1].open;
  const Lost lost = GENERATE(Lost::request, Lost::reply);
  INFO((lost == Lost::request ? "request lost" : "reply lost"));
  // Or it stays connected to the wrong server, and has to leave by itself.
  const bool recovery_is_cut = lost == Lost::request;
  const auto c = servers.moving();
  TransactionManager tm(c);
  auto tx = tm.begin();
  servers.move(tx, 1, 250);
  address.when_sent(command, lost, other);
  const xabridge::Outcome outcome = tx.commit();
  CHECK(address.moved());
  INFO(outcome.to_string());
  CHECK(outcome.kind == OutcomeKind::committed_pending);
  // Recovery of the same process meets the other server as well.
  CHECK(servers.recovery_waits_for_the_right_server());
  CHECK(servers.events.count(EventKind::heuristic) == 0);
  CHECK(servers.events.count(EventKind::done) == 0);
  if (recovery_is_cut) {
    address.lead_to(right);
  } else {
    address.lead_new_ones_to(right);
  }
  CHECK(servers.events.wait_for(EventKind::done));
  CHECK(servers.events.count(EventKind::heuristic) == 0);
  CHECK(servers.pg_balance(1) == 750);
  CHECK(servers.my_balance(1) == 1250);
}

}  // namespace

TEST_CASE_METHOD(Moving, "PostgreSQL's address moves in phase two: pending, then finished") {
  const OtherPostgresql other;
  commit_while_it_moves(*this, accounts, "COMMIT PREPARED", other.open_string());
}

TEST_CASE_METHOD(Moving, "MySQL's address moves in phase two, or MariaDB's: the same") {
  commit_while_it_moves(*this, ledger, "XA COMMIT", other_mysql_or_mariadb());
}
