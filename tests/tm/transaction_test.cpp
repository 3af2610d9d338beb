// Transactions over resource managers in memory: outcomes, the rules of use, and what is left to
// recovery.
#include <memory>
#include <optional>
#include <thread>
#include <xabridge/codes.hpp>

#include "catch.hpp"
#include "manager_fixture.hpp"

using xabridge::BranchState;
using xabridge::EventKind;
using xabridge::Exception;
using xabridge::Outcome;
using xabridge::OutcomeKind;
using xabridge::Transaction;
using xabridge::TransactionManager;

namespace {

template <class F>
xabridge::Error thrown_by(F f) {
  try {
    f();
  } catch (const Exception& e) {
    return e.error();
  }
  FAIL("no xabridge::Exception");
  return {};
}

}  // namespace

TEST_CASE_METHOD(ManagerFixture, "Two branches commit in two phases") {
  TransactionManager tm(config());
  Transaction tx = tm.begin();
  enlist_both(tx);
  const std::string gtrid = tx.gtrid();
  const Outcome outcome = tx.commit();
  CHECK(outcome.kind == OutcomeKind::committed);
  CHECK(outcome.gtrid == gtrid);
  REQUIRE(outcome.branches.size() == 2);
  CHECK(outcome.branches[0].resource_manager == "accounts");
  CHECK(outcome.branches[0].state == BranchState::committed);
  CHECK(accounts.was_committed(gtrid));
  CHECK(ledger.was_committed(gtrid));
  CHECK(accounts.count("prepare") == 1);
}

TEST_CASE_METHOD(ManagerFixture, "One branch commits in one phase without a decision") {
  TransactionManager tm(config());
  Transaction tx = tm.begin();
  tx.enlist("ledger");
  CHECK(tx.commit().kind == OutcomeKind::committed);
  CHECK(ledger.count("prepare") == 0);
  CHECK(ledger.committed() == 1);
  CHECK(accounts.count("start") == 0);
  CHECK(events.count(EventKind::decided) == 0);
}

// Else recovery, which meets the branch prepared after a crash of its server, would roll it back.
TEST_CASE_METHOD(ManagerFixture, "One branch whose one phase may be lost commits in two") {
  ledger.set_one_phase_lost();
  TransactionManager tm(config());
  auto tx = tm.begin();
  (void)tx.native_connection("ledger", "memory");
  CHECK(tx.commit().kind == OutcomeKind::committed);
  CHECK(events.count(EventKind::decided) == 1);
  CHECK(ledger.count("prepare") + ledger.count("async prepare") == 1);
  CHECK(ledger.committed() == 1);
}

TEST_CASE_METHOD(ManagerFixture, "A transaction that enlisted nothing commits") {
  TransactionManager tm(config());
  CHECK(tm.begin().commit().kind == OutcomeKind::committed);
}

TEST_CASE_METHOD(ManagerFixture, "The events of a commit come in the order of its life") {
  TransactionManager tm(config());
  events.clear();
  Transaction tx = tm.begin();
  enlist_both(tx);
  CHECK(tx.commit().committed());
  std::vector<EventKind> kinds;
  for (const auto& e : events.all()) {
    if (e.kind != EventKind::recovery_started && e.kind != EventKind::recovery_finished) {
      kinds.push_back(e.kind);
    }
  }
  using K = EventKind;
  const std::vector<K> expected{K::begun,      K::enlisted,       K::enlisted,  K::before_end,
                                K::before_end, K::before_prepare, K::prepared,  K::before_prepare,
                                K::prepared,   K::before_decide,  K::decided,   K::before_commit,
                                K::committed,  K::before_commit,  K::committed, K::before_done,
                                K::done};
  CHECK(kinds == expected);
}

TEST_CASE_METHOD(ManagerFixture, "A refused prepare rolls everything back and says who refused") {
  TransactionManager tm(config());
  ledger.answer("prepare", {XA_RBINTEGRITY});
  Transaction tx = tm.begin();
  enlist_both(tx);
  const Outcome outcome = tx.commit();
  CHECK(outcome.kind == OutcomeKind::rolled_back);
  CHECK(outcome.reason_code == XA_RBINTEGRITY);
  CHECK(contains(outcome.reason, "ledger"));
  CHECK(accounts.rolled_back() == 1);
  CHECK(accounts.committed() + ledger.committed() == 0);
}

TEST_CASE_METHOD(ManagerFixture, "Rollback and destruction roll every branch back") {
  TransactionManager tm(config());
  Transaction first = tm.begin();
  enlist_both(first);
  CHECK(first.rollback().kind == OutcomeKind::rolled_back);
  {
    Transaction second = tm.begin();
    enlist_both(second);
  }
  CHECK(accounts.rolled_back() == 2);
  CHECK(ledger.rolled_back() == 2);
  CHECK(accounts.committed() == 0);
}

