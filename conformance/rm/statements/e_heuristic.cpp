// Section E, last part. Table 6-4: heuristic completion and xa_forget.
#include "engine/trial.hpp"
#include "statements/sections.hpp"

namespace xabridge::conformance {
namespace {

using enum Kind;

/// S3, and then completed by hand.
void heuristic(Trial& t, bool committed) {
  t.prepared(t.th1, t.x);
  const char* hook = committed ? "operator-commit" : "operator-rollback";
  if (t.has_hook(hook)) {
    t.hook(hook, &t.x);
    return;
  }
  const auto* work = t.subject().work;
  int (*entry)(const XID*) = nullptr;
  if (work != nullptr) entry = committed ? work->operator_commit : work->operator_rollback;
  t.elsewhere().by_name(committed ? "operator commit" : "operator rollback", entry, t.x);
}

/// S5: the answer is kept until xa_forget.
void kept(Trial& t) {
  t.th1.rollback(&t.x).must(HEUR);
  t.th1.forget(&t.x).must(XA_OK);
  t.is_gone(t.th1, t.x);
}

constexpr Statement kRows[] = {
    {"E54", fault, "heur", "S3, committed by operator", "xa_commit(X,0)", "XA_HEURCOM", "S5",
     [](Trial& t) {
       heuristic(t, true);
       t.th1.commit(&t.x).must(XA_HEURCOM);
       kept(t);
     }},
    {"E55", fault, "heur", "S3, committed by operator", "xa_rollback(X,0)", "XA_HEURCOM", "S5",
     [](Trial& t) {
       heuristic(t, true);
       t.th1.rollback(&t.x).must(XA_HEURCOM);
       kept(t);
     }},
    {"E56", fault, "heur", "S3, rolled back by operator", "xa_commit(X,0)", "XA_HEURRB", "S5",
     [](Trial& t) {
       heuristic(t, false);
       t.th1.commit(&t.x).must(XA_HEURRB);
       kept(t);
     }},
    {"E57", fault, "heur", "S3, rolled back by operator", "xa_rollback(X,0)", "XA_HEURRB", "S5",
     [](Trial& t) {
       heuristic(t, false);
       t.th1.rollback(&t.x).must(XA_HEURRB);
       kept(t);
     }},
    {"E58", fault, "heur", "S5", "xa_commit(X,0) again; xa_recover(START|END)",
     "same HEUR*; lists X", "S5",
     [](Trial& t) {
       heuristic(t, true);
       t.th1.commit(&t.x).must(XA_HEURCOM);
       t.th1.commit(&t.x).must(XA_HEURCOM);
       t.check(t.lists(t.th1, t.x), "X must be listed by xa_recover");
       kept(t);
     }},
    {"E59", fault, "heur", "S5", "xa_start(X,0)", "XAER_DUPID", "S5",
     [](Trial& t) {
       t.only_static();
       heuristic(t, true);
       t.th1.commit(&t.x).must(XA_HEURCOM);
       t.th1.start(&t.x).must(XAER_DUPID);
       kept(t);
     }},
    {"E60", fault, "heur", "S5", "xa_prepare(X,0)", "XAER_PROTO", "S5",
     [](Trial& t) {
       heuristic(t, true);
       t.th1.commit(&t.x).must(XA_HEURCOM);
       t.th1.prepare(&t.x).must(XAER_PROTO);
       kept(t);
     }},
    {"E61", fault, "heur", "S5", "xa_forget(X,0), twice", "XA_OK; XAER_NOTA", "S0",
     [](Trial& t) {
       heuristic(t, true);
       t.th1.commit(&t.x).must(XA_HEURCOM);
       t.th1.forget(&t.x).must(XA_OK);
       t.th1.forget(&t.x).must(XAER_NOTA);
       t.is_gone(t.th1, t.x);
     }},
    {"E62", always, "", "S0", "xa_forget(X,0)", "XAER_NOTA", "=",
     [](Trial& t) {
       t.th1.forget(&t.x).must(XAER_NOTA);
       t.is_gone(t.th1, t.x);
     }},
    {"E63", always, "", "S2", "xa_forget(X,0)", "{XAER_NOTA, XAER_PROTO}", "=",
     [](Trial& t) {
       t.idle(t.th1, t.x);
       t.th1.forget(&t.x).must({XAER_NOTA, XAER_PROTO});
       t.is_idle(t.th1, t.x);
     }},
    {"E64", always, "", "S3", "xa_forget(X,0)", "{XAER_NOTA, XAER_PROTO}", "=",
     [](Trial& t) {
       t.prepared(t.th1, t.x);
       t.th1.forget(&t.x).must({XAER_NOTA, XAER_PROTO});
       t.is_prepared(t.th1, t.x);
     }},
};

}  // namespace

std::span<const Statement> section_e_heuristic() { return kRows; }

}  // namespace xabridge::conformance
