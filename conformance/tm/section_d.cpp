// D01 - D21: dynamic registration, as seen by a resource manager that calls ax_reg and ax_unreg.
//
// The transaction manager itself neither suspends an association nor ends one before the end of the
// transaction. Where a statement begins in such a state (D11, D12, D17), the resource manager is
// told by xa_end, and the transaction manager's table is moved as for that xa_end.
#include <register/identity.hpp>
#include <manager/open_in_thread.hpp>

#include "sections.hpp"
#include "tx_stage.hpp"

namespace tm_conformance {
namespace {

using xabridge::tm::opened_here;

constexpr int kUnknownRmid = 987654;

/// One resource manager that registers, open in this thread.
struct Dynamic {
  Stage stage{{"a"}, TMREGISTER};
  xabridge::TransactionManager& manager = stage.open();

  Dynamic() {
    auto tx = manager.begin();
    tx.enlist("a");  // opens it here
    (void)tx.rollback();
    stage.log.clear();
  }
  [[nodiscard]] ScriptedRm& rm() { return stage.rm("a"); }
  /// Calls ax_reg and begins the work it is given.
  XID registers(int wanted) {
    XID xid{};
    must("ax_reg", ax_reg(rm().rmid(), &xid, TMNOFLAGS), wanted);
    if (wanted < 0 || xid.formatID == -1) return xid;
    const std::string problem = rm().work_begins(xid, wanted);
    check(problem.empty(), problem);
    return xid;
  }
  void unregisters(int wanted, long flags = TMNOFLAGS) {
    must("ax_unreg", ax_unreg(rm().rmid(), flags), wanted);
  }
  /// xa_end, of both sides.
  void ends(XID xid, long flags) {
    using namespace xabridge;
    const xa_switch_t& entries = *rm().config().xa_switch;
    must("xa_end", entries.xa_end_entry(&xid, rm().rmid(), flags), XA_OK);
    tm::Opened* here = opened_here().find(rm().rmid());
    check(here != nullptr, "it is not open");
    const bool suspend = (flags & TMSUSPEND) != 0;
    here->registration = xabridge::rm::after(
        here->registration, xabridge::rm::Verb::end,
        suspend ? xabridge::rm::Mode::suspend : xabridge::rm::Mode::plain, XA_OK);
    if (!suspend) here->branch.reset();
  }
};

void is_branch_of(const XID& xid, const xabridge::Transaction& tx) {
  const auto parsed = xabridge::Xid::from(&xid);
  check(parsed && xabridge::tm::transaction_text(parsed->gtrid()) == tx.gtrid(),
        "the XID is not of this transaction");
}

void same(const XID& left, const XID& right) {
  check(xabridge::Xid::from(&left) == xabridge::Xid::from(&right), "another XID");
}

void is_null(const XID& xid) { check(xid.formatID == -1, "the XID must be null"); }

void d01() {
  Stage stage({"a"}, TMREGISTER);
  stage.open();  // recovery opened it, in a thread of its own
  XID xid{};
  check(stage.rm("a").rmid() != -1, "recovery did not open it");
  must("ax_reg", ax_reg(stage.rm("a").rmid(), &xid, TMNOFLAGS), TMER_PROTO);
}

void without_register(const std::function<void(int)>& call) {
  Stage stage({"a"});
  auto tx = stage.begin();
  call(stage.rm("a").rmid());
  (void)tx.rollback();
}

void d02() {
  without_register([](int rmid) {
    XID xid{};
    must("ax_reg", ax_reg(rmid, &xid, TMNOFLAGS), TMER_TMERR);
  });
}

void d03() {
  without_register([](int rmid) { must("ax_unreg", ax_unreg(rmid, TMNOFLAGS), TMER_TMERR); });
}

/// A bad call, and then the thread is still in D0.
void bad(int rmid, XID* xid, long flags) {
  Dynamic d;
  auto tx = d.manager.begin();
  must("ax_reg", ax_reg(rmid == 0 ? d.rm().rmid() : rmid, xid, flags), TMER_INVAL);
  d.unregisters(TMER_PROTO);
  check(tx.rollback().branches.empty(), "the bad call enlisted a branch");
}

void d04() {
  XID xid{};
  bad(kUnknownRmid, &xid, TMNOFLAGS);
}
void d05() { bad(0, nullptr, TMNOFLAGS); }
void d06() {
  XID xid{};
  bad(0, &xid, 1);
}

void d07() {
  Dynamic d;
  is_null(d.registers(TM_OK));
  d.unregisters(TM_OK);  // it was D3
}

void d08() {
  Dynamic d;
  auto tx = d.manager.begin();
  is_branch_of(d.registers(TM_OK), tx);
  check(d.stage.events(xabridge::EventKind::enlisted) == 1, "the branch was not enlisted");
  (void)tx.rollback();
  d.stage.nothing_out_of_order();
}

void d09() {
  Dynamic d;
  auto tx = d.manager.begin();
  d.registers(TM_OK);
  d.registers(TMER_PROTO);
  check(tx.commit().committed(), "the registration was lost");
  equal(d.stage.calls(), {"end a", "commit(ONEPHASE) a"});
}

void d10() {
  Dynamic d;
  d.registers(TM_OK);
  d.registers(TMER_PROTO);
  d.unregisters(TM_OK);
}

void d11() {
  Dynamic d;
  auto tx = d.manager.begin();
  const XID xid = d.registers(TM_OK);
  d.ends(xid, TMSUSPEND);
  same(d.registers(TM_RESUME), xid);
  check(tx.commit().committed(), "not committed");
  d.stage.nothing_out_of_order();
}

void d12() {
  Dynamic d;
  auto tx = d.manager.begin();
  const XID xid = d.registers(TM_OK);
  d.ends(xid, TMSUCCESS);
  same(d.registers(TM_JOIN), xid);
  check(tx.commit().committed(), "not committed");
  d.stage.nothing_out_of_order();
}

void d13() {
  Dynamic d;
  is_null(d.registers(TM_OK));
  d.unregisters(TM_OK);
  auto tx = d.manager.begin();  // D0: a transaction may begin
  (void)tx.rollback();
}

void d14() {
  Dynamic d;
  is_null(d.registers(TM_OK));
  d.unregisters(TMER_INVAL, 1);
  d.registers(TMER_PROTO);
  d.unregisters(TM_OK);
}

void d15() {
  Dynamic d;
  d.unregisters(TMER_PROTO);
  is_null(d.registers(TM_OK));
  d.unregisters(TM_OK);
}

void d16() {
  Dynamic d;
  auto tx = d.manager.begin();
  d.registers(TM_OK);
  d.unregisters(TMER_PROTO);
  check(tx.commit().committed(), "the registration was lost");
}

void d17() {
  Dynamic d;
  auto tx = d.manager.begin();
  const XID xid = d.registers(TM_OK);
  d.ends(xid, TMSUSPEND);
  d.unregisters(TMER_PROTO);
  same(d.registers(TM_RESUME), xid);
  (void)tx.rollback();
}

void d18() {
  in_thread([] {
    TxStage tx({"a", "b"}, TMREGISTER);
    tx.go(S::s1);
    XID xid{};
    must("ax_reg", ax_reg(tx.rm("b").rmid(), &xid, TMNOFLAGS), TM_OK);
    is_null(xid);
    must("tx_begin", tx_begin(), TX_OUTSIDE);
    tx.is(S::s1);
    must("ax_unreg", ax_unreg(tx.rm("b").rmid(), TMNOFLAGS), TM_OK);
    must("tx_begin", tx_begin(), TX_OK);
    tx.is(S::s3);
    equal(tx.calls(), {});
  });
}

void d19() {
  in_thread([] {
    TxStage tx({"a"}, TMREGISTER);
    tx.go(S::s1);
    must("tx_begin", tx_begin(), TX_OK);
    equal(tx.calls(), {});
  });
}

void d20() {
  in_thread([] {
    TxStage tx({"a"}, TMREGISTER);
    tx.go(S::s3);
    must("tx_commit", tx_commit(), TX_OK);
    equal(tx.calls(), {});
  });
}

void d21() {
  in_thread([] {
    TxStage tx({"a", "b"}, TMREGISTER);
    tx.go(S::s3);
    for (const char* name : {"a", "b"}) {
      XID xid{};
      must("ax_reg", ax_reg(tx.rm(name).rmid(), &xid, TMNOFLAGS), TM_OK);
      check(tx.rm(name).work_begins(xid, TM_OK).empty(), "no new branch");
    }
    must("tx_commit", tx_commit(), TX_OK);
    equal(tx.calls(), {"end a", "end b", "prepare a", "prepare b", "log", "commit a", "commit b"});
    tx.stage().nothing_out_of_order();
  });
}

}  // namespace

const Bodies& section_d() {
  static const Bodies all{{"D01", d01}, {"D02", d02}, {"D03", d03}, {"D04", d04}, {"D05", d05},
                          {"D06", d06}, {"D07", d07}, {"D08", d08}, {"D09", d09}, {"D10", d10},
                          {"D11", d11}, {"D12", d12}, {"D13", d13}, {"D14", d14}, {"D15", d15},
                          {"D16", d16}, {"D17", d17}, {"D18", d18}, {"D19", d19}, {"D20", d20},
                          {"D21", d21}};
  return all;
}

}  // namespace tm_conformance