TEST_CASE_METHOD(ManagerFixture, "A transaction set rollback-only answers its reason to commit") {
  TransactionManager tm(config());
  Transaction tx = tm.begin();
  enlist_both(tx);
  tx.set_rollback_only("insufficient funds");
  CHECK(thrown_by([&] { tx.enlist("accounts"); }).xa_code == XA_RBROLLBACK);
  const Outcome outcome = tx.commit();
  CHECK(outcome.kind == OutcomeKind::rolled_back);
  CHECK(contains(outcome.reason, "insufficient funds"));
  CHECK(accounts.rolled_back() == 1);
}

TEST_CASE_METHOD(ManagerFixture, "A finished transaction refuses every call and says what to do") {
  TransactionManager tm(config());
  Transaction tx = tm.begin();
  enlist_both(tx);
  CHECK(tx.active());
  CHECK(tx.commit().committed());
  CHECK_FALSE(tx.active());
  for (const auto& call : std::vector<std::function<void()>>{
           [&] { (void)tx.commit(); }, [&] { (void)tx.rollback(); },
           [&] { (void)tx.native_connection("accounts", "memory"); }, [&] { tx.enlist("ledger"); },
           [&] { tx.set_rollback_only("x"); }}) {
    const auto error = thrown_by(call);
    CHECK(error.xa_code == XAER_PROTO);
    CHECK(contains(error.message, "begin another one"));
  }
  CHECK(accounts.committed() == 1);
  Transaction moved = tm.begin();
  const Transaction target = std::move(moved);
  CHECK(thrown_by([&] { (void)moved.commit(); }).xa_code == XAER_PROTO);  // NOLINT: on purpose
}

TEST_CASE_METHOD(ManagerFixture, "A transaction destroyed by another thread commits nothing") {
  TransactionManager tm(config());
  events.clear();  // that a new log was made
  std::optional<Transaction> tx;
  const auto begin = [&] {
    tx.emplace(tm.begin());
    enlist_both(*tx);
  };
  const auto destroy = [&] { tx.reset(); };
  const auto other_can_commit = [&] {
    CHECK(tm.run([](Transaction& t) { enlist_both(t); }).committed());
  };
  begin();
  std::thread(destroy).join();
  CHECK(events.count(EventKind::warning) == 1);
  std::thread(other_can_commit).join();

  // And when the thread that began it is over; a new thread may look like it.
  std::thread(begin).join();
  std::thread(destroy).join();
  std::thread(other_can_commit).join();
  CHECK(accounts.committed() == 2);
  CHECK(ledger.committed() == 2);
  CHECK(accounts.prepared().empty());
  CHECK(ledger.prepared().empty());
}

TEST_CASE_METHOD(ManagerFixture, "A thread has one transaction at a time at a resource manager") {
  TransactionManager tm(config());
  Transaction first = tm.begin();
  first.enlist("accounts");
  Transaction second = tm.begin();
  const xabridge::Error e = thrown_by([&] { second.enlist("accounts"); });
  CHECK(e.xa_code == XAER_PROTO);
  CHECK(e.resource_manager == "accounts");
  CHECK(contains(e.message, "already, " + first.gtrid()));
  second.enlist("ledger");  // which is free
  CHECK(first.commit().committed());
  second.enlist("accounts");
  CHECK(second.commit().committed());
}

TEST_CASE_METHOD(ManagerFixture, "A transaction refuses calls of another thread") {
  TransactionManager tm(config());
  Transaction tx = tm.begin();
  enlist_both(tx);
  std::thread([&] {
    CHECK(contains(thrown_by([&] { (void)tx.commit(); }).message, "another thread"));
    CHECK(thrown_by([&] { tx.enlist("accounts"); }).xa_code == XAER_PROTO);
  }).join();
  CHECK(tx.commit().committed());
}

TEST_CASE_METHOD(ManagerFixture, "Connections are of the resource manager and driver asked for") {
  TransactionManager tm(config());
  Transaction tx = tm.begin();
  CHECK(tx.native_connection("accounts", "memory") == &accounts);
  CHECK(tx.native_connection("accounts", "memory") == &accounts);
  CHECK(accounts.count("start") == 1);
  CHECK(contains(thrown_by([&] { (void)tx.native_connection("accounts", "mysql"); }).message,
                 "use tx.memory()"));
  const auto unknown = thrown_by([&] { (void)tx.native_connection("acounts", "memory"); });
  CHECK(unknown.xa_code == XAER_INVAL);
  CHECK(unknown.resource_manager == "acounts");
  CHECK(contains(unknown.message, "there are: accounts, ledger"));
}

TEST_CASE_METHOD(ManagerFixture, "A resource manager that cannot be opened dooms the transaction") {
  TransactionManager tm(config());
  Transaction tx = tm.begin();
  tx.enlist("accounts");
  ledger.set_reachable(false);
  const auto error = thrown_by([&] { tx.enlist("ledger"); });
  CHECK(error.resource_manager == "ledger");
  CHECK(error.xa_code == XAER_RMERR);
  const Outcome outcome = tx.commit();
  CHECK(outcome.kind == OutcomeKind::rolled_back);
  CHECK(contains(outcome.reason, "ledger"));
  CHECK(accounts.rolled_back() == 1);
}

