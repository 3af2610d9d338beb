// Resource managers with dynamic registration under TX. The numbers are those of the conformance
// statements, class D.

#include "tx_fixture.hpp"

namespace {

struct DynamicFixture : TxFixture {
  DynamicFixture() {
    xabridge::tx::configuration() = [this] {
      auto c = config();
      c.resource_managers[0] = accounts.config(MemoryRm::Kind::ours, TMREGISTER);
      return xabridge::Result<xabridge::Config>(c);
    };
  }
};

}  // namespace

TEST_CASE_METHOD(DynamicFixture, "Nobody who did not register is spoken to D19 D20") {
  REQUIRE(tx_open() == TX_OK);
  REQUIRE(tx_begin() == TX_OK);
  CHECK(ledger.count("start") == 1);
  CHECK(tx_commit() == TX_OK);
  for (const char* entry : {"start", "end", "prepare", "commit"}) CHECK(accounts.count(entry) == 0);
  CHECK(ledger.committed() == 1);
}

TEST_CASE_METHOD(DynamicFixture, "Who registers with the transaction is committed with it D21") {
  REQUIRE(tx_open() == TX_OK);
  REQUIRE(tx_begin() == TX_OK);
  REQUIRE(accounts.work() == TM_OK);
  CHECK(accounts.in_branch());
  CHECK(tx_commit() == TX_OK);
  CHECK(accounts.committed() == 1);
  CHECK(accounts.count("start") == 0);
  CHECK(ledger.committed() == 1);
}

TEST_CASE_METHOD(DynamicFixture, "Work outside any transaction keeps one from beginning D18") {
  REQUIRE(tx_open() == TX_OK);
  REQUIRE(accounts.work() == TM_OK);
  CHECK(accounts.outside());
  CHECK(tx_begin() == TX_OUTSIDE);
  CHECK(ledger.count("start") == 0);
  CHECK(tx_info(nullptr) == 0);
  REQUIRE(accounts.release() == TM_OK);
  CHECK(tx_begin() == TX_OK);
  CHECK(tx_rollback() == TX_OK);
}
