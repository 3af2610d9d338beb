// Dynamic registration: what ax_reg and ax_unreg answer, and what becomes of who registered. The
// numbers are those of the conformance statements, class D.
#include "manager/registration.hpp"

#include <thread>

#include "catch.hpp"
#include "register/identity.hpp"
#include "manager/resource_manager.hpp"
#include "manager_fixture.hpp"

using namespace std::chrono_literals;
using xabridge::EventKind;
using xabridge::Exception;
using xabridge::Outcome;
using xabridge::OutcomeKind;
using xabridge::Transaction;
using xabridge::TransactionManager;
using xabridge::Xid;

namespace {

constexpr auto kOurs = MemoryRm::Kind::ours;
constexpr auto kForeign = MemoryRm::Kind::foreign;

/// Accounts registers dynamically, the ledger does not.
struct DynamicFixture : ManagerFixture {
  xabridge::Config dynamic(MemoryRm::Kind kind) {
    auto c = config();
    c.timeout = 0ms;
    c.resource_managers[0] = accounts.config(kind, TMREGISTER);
    return c;
  }
  /// What the transaction branch of `rm` would be registered with.
  static XID registered(const MemoryRm& rm, int expected) {
    XID xid{};
    CHECK(ax_reg(rm.rmid(), &xid, TMNOFLAGS) == expected);
    return xid;
  }
};

/// What the exception says; empty: there was none.
template <class F>
std::string refused(F f) {
  try {
    f();
  } catch (const Exception& e) {
    return e.what();
  }
  return {};
}

bool is_null(const XID& xid) { return xid.formatID == -1; }

}  // namespace

TEST_CASE_METHOD(DynamicFixture, "Registering is refused before the resource manager is open D01") {
  TransactionManager tm(dynamic(kOurs));  // recovery opened it, in a thread of its own
  registered(accounts, TMER_PROTO);
  CHECK(ax_unreg(accounts.rmid(), TMNOFLAGS) == TMER_PROTO);
}

TEST_CASE_METHOD(DynamicFixture, "Registering needs TMREGISTER in the switch D02 D03") {
  TransactionManager tm(dynamic(kForeign));
  Transaction tx = tm.begin();
  tx.enlist("ledger");
  registered(ledger, TMER_TMERR);
  CHECK(ax_unreg(ledger.rmid(), TMNOFLAGS) == TMER_TMERR);
}

TEST_CASE_METHOD(DynamicFixture, "Bad arguments are refused and register nothing D04 D05 D06 D14") {
  TransactionManager tm(dynamic(kForeign));
  Transaction tx = tm.begin();
  XID xid{};
  CHECK(ax_reg(987654, &xid, TMNOFLAGS) == TMER_INVAL);
  CHECK(ax_reg(accounts.rmid(), nullptr, TMNOFLAGS) == TMER_INVAL);
  CHECK(ax_reg(accounts.rmid(), &xid, 1) == TMER_INVAL);
  CHECK(tx.rollback().branches.empty());
  CHECK(accounts.work() == TM_OK);
  CHECK(ax_unreg(accounts.rmid(), 1) == TMER_INVAL);
  CHECK(ax_unreg(987654, TMNOFLAGS) == TMER_INVAL);
  CHECK(accounts.release() == TM_OK);
}

TEST_CASE_METHOD(DynamicFixture,
                 "Outside a transaction the null XID keeps transactions out D07 D10 D13 D18") {
  TransactionManager tm(dynamic(kForeign));
  (void)tm.begin().commit();  // opens it
  const XID xid = registered(accounts, TM_OK);
  CHECK(is_null(xid));
  registered(accounts, TMER_PROTO);
  try {
    (void)tm.begin();
    FAIL("a transaction began beside work outside any");
  } catch (const Exception& e) {
    CHECK(e.error().xa_code == XAER_OUTSIDE);
    CHECK(contains(e.what(), "'accounts'"));
  }
  std::thread([&] { CHECK_NOTHROW(tm.begin().commit()); }).join();  // only this thread is
  CHECK(ax_unreg(accounts.rmid(), TMNOFLAGS) == TM_OK);
  Transaction tx = tm.begin();
  CHECK(tx.active());
  CHECK(accounts.count("start") == 0);
}

TEST_CASE_METHOD(DynamicFixture, "In a transaction registering enlists the branch D08 D09 D16") {
  TransactionManager tm(dynamic(kForeign));
  Transaction tx = tm.begin();
  const XID xid = registered(accounts, TM_OK);
  REQUIRE(Xid::from(&xid).has_value());
  CHECK(xabridge::tm::transaction_text(Xid::from(&xid)->gtrid()) == tx.gtrid());
  CHECK(events.count(EventKind::enlisted) == 1);
  registered(accounts, TMER_PROTO);
  CHECK(ax_unreg(accounts.rmid(), TMNOFLAGS) == TMER_PROTO);
}

