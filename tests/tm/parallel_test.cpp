// The calls of one step at the same time: what is issued, in which order, and what is told of it.
#include <algorithm>
#include <functional>

#include "catch.hpp"
#include "manager_fixture.hpp"
#include "when.hpp"

using namespace std::chrono_literals;
using xabridge::EventKind;
using xabridge::Outcome;
using xabridge::OutcomeKind;
using xabridge::Transaction;
using xabridge::TransactionManager;

namespace {

constexpr bool kSends = false;
constexpr bool kByThread = true;
constexpr auto kOurs = MemoryRm::Kind::ours;
constexpr auto kForeign = MemoryRm::Kind::foreign;

struct ParallelFixture : ManagerFixture {
  MemoryRm stock{"stock"};

  /// Both, and whatever else: TMUSEASYNC.
  xabridge::Config parallel(bool accounts_by_thread = kSends, bool ledger_by_thread = kByThread) {
    auto c = config();
    c.timeout = 0ms;
    c.resource_managers = {accounts.config(kOurs, TMUSEASYNC, accounts_by_thread),
                           ledger.config(kOurs, TMUSEASYNC, ledger_by_thread)};
    return c;
  }
  /// The calls that belong to commit and rollback, from here on.
  static std::vector<std::string> of(const std::string& verb) {
    std::vector<std::string> found;
    for (const std::string& call : MemoryRm::journal()) {
      if (contains(call, verb)) found.push_back(call);
    }
    return found;
  }
  std::vector<std::string> told(std::initializer_list<EventKind> kinds) const {
    std::vector<std::string> found;
    for (const auto& e : events.all()) {
      if (std::find(kinds.begin(), kinds.end(), e.kind) == kinds.end()) continue;
      found.push_back(std::string(xabridge::to_string(e.kind)) + " " + e.resource_manager);
    }
    return found;
  }
  void check_nothing_outstanding() const {
    CHECK(accounts.outstanding() + ledger.outstanding() + stock.outstanding() == 0);
  }
};

using Calls = std::vector<std::string>;

}  // namespace

TEST_CASE_METHOD(ParallelFixture, "A sending switch works while this thread makes the other call") {
  TransactionManager tm(parallel());
  Transaction tx = tm.begin();
  enlist_both(tx);
  CHECK(tx.commit().kind == OutcomeKind::committed);
  for (const std::string verb : {"end", "prepare", "commit"}) {
    CHECK(of(" " + verb) ==
          Calls{"accounts: async " + verb, "ledger: " + verb, "accounts: complete " + verb});
  }
  CHECK(told({EventKind::before_prepare, EventKind::prepared}) ==
        Calls{"before_prepare accounts", "before_prepare ledger", "prepared ledger",
              "prepared accounts"});
  check_nothing_outstanding();
}

TEST_CASE_METHOD(ParallelFixture, "A call that is held up delays no other branch") {
  When release(EventKind::prepared, "ledger", [this] { accounts.let_go("prepare"); });
  auto c = parallel();
  c.observers.push_back(&release);
  TransactionManager tm(c);
  accounts.hold_up("prepare");  // until the ledger has voted, which a serial step never reaches
  Transaction tx = tm.begin();
  enlist_both(tx);
  CHECK(tx.commit().kind == OutcomeKind::committed);
  CHECK(accounts.committed() == 1);
}

TEST_CASE_METHOD(ParallelFixture, "Of switches that need a thread one is called in this thread") {
  auto c = parallel(kByThread, kByThread);
  c.resource_managers.push_back(stock.config(kOurs, TMUSEASYNC, kSends));
  TransactionManager tm(c);
  Transaction tx = tm.begin();
  enlist_both(tx);
  tx.enlist("stock");
  CHECK(tx.commit().kind == OutcomeKind::committed);
  CHECK(of(" prepare") == Calls{"stock: async prepare", "accounts: async prepare",
                                "ledger: prepare", "stock: complete prepare",
                                "accounts: complete prepare"});
}

TEST_CASE_METHOD(ParallelFixture, "Switches without TMUSEASYNC are called one after another") {
  auto c = parallel(kByThread, kByThread);
  c.resource_managers[0] = accounts.config(kOurs, TMNOMIGRATE);
  c.resource_managers.push_back(stock.config(kOurs, TMNOMIGRATE));
  TransactionManager tm(c);
  Transaction tx = tm.begin();
  enlist_both(tx);
  tx.enlist("stock");
  CHECK(tx.commit().kind == OutcomeKind::committed);
  CHECK(of(" prepare") == Calls{"ledger: async prepare", "accounts: prepare", "stock: prepare",
                                "ledger: complete prepare"});
}

