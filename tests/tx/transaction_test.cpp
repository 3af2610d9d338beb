// Transactions through TX: all static resource managers take part from tx_begin on, and what they
// answer becomes the code the application sees.

#include "tx_fixture.hpp"

namespace {

constexpr int kTooLong = 20;  // seconds; a test that waits that long has failed

template <class Condition>
bool comes_true(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(kTooLong);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

/// Holds every xa_commit up until let_go(), as a slow server does.
class SlowCommit final : public xabridge::Observer {
 public:
  void on_event(const xabridge::Event& event) noexcept override {
    if (event.kind != xabridge::EventKind::before_commit) return;
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return free_; });
  }
  void let_go() {
    const std::lock_guard lock(mutex_);
    free_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool free_ = false;
};

}  // namespace

TEST_CASE_METHOD(TxFixture, "Both resource managers are opened started prepared and committed") {
  REQUIRE(tx_open() == TX_OK);
  CHECK(accounts.count("start") == 0);
  REQUIRE(tx_begin() == TX_OK);
  CHECK(accounts.count("start") == 1);
  CHECK(ledger.count("start") == 1);
  CHECK(info().xid.formatID > 0);
  CHECK(tx_commit() == TX_OK);
  CHECK(accounts.committed() == 1);
  CHECK(ledger.committed() == 1);
  CHECK(tx_close() == TX_OK);
}

TEST_CASE_METHOD(TxFixture, "Closing ends the transaction manager and opening makes another") {
  for (int i = 0; i < 2; ++i) {
    REQUIRE(tx_open() == TX_OK);
    REQUIRE(tx_begin() == TX_OK);
    CHECK(tx_commit() == TX_OK);
    REQUIRE(tx_close() == TX_OK);
    CHECK(comes_true([&] { return accounts.open_threads() == 0; }));
  }
  CHECK(accounts.committed() == 2);
}

TEST_CASE_METHOD(TxFixture, "A vote against commit rolls everything back") {
  REQUIRE(tx_open() == TX_OK);
  REQUIRE(tx_begin() == TX_OK);
  ledger.answer("prepare", {XA_RBINTEGRITY});
  CHECK(tx_commit() == TX_ROLLBACK);
  CHECK(accounts.rolled_back() == 1);
  CHECK(tx_info(nullptr) == 0);
}

TEST_CASE_METHOD(TxFixture, "Chained transactions follow each other with a new gtrid") {
  REQUIRE(tx_open() == TX_OK);
  REQUIRE(tx_set_transaction_control(TX_CHAINED) == TX_OK);
  REQUIRE(tx_begin() == TX_OK);
  const std::string first = gtrid();
  CHECK(tx_commit() == TX_OK);
  CHECK(tx_info(nullptr) == 1);
  const std::string second = gtrid();
  CHECK(first != second);
  CHECK(tx_rollback() == TX_OK);
  CHECK(gtrid() != second);
  CHECK(tx_set_transaction_control(TX_UNCHAINED) == TX_OK);
  CHECK(tx_commit() == TX_OK);
  CHECK(tx_info(nullptr) == 0);
  CHECK(accounts.committed() == 2);
  CHECK(accounts.rolled_back() == 1);
}

TEST_CASE_METHOD(TxFixture, "A successor that cannot begin leaves the thread chained and outside") {
  REQUIRE(tx_open() == TX_OK);
  REQUIRE(tx_set_transaction_control(TX_CHAINED) == TX_OK);
  REQUIRE(tx_begin() == TX_OK);
  ledger.answer("start", {XAER_RMERR});
  CHECK(tx_commit() == TX_NO_BEGIN);
  CHECK(accounts.committed() == 1);
  CHECK(accounts.rolled_back() == 1);  // what the successor had begun
  CHECK(tx_info(nullptr) == 0);
  CHECK(info().transaction_control == TX_CHAINED);

  REQUIRE(tx_begin() == TX_OK);
  ledger.answer("prepare", {XA_RBINTEGRITY});
  accounts.answer("start", {XAER_RMERR});
  CHECK(tx_commit() == TX_ROLLBACK_NO_BEGIN);
  CHECK(tx_close() == TX_OK);
}

