// Section E, first part. Table 6-4: xa_prepare, and the calls on a branch that does not exist.
#include "engine/trial.hpp"
#include "statements/sections.hpp"

namespace xabridge::conformance {
namespace {

using enum Kind;

void read_only(Trial& t) {
  t.idle(t.th1, t.x, Trial::Writes::no);
  const Answer vote = t.th1.prepare(&t.x);
  vote.must({XA_RDONLY, XA_OK});
  if (vote.code == XA_OK)
    t.is_prepared(t.th1, t.x);
  else
    t.is_gone(t.th1, t.x);
}

void read_only_is_over(Trial& t) {
  t.idle(t.th1, t.x, Trial::Writes::no);
  if (t.th1.prepare(&t.x).code != XA_RDONLY) Trial::not_applicable("E02 gave XA_OK");
  t.th1.commit(&t.x).must(XAER_NOTA);
  t.is_gone(t.th1, t.x);
}

void prepare_refused(Trial& t) {
  t.active(t.th1, t.x);
  t.th1.refuse_later();
  t.th1.end(&t.x, TMSUCCESS).must(XA_OK);
  t.th1.prepare(&t.x).must(RB);
  t.th1.rollback(&t.x).must(XAER_NOTA);
  t.is_gone(t.th1, t.x);
  t.visible(t.x, false);
}

constexpr Statement kRows[] = {
    {"E01", always, "", "S2 after a write", "xa_prepare(X,0)", "XA_OK", "S3",
     [](Trial& t) {
       t.needs_write();
       t.idle(t.th1, t.x);
       t.th1.prepare(&t.x).must(XA_OK);
       t.is_prepared(t.th1, t.x);
     }},
    {"E02", capability, "rdo", "S2, nothing written", "xa_prepare(X,0)", "{XA_RDONLY, XA_OK}",
     "{S0, S3}", read_only},
    {"E03", capability, "rdo", "E02 gave XA_RDONLY", "xa_commit(X,0); xa_recover(START|END)",
     "XAER_NOTA; X not listed", "S0", read_only_is_over},
    {"E04", always, "", "S1 by this thread", "xa_prepare(X,0)", "XAER_PROTO", "=",
     [](Trial& t) {
       t.active(t.th1, t.x);
       t.th1.prepare(&t.x).must(XAER_PROTO);
       t.is_active(t.th1, t.x);
     }},
    {"E05", always, "", "S1 by th2", "xa_prepare(X,0)", "XAER_PROTO", "=",
     [](Trial& t) {
       t.active(t.opened_th2(), t.x);
       t.th1.prepare(&t.x).must(XAER_PROTO);
       t.is_active(t.th2, t.x);
     }},
    {"E06", always, "", "S3", "xa_prepare(X,0)", "XAER_PROTO", "=",
     [](Trial& t) {
       t.prepared(t.th1, t.x);
       t.th1.prepare(&t.x).must(XAER_PROTO);
       t.is_prepared(t.th1, t.x);
     }},
    {"E07", always, "", "S0", "xa_prepare(X,0)", "XAER_NOTA", "S0",
     [](Trial& t) {
       t.th1.prepare(&t.x).must(XAER_NOTA);
       t.is_gone(t.th1, t.x);
     }},
    {"E08", always, "", "S0", "xa_commit(X,0)", "XAER_NOTA", "S0",
     [](Trial& t) {
       t.th1.commit(&t.x).must(XAER_NOTA);
       t.is_gone(t.th1, t.x);
     }},
    {"E09", always, "", "S0", "xa_commit(X,ONEPHASE)", "XAER_NOTA", "S0",
     [](Trial& t) {
       t.th1.commit(&t.x, TMONEPHASE).must(XAER_NOTA);
       t.is_gone(t.th1, t.x);
     }},
    {"E10", always, "", "S0", "xa_rollback(X,0)", "XAER_NOTA", "S0",
     [](Trial& t) {
       t.th1.rollback(&t.x).must(XAER_NOTA);
       t.is_gone(t.th1, t.x);
     }},
    {"E11", always, "", "S2", "xa_prepare(X,ONEPHASE)", "XAER_INVAL", "S2",
     [](Trial& t) {
       t.idle(t.th1, t.x);
       t.th1.prepare(&t.x, TMONEPHASE).must(XAER_INVAL);
       t.is_idle(t.th1, t.x);
     }},
    {"E12", always, "", "S2", "xa_prepare(X,NOWAIT)", "XAER_INVAL", "S2",
     [](Trial& t) {
       t.idle(t.th1, t.x);
       t.th1.prepare(&t.x, TMNOWAIT).must(XAER_INVAL);
       t.is_idle(t.th1, t.x);
     }},
    {"E13", fault, "", "S2, RM refuses (deferred constraint, serialisation)",
     "xa_prepare(X,0); xa_rollback(X,0)", "RB*; XAER_NOTA", "S0", prepare_refused},
};

}  // namespace

std::span<const Statement> section_e_prepare() { return kRows; }

}  // namespace xabridge::conformance