TEST_CASE_METHOD(ParallelFixture,
                 "A foreign switch keeps no deadline, so each call of it has a thread of its own") {
  auto c = parallel();
  c.resource_managers[0] = accounts.config(kForeign, TMUSEASYNC | TMNOMIGRATE);
  c.resource_managers[1] = ledger.config(kForeign, TMUSEASYNC | TMNOMIGRATE);
  TransactionManager tm(c);
  Transaction tx = tm.begin();
  enlist_both(tx);
  CHECK(tx.rollback().kind == OutcomeKind::rolled_back);
  Calls calls = of(" rollback");
  std::sort(calls.begin(), calls.end());
  CHECK(calls == Calls{"accounts: rollback", "ledger: rollback"});
  CHECK(accounts.rolled_back() + ledger.rolled_back() == 2);
}

TEST_CASE_METHOD(ParallelFixture, "A single branch is called without TMASYNC") {
  TransactionManager tm(parallel());
  Transaction tx = tm.begin();
  tx.enlist("accounts");
  CHECK(tx.commit().kind == OutcomeKind::committed);
  CHECK(of("async").empty());
}

TEST_CASE_METHOD(ParallelFixture,
                 "A call the switch cannot take asynchronously is made in this thread") {
  TransactionManager tm(parallel());
  Transaction tx = tm.begin();
  enlist_both(tx);
  accounts.answer("async prepare", {XAER_ASYNC});
  CHECK(tx.commit().kind == OutcomeKind::committed);
  CHECK(of(" prepare") == Calls{"accounts: async prepare", "ledger: prepare", "accounts: prepare"});
  CHECK(told({EventKind::before_prepare}) ==
        Calls{"before_prepare accounts", "before_prepare ledger"});
}

TEST_CASE_METHOD(ParallelFixture, "What TMASYNC answers below a handle is the answer of the call") {
  for (const int code : {XAER_RMERR, XAER_PROTO, XAER_RMFAIL, XAER_NOTA, -10}) {
    CAPTURE(code);
    TransactionManager tm(parallel());
    Transaction tx = tm.begin();
    enlist_both(tx);
    accounts.answer("async prepare", {code});
    const Outcome outcome = tx.commit();
    CHECK(outcome.kind == OutcomeKind::rolled_back);
    CHECK(outcome.reason_code == code);
    CHECK(accounts.committed() + ledger.committed() == 0);
    check_nothing_outstanding();
  }
}

TEST_CASE_METHOD(ParallelFixture, "An answer that cannot be fetched is never taken for success") {
  for (const int code : {XAER_INVAL, XAER_PROTO, XAER_RMFAIL, XA_RDONLY, 42, -10}) {
    CAPTURE(code);
    TransactionManager tm(parallel());
    {
      Transaction tx = tm.begin();
      enlist_both(tx);
      accounts.answer("complete", {XA_OK, code});  // after xa_end, at the vote
      const Outcome outcome = tx.commit();
      CHECK(outcome.kind == OutcomeKind::rolled_back);
      CHECK(contains(outcome.reason, "could not be fetched"));
    }
    CHECK(accounts.committed() + ledger.committed() == 0);
  }
}

TEST_CASE_METHOD(ParallelFixture, "A commit whose answer was lost on the way is asked for again") {
  TransactionManager tm(parallel());
  Transaction tx = tm.begin();
  enlist_both(tx);
  accounts.lose_reply("commit");
  const Outcome outcome = tx.commit();
  CHECK(outcome.kind == OutcomeKind::committed);
  CHECK(accounts.was_committed(outcome.gtrid));
  CHECK(of("accounts: commit") == Calls{"accounts: commit"});
}

TEST_CASE_METHOD(ParallelFixture, "A refusal among votes that are under way rolls all back") {
  TransactionManager tm(parallel(kSends, kSends));
  Transaction tx = tm.begin();
  enlist_both(tx);
  accounts.answer("prepare", {XA_RBINTEGRITY});
  const Outcome outcome = tx.commit();
  CHECK(outcome.kind == OutcomeKind::rolled_back);
  CHECK(outcome.reason_code == XA_RBINTEGRITY);
  CHECK(ledger.prepared().empty());
  CHECK(ledger.rolled_back() == 1);
  check_nothing_outstanding();
}

TEST_CASE_METHOD(ParallelFixture, "A timeout ends a vote that is outstanding") {
  TransactionManager tm(parallel());
  Transaction tx = tm.begin(50ms);
  enlist_both(tx);
  accounts.hold_up("prepare");
  const Outcome outcome = tx.commit();
  CHECK(outcome.kind == OutcomeKind::rolled_back);
  CHECK(events.count(EventKind::timed_out) == 1);
  CHECK(accounts.committed() + ledger.committed() == 0);
  CHECK(ledger.prepared().empty());
  check_nothing_outstanding();
}

TEST_CASE_METHOD(ParallelFixture, "A handle is fetched also when the answers cannot be taken in") {
  // Memory runs out while a call is outstanding: what stands is unknown, and the thread is free.
  TransactionManager tm(parallel());
  {
    Transaction tx = tm.begin();
    enlist_both(tx);
    ledger.answer("prepare", {MemoryRm::kOutOfMemory});
    CHECK(tx.commit().kind == OutcomeKind::unknown);
  }
  check_nothing_outstanding();
  Transaction next = tm.begin();
  CHECK_NOTHROW(next.enlist("accounts"));
}