TEST_CASE_METHOD(DynamicFixture, "Unregistering needs a registration with the null XID D15") {
  TransactionManager tm(dynamic(kForeign));
  Transaction tx = tm.begin();
  CHECK(ax_unreg(accounts.rmid(), TMNOFLAGS) == TMER_PROTO);
}

TEST_CASE_METHOD(DynamicFixture, "Who never registered takes no part D19 D20") {
  TransactionManager tm(dynamic(kForeign));
  Transaction tx = tm.begin();
  tx.enlist("accounts");
  tx.enlist("ledger");
  const Outcome outcome = tx.commit();
  CHECK(outcome.kind == OutcomeKind::committed);
  CHECK(outcome.branches.size() == 1);
  for (const char* entry : {"start", "end", "prepare", "commit", "rollback"}) {
    CHECK(accounts.count(entry) == 0);
  }
  CHECK(ledger.count("prepare") == 0);  // one branch: one phase
}

TEST_CASE_METHOD(DynamicFixture, "Who registered is ended prepared and committed D21") {
  TransactionManager tm(dynamic(kForeign));
  Transaction tx = tm.begin();
  tx.enlist("ledger");
  CHECK(accounts.work() == TM_OK);
  CHECK(accounts.in_branch());
  CHECK(tx.commit().kind == OutcomeKind::committed);
  CHECK(accounts.was_committed(tx.gtrid()));
  CHECK(accounts.count("start") == 0);
  CHECK(accounts.count("end") == 1);
  CHECK(accounts.count("prepare") == 1);
  const XID outside = registered(accounts, TM_OK);  // D0 again, and no transaction
  CHECK(is_null(outside));
  CHECK(ax_unreg(accounts.rmid(), TMNOFLAGS) == TM_OK);
}

namespace {

/// A transaction as ax_reg sees it, with one branch.
class OneBranch final : public xabridge::tm::Enlister {
 public:
  [[nodiscard]] bool works_at(int) const noexcept override { return false; }
  [[nodiscard]] bool knows(int) const noexcept override { return true; }
  [[nodiscard]] std::string_view global_id() const noexcept override { return "g"; }
  Given branch_at(int, XID& xid) override {
    xid = branch.raw();
    return std::exchange(made, true) ? Given::known : Given::made;
  }
  Xid branch = *Xid::make(1, "g", "b");
  bool made = false;
};

}  // namespace

TEST_CASE_METHOD(DynamicFixture, "A branch that was ended is joined and a suspended one resumed") {
  // D11, D12, D17. The transaction manager itself neither suspends nor ends early: its table does.
  using namespace xabridge;
  auto made = tm::ResourceManager::load(accounts.config(kForeign, TMREGISTER), "tag");
  REQUIRE(made.ok());
  tm::ResourceManager& rm = **made;
  REQUIRE(rm.open().code == XA_OK);
  OneBranch transaction;
  {
    const tm::CurrentTransaction current(transaction);
    CHECK(accounts.work() == TM_OK);
    CHECK(rm.registered_with() == transaction.branch);
    CHECK(rm.call(tm::Verb::end, transaction.branch).code == XA_OK);
    CHECK_FALSE(rm.registered_with().has_value());
    CHECK(accounts.work() == TM_JOIN);
    CHECK(accounts.in_branch());

    tm::Opened* here = tm::opened_here().find(rm.rmid());
    REQUIRE(here != nullptr);
    here->registration = xabridge::rm::after(here->registration, xabridge::rm::Verb::end,
                                             xabridge::rm::Mode::suspend, XA_OK);
    CHECK(ax_unreg(rm.rmid(), TMNOFLAGS) == TMER_PROTO);
    const XID resumed = registered(accounts, TM_RESUME);
    CHECK(Xid::from(&resumed) == transaction.branch);
    here->registration = xabridge::rm::after(here->registration, xabridge::rm::Verb::end,
                                             xabridge::rm::Mode::suspend, XA_OK);
  }
  registered(accounts, TMER_PROTO);  // suspended in a transaction that is no longer current
}

TEST_CASE_METHOD(DynamicFixture, "The connection of a dynamic switch registers it") {
  TransactionManager tm(dynamic(kOurs));
  Transaction tx = tm.begin();
  CHECK(accounts.count("ax_reg") == 0);
  CHECK(tx.native_connection("accounts", "memory") == &accounts);
  CHECK(tx.native_connection("accounts", "memory") == &accounts);
  CHECK(accounts.count("ax_reg") == 1);
  CHECK(tx.commit().kind == OutcomeKind::committed);
  CHECK(accounts.committed() == 1);
  CHECK(accounts.count("start") == 0);
}