TEST_CASE_METHOD(TxFixture, "What begins at one resource manager is undone when another refuses") {
  REQUIRE(tx_open() == TX_OK);
  struct Case {
    std::deque<int> answers;
    int code;
  };
  const std::vector<Case> cases{
      {{XAER_RMERR}, TX_ERROR},
      {{XA_RETRY}, TX_ERROR},
      {{XAER_OUTSIDE}, TX_OUTSIDE},
      {{XAER_INVAL}, TX_FAIL},
      {{XAER_NOTA}, TX_FAIL},
      {{XA_RBROLLBACK}, TX_FAIL},
      {{XAER_RMFAIL, XAER_RMFAIL}, TX_FAIL},
      {{XAER_DUPID, XAER_DUPID}, TX_FAIL},
      {{XAER_PROTO, XAER_PROTO}, TX_FAIL},
      {{XAER_DUPID}, TX_OK},
      {{XAER_PROTO}, TX_OK},
  };
  for (const Case& one : cases) {
    INFO("xa_start answers " << one.answers.front());
    const std::size_t undone = accounts.rolled_back();
    ledger.answer("start", one.answers);
    REQUIRE(tx_begin() == one.code);
    CHECK(accounts.rolled_back() > undone);
    CHECK(tx_info(nullptr) == (one.code == TX_OK ? 1 : 0));
    if (one.code == TX_OK) REQUIRE(tx_rollback() == TX_OK);
  }
}

TEST_CASE_METHOD(TxFixture,
                 "A resource manager that cannot be reached in phase two is recovery's") {
  REQUIRE(tx_open() == TX_OK);
  REQUIRE(tx_begin() == TX_OK);
  const std::string transaction = TxFixture::transaction();
  ledger.answer("commit", std::deque<int>(2, XAER_RMFAIL));
  CHECK(tx_commit() == TX_OK);
  CHECK(comes_true([&] { return ledger.was_committed(transaction); }));
}

TEST_CASE_METHOD(TxFixture,
                 "A server that is away is TX_ERROR at begin and serves again when back") {
  REQUIRE(tx_open() == TX_OK);
  ledger.set_reachable(false);
  for (int i = 0; i < 2; ++i) {
    CHECK(tx_begin() == TX_ERROR);
    CHECK(contains(xabridge_tx_last_error(), "ledger"));
    CHECK(tx_info(nullptr) == 0);
  }
  ledger.set_reachable(true);
  REQUIRE(tx_begin() == TX_OK);
  CHECK(tx_commit() == TX_OK);
  CHECK(accounts.committed() == 1);
  CHECK(ledger.committed() == 1);
}

TEST_CASE_METHOD(TxFixture,
                 "A server that goes away before the decision rolls back and is no hazard") {
  REQUIRE(tx_open() == TX_OK);
  REQUIRE(tx_begin() == TX_OK);
  ledger.set_reachable(false);
  CHECK(tx_commit() == TX_ROLLBACK);
  ledger.set_reachable(true);
  REQUIRE(tx_begin() == TX_OK);
  ledger.set_reachable(false);
  CHECK(tx_rollback() == TX_OK);
  ledger.set_reachable(true);
  REQUIRE(tx_set_transaction_control(TX_CHAINED) == TX_OK);
  REQUIRE(tx_begin() == TX_OK);
  ledger.set_reachable(false);
  CHECK(tx_commit() == TX_ROLLBACK_NO_BEGIN);
  ledger.set_reachable(true);
  CHECK(accounts.committed() + ledger.committed() == 0);
  CHECK(accounts.prepared().empty());
  CHECK(tx_begin() == TX_OK);
}

TEST_CASE_METHOD(TxFixture, "A lost reply to the only branch's commit is a hazard") {
  auto one = config();
  one.resource_managers.pop_back();
  xabridge::tx::configuration() = [one] { return xabridge::Result<xabridge::Config>(one); };
  REQUIRE(tx_open() == TX_OK);
  REQUIRE(tx_begin() == TX_OK);
  accounts.lose_reply("commit");
  CHECK(tx_commit() == TX_HAZARD);
  CHECK(tx_info(nullptr) == 0);
}

