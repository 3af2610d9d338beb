// Servers that hang: every answer comes while they still do, other resource managers' work goes on,
// and afterwards everything ends as it was decided. "Foreign" is a switch that knows no deadline,
// "ours" one that keeps it.
#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "catch.hpp"
#include "environment.hpp"
#include "register/file/log_view.hpp"
#include "manager/call_threads.hpp"
#include "manager/lane_port.hpp"
#include "manager_fixture.hpp"

using namespace std::chrono_literals;
using xabridge::EventKind;
using xabridge::Exception;
using xabridge::Outcome;
using xabridge::OutcomeKind;
using xabridge::Transaction;
using xabridge::TransactionManager;

namespace {

constexpr auto kForeign = MemoryRm::Kind::foreign;
constexpr auto kOurs = MemoryRm::Kind::ours;
constexpr std::array kBoth{kForeign, kOurs};

struct FrozenFixture : ManagerFixture {
  MemoryRm stock{"stock"};

  /// `ledger` is the one that is going to hang.
  [[nodiscard]] xabridge::Config with(MemoryRm::Kind kind) {
    xabridge::Config c = config();
    c.resource_managers = {accounts.config(), ledger.config(kind), stock.config()};
    c.recovery_call_timeout = 300ms;
    c.recovery_backoff_maximum = 500ms;
    c.completion_timeout = 500ms;
    return c;
  }
  /// Others go on as if nothing was.
  void check_others(TransactionManager& tm) {
    const std::size_t before = accounts.committed();
    Transaction tx = tm.begin();
    tx.enlist("accounts");
    tx.enlist("stock");
    CHECK(tx.commit().kind == OutcomeKind::committed);
    CHECK(accounts.committed() == before + 1);
  }
  /// A transaction decided by a process that died before any branch was committed, and one that
  /// was not decided.
  std::string leave_decided_behind() {
    xabridge::Config c = with(kOurs);
    c.completion_timeout = 0ms;
    c.recovery_background = false;
    const std::deque<int> busy(1000, XA_RETRY);
    TransactionManager tm(c);
    Transaction tx = tm.begin();
    enlist_both(tx);
    accounts.answer("commit", busy);
    ledger.answer("commit", busy);
    const Outcome outcome = tx.commit();
    CHECK(outcome.kind == OutcomeKind::committed_pending);
    accounts.answer("commit", {});
    ledger.answer("commit", {});
    return outcome.gtrid;
  }
  [[nodiscard]] std::size_t slots_owned() const {
    const auto log =
        xabridge::tm::read_log(xabridge::tm::posix_environment(), directory.path() / "log");
    REQUIRE(log);
    return static_cast<std::size_t>(std::count_if(log->slots.begin(), log->slots.end(),
                                                  [](const auto& slot) { return slot.owned; }));
  }
  /// False when it has not come after a long while.
  [[nodiscard]] bool is_told(const std::string& text) const {
    const auto patience = std::chrono::steady_clock::now() + 20s;
    for (;;) {
      const auto all = events.all();
      if (std::any_of(all.begin(), all.end(),
                      [&](const auto& event) { return contains(event.text, text); })) {
        return true;
      }
      if (std::chrono::steady_clock::now() > patience) return false;
      std::this_thread::yield();
    }
  }
};

}  // namespace

TEST_CASE_METHOD(FrozenFixture, "A vote that does not come rolls back when the time is up") {
  for (const auto kind : kBoth) {
    TransactionManager tm(with(kind));
    ledger.freeze("prepare");
    Transaction tx = tm.begin(2s);
    enlist_both(tx);
    const std::size_t rolled_back = accounts.rolled_back();
    const Outcome outcome = tx.commit();
    INFO(outcome.to_string());
    CHECK(outcome.kind == OutcomeKind::rolled_back);
    CHECK(outcome.reason_code == XA_RBTIMEOUT);
    CHECK(contains(outcome.reason, "ledger"));
    CHECK(accounts.rolled_back() == rolled_back + 1);
    check_others(tm);
    ledger.thaw();  // the prepare arrives now
    ledger.wait_until_nothing_is_prepared();
    CHECK(ledger.committed() == 0);
  }
}

TEST_CASE_METHOD(FrozenFixture, "A transaction that timed out at a frozen server is not repeated") {
  for (const auto kind : kBoth) {
    TransactionManager tm(with(kind));
    ledger.freeze("prepare");
    int attempts = 0;
    xabridge::RunOptions options;
    options.timeout = 2s;
    const Outcome outcome = tm.run(
        [&](Transaction& tx) {
          ++attempts;
          enlist_both(tx);
        },
        options);
    CHECK(outcome.kind == OutcomeKind::rolled_back);
    CHECK(attempts == 1);
    ledger.thaw();
  }
}