TEST_CASE_METHOD(DynamicFixture, "A connection belongs to the transaction that is asked for it") {
  TransactionManager tm(dynamic(kOurs));
  Transaction first = tm.begin();
  Transaction second = tm.begin();
  CHECK(first.native_connection("accounts", "memory") == &accounts);
  CHECK(contains(refused([&] { (void)second.native_connection("accounts", "memory"); }),
                 first.gtrid()));
  CHECK(first.commit().kind == OutcomeKind::committed);
  CHECK(accounts.was_committed(first.gtrid()));
  CHECK(second.native_connection("accounts", "memory") == &accounts);
  CHECK(second.rollback().kind == OutcomeKind::rolled_back);
}

TEST_CASE_METHOD(DynamicFixture, "Native requests go to the transaction begun last") {
  TransactionManager tm(dynamic(kForeign));
  Transaction first = tm.begin();
  {
    Transaction second = tm.begin();
    CHECK(accounts.work() == TM_OK);
    CHECK(second.commit().branches.size() == 1);
  }
  CHECK(accounts.work() == TM_OK);
  CHECK(first.commit().branches.size() == 1);
  CHECK(accounts.committed() == 2);
}

TEST_CASE_METHOD(DynamicFixture, "A doomed transaction gives no branch") {
  TransactionManager tm(dynamic(kForeign));
  Transaction tx = tm.begin();
  tx.set_rollback_only("no");
  registered(accounts, TMER_TMERR);
  CHECK(tx.rollback().branches.empty());
}

TEST_CASE_METHOD(DynamicFixture, "A begin that meets a dead connection is tried once more") {
  TransactionManager tm(dynamic(kOurs));
  accounts.answer("begin", {XAER_RMFAIL});
  Transaction tx = tm.begin();
  CHECK(tx.native_connection("accounts", "memory") == &accounts);
  const Outcome outcome = tx.commit();
  CHECK(outcome.kind == OutcomeKind::committed);
  CHECK(outcome.branches.size() == 1);
}

TEST_CASE_METHOD(DynamicFixture,
                 "A begin that fails dooms the transaction and leaves the thread free") {
  TransactionManager tm(dynamic(kOurs));
  accounts.answer("begin", {XAER_RMERR});
  Transaction tx = tm.begin();
  CHECK(contains(refused([&] { (void)tx.native_connection("accounts", "memory"); }), "accounts"));
  CHECK(tx.commit().kind == OutcomeKind::rolled_back);
  Transaction next = tm.begin();
  CHECK(next.native_connection("accounts", "memory") == &accounts);
  CHECK(next.commit().kind == OutcomeKind::committed);
}

TEST_CASE_METHOD(DynamicFixture,
                 "A registration whose end failed does not outlive its transaction") {
  TransactionManager tm(dynamic(kForeign));
  Transaction tx = tm.begin();
  const XID xid = registered(accounts, TM_OK);  // and begins nothing: xa_end is refused
  CHECK_FALSE(is_null(xid));
  CHECK(tx.commit().kind == OutcomeKind::rolled_back);
  Transaction next = tm.begin();
  CHECK(accounts.work() == TM_OK);
  CHECK(next.commit().kind == OutcomeKind::committed);
}

TEST_CASE_METHOD(DynamicFixture, "A transaction ended by another thread gives no branch any more") {
  TransactionManager tm(dynamic(kForeign));
  {
    auto tx = std::make_unique<Transaction>(tm.begin());
    std::thread([&] { tx.reset(); }).join();
  }
  const XID xid = registered(accounts, TM_OK);
  CHECK(is_null(xid));
  CHECK(ax_unreg(accounts.rmid(), TMNOFLAGS) == TM_OK);
  std::unique_ptr<Transaction> outlives;
  std::thread([&] { outlives = std::make_unique<Transaction>(tm.begin()); }).join();
  outlives.reset();
}

TEST_CASE_METHOD(DynamicFixture,
                 "A foreign one that cannot be opened does not keep others from work") {
  TransactionManager tm(dynamic(kForeign));
  events.clear();  // that a new log was made
  accounts.set_reachable(false);
  const std::size_t before = accounts.count("open");
  for (int i = 0; i < 3; ++i) {
    Transaction tx = tm.begin();
    tx.enlist("ledger");
    CHECK(tx.commit().kind == OutcomeKind::committed);
    if (i == 0) CHECK(events.count(EventKind::warning) == 1);
  }
  CHECK(accounts.count("open") - before < 3);  // not at every begin
  Transaction tx = tm.begin();
  CHECK_THROWS_AS(tx.enlist("accounts"), Exception);
}