TEST_CASE_METHOD(TxFixture, "A timeout dooms the transaction that began after it was set") {
  REQUIRE(tx_open() == TX_OK);
  REQUIRE(tx_begin() == TX_OK);
  REQUIRE(tx_set_transaction_timeout(1) == TX_OK);
  CHECK(info().transaction_timeout == 1);
  CHECK(tx_commit() == TX_OK);

  REQUIRE(tx_begin() == TX_OK);
  CHECK(info().transaction_state == TX_ACTIVE);
  REQUIRE(comes_true([] { return info().transaction_state == TX_TIMEOUT_ROLLBACK_ONLY; }));
  CHECK(tx_info(nullptr) == 1);
  CHECK(tx_commit() == TX_ROLLBACK);
  CHECK(accounts.rolled_back() == 1);
  CHECK(tx_info(nullptr) == 0);
}

TEST_CASE_METHOD(TxFixture,
                 "After the decision is logged phase two goes on in the background K29") {
  SlowCommit slow;
  auto watched = config();
  watched.observers.push_back(&slow);
  xabridge::tx::configuration() = [watched] { return xabridge::Result<xabridge::Config>(watched); };
  REQUIRE(tx_open() == TX_OK);
  REQUIRE(tx_set_commit_return(TX_COMMIT_DECISION_LOGGED) == TX_OK);
  CHECK(info().when_return == TX_COMMIT_DECISION_LOGGED);
  REQUIRE(tx_begin() == TX_OK);
  const std::string transaction = TxFixture::transaction();
  CHECK(tx_commit() == TX_OK);
  // tx_commit is back, and no branch is committed.
  CHECK(accounts.committed() + ledger.committed() == 0);
  CHECK(tx_info(nullptr) == 0);
  ledger.answer("commit", {XA_HEURRB});
  slow.let_go();
  CHECK(comes_true([&] { return accounts.was_committed(transaction); }));
  CHECK(comes_true([&] { return ledger.count("forget") == 1; }));
  CHECK(events.count(xabridge::EventKind::heuristic) == 1);
  REQUIRE(tx_close() == TX_OK);
}

TEST_CASE_METHOD(TxFixture, "Many commits left to the background are all finished") {
  REQUIRE(tx_open() == TX_OK);
  REQUIRE(tx_set_commit_return(TX_COMMIT_DECISION_LOGGED) == TX_OK);
  constexpr std::size_t kCount = 200;
  for (std::size_t i = 0; i < kCount; ++i) {
    REQUIRE(tx_begin() == TX_OK);
    REQUIRE(tx_commit() == TX_OK);
  }
  CHECK(comes_true([&] { return accounts.committed() + ledger.committed() == 2 * kCount; }));
  REQUIRE(tx_close() == TX_OK);
}

TEST_CASE_METHOD(TxFixture, "A commit still waiting at the end is finished by the next who opens") {
  REQUIRE(tx_open() == TX_OK);
  REQUIRE(tx_set_commit_return(TX_COMMIT_DECISION_LOGGED) == TX_OK);
  REQUIRE(tx_begin() == TX_OK);
  const std::string transaction = TxFixture::transaction();
  for (MemoryRm* rm : {&accounts, &ledger}) rm->answer("commit", std::deque<int>(1000, XA_RETRY));
  CHECK(tx_commit() == TX_OK);
  REQUIRE(tx_close() == TX_OK);  // without waiting for ever
  for (MemoryRm* rm : {&accounts, &ledger}) rm->answer("commit", {});
  REQUIRE(tx_open() == TX_OK);
  CHECK(comes_true([&] { return accounts.was_committed(transaction); }));
  CHECK(comes_true([&] { return ledger.was_committed(transaction); }));
}

TEST_CASE_METHOD(TxFixture,
                 "A vote against commit is told also where only the decision is awaited") {
  REQUIRE(tx_open() == TX_OK);
  REQUIRE(tx_set_commit_return(TX_COMMIT_DECISION_LOGGED) == TX_OK);
  REQUIRE(tx_begin() == TX_OK);
  ledger.answer("prepare", {XA_RBINTEGRITY});
  CHECK(tx_commit() == TX_ROLLBACK);
  CHECK(accounts.rolled_back() == 1);
}
