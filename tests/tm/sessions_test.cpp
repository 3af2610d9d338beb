// How long the sessions of a transaction manager live at both servers.
#include <set>
#include <string>
#include <thread>
#include <xabridge/transaction_manager.hpp>

#include "catch.hpp"
#include "deaf_relay.hpp"
#include "real_servers.hpp"
#include "when.hpp"

using namespace std::chrono_literals;
using xabridge::Transaction;
using xabridge::TransactionManager;

namespace {

bool eventually(const std::function<bool()>& condition) {
  const auto limit = std::chrono::steady_clock::now() + 20s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace

TEST_CASE("threads that come and go share sessions, which end with the transaction manager") {
  RealServers servers;
  auto config = servers.config();
  config.recovery_background = false;
  std::set<int> backends;
  std::set<std::string> connections;
  {
    TransactionManager tm(config);
    for (int i = 0; i < 3; ++i) {
      std::thread([&] {
        const auto outcome = tm.run([&](Transaction& tx) {
          servers.move(tx, 1, 10);
          backends.insert(PQbackendPID(tx.postgresql("accounts")));
          connections.insert(RealServers::my_connection_id(tx.mysql("ledger")));
        });
        CHECK(outcome.committed());
      }).join();
    }
    CHECK(backends.size() == 1);
    CHECK(connections.size() == 1);
  }
  CHECK(eventually([&] {
    return servers.pg_number("SELECT count(*) FROM pg_stat_activity WHERE pid = " +
                             std::to_string(*backends.begin())) == 0;
  }));
  CHECK(eventually([&] {
    return servers.my_number("SELECT COUNT(*) FROM information_schema.processlist WHERE id = " +
                             *connections.begin()) == 0;
  }));
}

TEST_CASE(
    "a branch whose connection was lost unnoticed at the commit does not wait for its limit") {
  RealServers servers;
  auto config = servers.config();
  std::string& open = config.resource_managers[1].open;
  const auto at = open.find("port=") + 5;
  const auto end = std::min(open.find(' ', at), open.size());
  xabridge::test::DeafRelay relay(std::stoi(open.substr(at, end - at)));
  open.replace(at, end - at, std::to_string(relay.port()));
  When cut(xabridge::EventKind::before_commit, "ledger", [&] { relay.lose_clients(); });
  config.observers = {&cut};
  TransactionManager tm(config);
  auto tx = tm.begin();
  servers.move(tx, 1, 10);
  const auto outcome = tx.commit();
  INFO(outcome.to_string());
  CHECK((outcome.committed() || outcome.kind == xabridge::OutcomeKind::committed_pending));
  CHECK(eventually([&] { return servers.my_balance(1) == 1010; }));
  CHECK(servers.pg_balance(1) == 990);
}