TEST_CASE_METHOD(FrozenFixture, "A second phase that does not come back is pending in time") {
  for (const auto kind : kBoth) {
    TransactionManager tm(with(kind));
    ledger.freeze("commit");
    const std::size_t before = accounts.committed();
    const std::size_t ledger_before = ledger.committed();
    Transaction tx = tm.begin();
    enlist_both(tx);
    const Outcome outcome = tx.commit();
    INFO(outcome.to_string());
    CHECK(outcome.kind == OutcomeKind::committed_pending);
    CHECK(accounts.committed() == before + 1);
    CHECK(ledger.committed() == ledger_before);
    CHECK(ledger.prepared().size() == 1);
    check_others(tm);
    ledger.thaw();
    ledger.wait_until_committed(ledger_before + 1);
    ledger.wait_until_nothing_is_prepared();
    CHECK(ledger.committed() == ledger_before + 1);
    CHECK(ledger.rolled_back() == 0);
  }
}

TEST_CASE_METHOD(FrozenFixture, "A rollback that does not come back is answered in time") {
  for (const auto kind : kBoth) {
    TransactionManager tm(with(kind));
    ledger.freeze("rollback");
    Transaction tx = tm.begin(2s);
    enlist_both(tx);
    const std::size_t before = accounts.rolled_back();
    const Outcome outcome = tx.rollback();
    CHECK(outcome.kind == OutcomeKind::rolled_back);
    CHECK(accounts.rolled_back() == before + 1);
    check_others(tm);
    ledger.thaw();
  }
  CHECK(ledger.committed() == 0);
}

TEST_CASE_METHOD(FrozenFixture, "A one-phase commit that does not come back is unknown in time") {
  for (const auto kind : kBoth) {
    TransactionManager tm(with(kind));
    ledger.freeze("commit");
    Transaction tx = tm.begin(2s);
    tx.enlist("ledger");
    const Outcome outcome = tx.commit();
    INFO(outcome.to_string());
    CHECK(outcome.kind == OutcomeKind::unknown);
    ledger.thaw();
  }
}

// XA binds these to the thread, so only a switch that keeps deadlines can be left in time.
TEST_CASE_METHOD(FrozenFixture, "The start and the end of work keep the transaction's deadline") {
  TransactionManager tm(with(kOurs));
  for (const char* entry : {"start", "end"}) {
    ledger.freeze(entry);
    xabridge::RunOptions options;
    options.timeout = 2s;
    Outcome outcome;
    std::string thrown;
    try {
      outcome = tm.run([&](Transaction& tx) { enlist_both(tx); }, options);
    } catch (const Exception& e) {
      thrown = e.what();
      outcome.kind = OutcomeKind::rolled_back;
      CHECK(e.error().xa_code == XA_RBTIMEOUT);
    }
    INFO(entry << thrown << outcome.to_string());
    CHECK(outcome.kind == OutcomeKind::rolled_back);
    CHECK(thrown.empty() == (entry == std::string("end")));
    CHECK(ledger.wait_until_frozen(0) == 0);
    check_others(tm);
    ledger.thaw();
  }
}

TEST_CASE_METHOD(FrozenFixture, "Without a timeout the limit of a call ends it") {
  xabridge::Config c = with(kForeign);
  c.call_timeout = 200ms;
  TransactionManager tm(c);
  ledger.freeze("prepare");
  Transaction tx = tm.begin(0ms);
  enlist_both(tx);
  CHECK(tx.commit().kind == OutcomeKind::rolled_back);
  ledger.thaw();
  ledger.wait_until_nothing_is_prepared();
}

TEST_CASE_METHOD(FrozenFixture, "One frozen server does not stop recovery at another") {
  for (const auto kind : kBoth) {
    for (const char* entry : {"recover", "commit"}) {
      const std::string gtrid = leave_decided_behind();
      const std::size_t before = ledger.committed();
      ledger.freeze(entry);
      events.clear();
      xabridge::Config c = with(kind);
      c.recovery_start_timeout = 0ms;
      TransactionManager tm(c);
      accounts.wait_until_nothing_is_prepared();
      CHECK(accounts.was_committed(gtrid));
      CHECK(ledger.wait_until_frozen() >= 1);
      tm.recover_now();
      CHECK(is_told("the recovery pass is stuck there"));
      check_others(tm);
      CHECK(ledger.committed() == before);
      ledger.thaw();
      ledger.wait_until_nothing_is_prepared();
      CHECK(ledger.was_committed(gtrid));
      CHECK(ledger.committed() == before + 1);
    }
  }
}

