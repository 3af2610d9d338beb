// Connections and statements by name, without a server: what is refused before one is asked.
#include <xabridge/mysql.h>
#include <xabridge/postgresql.h>

#include <memory>

#include "tx_fixture.hpp"

extern "C" int connections_not_open_in_c(void);

namespace {

xabridge_mysql_result* never(int, const char*, const xabridge_mysql_parameter*, std::size_t) {
  FAIL("an entry that the library's version does not have was called");
  return nullptr;
}

}  // namespace

TEST_CASE_METHOD(TxFixture,
                 "A C program that has not opened has no connections and no statements") {
  CHECK(connections_not_open_in_c() == 1);
}

TEST_CASE_METHOD(TxFixture, "A driver of the first version takes part and has no statements in C") {
  xabridge_rm_extras_t old = *ledger.config().extras;
  old.version = 1;
  old.driver = "mysql";
  old.execute = never;
  auto changed = config();
  changed.resource_managers[1].extras = &old;
  xabridge::tx::configuration() = [changed] { return xabridge::Result<xabridge::Config>(changed); };
  REQUIRE(tx_open() == TX_OK);
  REQUIRE(tx_begin() == TX_OK);
  const std::unique_ptr<xabridge_mysql_result, decltype(&xabridge_mysql_free)> refused(
      xabridge_mysql_execute("ledger", "SELECT 1", nullptr, 0), xabridge_mysql_free);
  CHECK(xabridge_mysql_error(refused.get()) == XAER_INVAL);
  CHECK(contains(xabridge_mysql_message(refused.get()), "older than libxabridge"));
  CHECK(tx_commit() == TX_OK);
  CHECK(ledger.committed() == 1);
  CHECK(tx_close() == TX_OK);

  old.version = 0;
  CHECK(tx_open() == TX_FAIL);
  CHECK(contains(xabridge_tx_last_error(), "older than this transaction manager"));
}

TEST_CASE_METHOD(TxFixture, "An observer in C sees each step and is set before anything opens") {
  struct Seen {
    std::vector<std::string> kinds;
    std::mutex mutex;
  } seen;
  const auto observer = [](void* context, const xabridge_tx_event* event) {
    auto& all = *static_cast<Seen*>(context);
    const std::lock_guard lock(all.mutex);
    if (event->gtrid[0] != '\0') all.kinds.emplace_back(event->kind);
  };
  REQUIRE(xabridge_tx_observe(observer, &seen) == TX_OK);
  REQUIRE(tx_open() == TX_OK);
  CHECK(xabridge_tx_observe(nullptr, nullptr) == TX_PROTOCOL_ERROR);
  REQUIRE(tx_begin() == TX_OK);
  CHECK(tx_commit() == TX_OK);
  CHECK(tx_close() == TX_OK);
  CHECK(xabridge_tx_observe(nullptr, nullptr) == TX_OK);
  REQUIRE_FALSE(seen.kinds.empty());
  CHECK(seen.kinds.front() == "begun");
  CHECK(std::count(seen.kinds.begin(), seen.kinds.end(), "decided") == 1);
}