TEST_CASE_METHOD(ManagerFixture, "A start that meets a dead connection is tried once more") {
  TransactionManager tm(config());
  ledger.answer("start", {XAER_RMFAIL});
  Transaction tx = tm.begin();
  enlist_both(tx);
  CHECK(tx.commit().committed());
  CHECK(ledger.count("start") == 2);
}

TEST_CASE_METHOD(ManagerFixture,
                 "A commit that goes unanswered is pending until recovery completes it") {
  auto c = config();
  c.recovery_interval = std::chrono::hours(1);  // what comes sooner was hurried
  TransactionManager tm(c);
  Transaction tx = tm.begin();
  enlist_both(tx);
  ledger.answer("commit", std::deque<int>(1000, XAER_RMFAIL));
  const Outcome outcome = tx.commit();
  CHECK(outcome.kind == OutcomeKind::committed_pending);
  CHECK(outcome.committed());
  REQUIRE(outcome.branches.size() == 2);
  CHECK(outcome.branches[1].state == BranchState::pending);
  CHECK(events.count(EventKind::pending) == 1);
  CHECK(ledger.committed() == 0);
  ledger.answer("commit", {});
  ledger.wait_until_committed(1);
  CHECK(ledger.was_committed(outcome.gtrid));
  CHECK(events.wait_for(EventKind::recovered_commit));
}

TEST_CASE_METHOD(ManagerFixture, "A prepare whose reply was lost is rolled back for certain") {
  TransactionManager tm(config());
  Transaction tx = tm.begin();
  enlist_both(tx);
  ledger.lose_reply("prepare");
  const Outcome outcome = tx.commit();
  CHECK(outcome.kind == OutcomeKind::rolled_back);
  ledger.wait_until_nothing_is_prepared();
  CHECK(ledger.committed() == 0);
  CHECK(accounts.committed() == 0);
  CHECK(ledger.prepared().empty());
}

TEST_CASE_METHOD(ManagerFixture, "A one-phase commit whose reply was lost is unknown") {
  TransactionManager tm(config());
  Transaction tx = tm.begin();
  tx.enlist("ledger");
  ledger.lose_reply("commit");
  CHECK(tx.commit().kind == OutcomeKind::unknown);
}

TEST_CASE_METHOD(ManagerFixture, "A resource manager without extras takes part") {
  auto c = config();
  c.resource_managers = {accounts.config(MemoryRm::Kind::foreign), ledger.config()};
  TransactionManager tm(c);
  Transaction tx = tm.begin();
  enlist_both(tx);
  CHECK(contains(thrown_by([&] { (void)tx.native_connection("accounts", "memory"); }).message,
                 "enlist()"));
  CHECK(tx.commit().committed());
  CHECK(accounts.committed() == 1);
  accounts.answer("start", {XAER_OUTSIDE});
  Transaction second = tm.begin();
  CHECK(contains(thrown_by([&] { second.enlist("accounts"); }).message, "XAER_OUTSIDE"));
}

TEST_CASE_METHOD(ManagerFixture, "Sessions carry the register and the incarnation") {
  TransactionManager tm(config());
  CHECK(contains(accounts.tag(), "xabridge/"));
  CHECK(accounts.tag() == ledger.tag());
}

TEST_CASE_METHOD(ManagerFixture, "Eight threads commit at once and each closes what it opened") {
  constexpr int kThreads = 8;
  constexpr int kEach = 50;
  {
    TransactionManager tm(config());
    std::vector<std::thread> threads;
    std::atomic<int> committed{0};
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kEach; ++i) {
          Transaction tx = tm.begin();
          enlist_both(tx);
          if ((i + t) % 5 == 0) {
            (void)tx.rollback();
          } else {
            committed += tx.commit().committed() ? 1 : 0;
          }
        }
      });
    }
    for (auto& thread : threads) thread.join();
    CHECK(committed == kThreads * kEach * 4 / 5);
    CHECK(accounts.committed() == static_cast<std::size_t>(committed));
    CHECK(ledger.committed() == static_cast<std::size_t>(committed));
    CHECK(accounts.rolled_back() == kThreads * kEach / 5);
  }
  CHECK(accounts.open_threads() == 0);
}

TEST_CASE_METHOD(ManagerFixture, "A transaction that outlives its manager still ends as asked") {
  auto tm = std::make_unique<TransactionManager>(config());
  Transaction commits = tm->begin();
  enlist_both(commits);
  const std::string gtrid = commits.gtrid();
  tm.reset();
  CHECK(commits.commit().kind == OutcomeKind::committed);
  CHECK(accounts.was_committed(gtrid));
  CHECK(ledger.was_committed(gtrid));
}