// It would look alive to `xabridge status`, and to other processes that could recover it.
TEST_CASE_METHOD(FrozenFixture, "The slot of a dead owner is free while its server is frozen") {
  (void)leave_decided_behind();
  ledger.freeze("recover");
  xabridge::Config c = with(kForeign);
  c.recovery_start_timeout = 0ms;
  c.log_directory = directory.path() / "log";
  // It takes a slot of its own: the first one is held by another while it starts.
  auto blocker = xabridge::tm::posix_environment().files.try_lock(directory.path() / "log" /
                                                                  "slots" / "0000" / "lock");
  REQUIRE(blocker);
  TransactionManager tm(c);
  blocker->reset();
  CHECK(ledger.wait_until_frozen() >= 1);
  tm.recover_now();
  accounts.wait_until_nothing_is_prepared();
  // Between the stages of a pass; a look may meet one of them.
  const auto patience = std::chrono::steady_clock::now() + 20s;
  while (slots_owned() != 1 && std::chrono::steady_clock::now() < patience) {
    std::this_thread::yield();
  }
  CHECK(slots_owned() == 1);
  ledger.thaw();
  ledger.wait_until_nothing_is_prepared();
}

TEST_CASE_METHOD(FrozenFixture, "The end waits for no call that hangs, and gives its slot back") {
  for (const auto kind : kBoth) {
    const std::string gtrid = leave_decided_behind();
    ledger.freeze("recover");
    xabridge::Config c = with(kind);
    c.recovery_call_timeout = 60s;
    c.recovery_start_timeout = 0ms;
    {
      TransactionManager tm(c);
      CHECK(ledger.wait_until_frozen() >= 1);
    }
    CHECK(slots_owned() == 0);
    ledger.thaw();
    TransactionManager next(with(kind));
    ledger.wait_until_nothing_is_prepared();
    CHECK(ledger.was_committed(gtrid));
  }
}

TEST_CASE_METHOD(FrozenFixture, "Calls that do not come back are bounded in number and say so") {
  xabridge::Config c = with(kForeign);
  c.call_timeout = 50ms;
  c.recovery_background = false;
  TransactionManager tm(c);
  ledger.freeze("rollback");
  Outcome outcome;
  for (std::size_t i = 0; i <= xabridge::tm::CallThreads::kMostLate; ++i) {
    Transaction tx = tm.begin(0ms);
    tx.enlist("ledger");
    outcome = tx.rollback();
    CHECK(outcome.kind == OutcomeKind::rolled_back);
  }
  REQUIRE(outcome.branches.size() == 1);
  REQUIRE_FALSE(outcome.branches[0].errors.empty());
  CHECK(contains(outcome.branches[0].errors[0].message, "earlier calls there have not come back"));
  CHECK(ledger.wait_until_frozen() == xabridge::tm::CallThreads::kMostLate);
  ledger.thaw();
}

TEST_CASE_METHOD(FrozenFixture, "A frozen server keeps recovery no more than two threads") {
  xabridge::Config c = with(kForeign);
  c.recovery_call_timeout = 10ms;
  c.recovery_backoff_maximum = 10ms;
  ledger.freeze("recover");
  TransactionManager tm(c);
  for (int i = 0; i < 5; ++i) tm.recover_now();
  CHECK(ledger.wait_until_frozen(2) == xabridge::tm::LanePort::kMostLate);
  CHECK(is_told("xa_recover has not answered since"));
  ledger.thaw();
  const std::size_t lists = ledger.count("recover");
  const auto patience = std::chrono::steady_clock::now() + 20s;
  while (ledger.count("recover") <= lists + 2 && std::chrono::steady_clock::now() < patience) {
    std::this_thread::yield();
  }
  CHECK(ledger.count("recover") > lists + 2);  // it goes on
}

// The call is over, and there is no answer: neither a vote for commit nor a commit.
TEST_CASE_METHOD(FrozenFixture, "An exception that leaves a foreign switch is no answer") {
  xabridge::Config c = with(kForeign);
  c.recovery_background = false;
  SECTION("to xa_prepare") {
    TransactionManager tm(c);
    Transaction tx = tm.begin();
    enlist_both(tx);
    ledger.answer("prepare", {MemoryRm::kOutOfMemory});
    const Outcome outcome = tx.commit();
    INFO(outcome.to_string());
    CHECK(outcome.kind == OutcomeKind::rolled_back);
    CHECK(accounts.committed() == 0);
  }
  SECTION("to xa_commit") {
    TransactionManager tm(c);
    Transaction tx = tm.begin();
    enlist_both(tx);
    ledger.answer("commit", std::deque<int>(1000, MemoryRm::kOutOfMemory));
    const Outcome outcome = tx.commit();
    INFO(outcome.to_string());
    CHECK(outcome.kind == OutcomeKind::committed_pending);
  }
  SECTION("to xa_commit with TMONEPHASE") {
    TransactionManager tm(c);
    Transaction tx = tm.begin();
    tx.enlist("ledger");
    ledger.answer("commit", {MemoryRm::kOutOfMemory});
    const Outcome outcome = tx.commit();
    INFO(outcome.to_string());
    CHECK(outcome.kind == OutcomeKind::unknown);
  }
}
