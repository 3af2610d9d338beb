// Section E, third part. Table 6-4: xa_rollback, the end of a thread, a restart.
#include "engine/trial.hpp"
#include "statements/sections.hpp"

namespace xabridge::conformance {
namespace {

using enum Kind;

void again(Trial& t) {
  t.prepared(t.th1, t.x);
  t.th1.commit(&t.x).must(XA_OK);
  t.active(t.th1, t.x, Trial::Writes::no);
  t.is_active(t.th1, t.x);
  t.prepared(t.th1, t.y);
  t.th1.rollback(&t.y).must(XA_OK);
  t.active(t.th1, t.y, Trial::Writes::no);
  t.is_active(t.th1, t.y);
}

void thread_ends(Trial& t) {
  t.active(t.opened_th2(), t.x);
  t.th2.end_thread();
  t.check(!t.lists(t.th1, t.x), "X must not be listed by xa_recover");
  t.th1.rollback(&t.x).must(XAER_NOTA);
  t.is_gone(t.th1, t.x);
  t.visible(t.x, false);
}

// The thread may learn of the restart by its first call only.
void restarted(Trial& t) {
  t.idle(t.th1, t.x);
  t.hook("restart");
  t.th1.open().must(XA_OK);
  const Answer first = t.th1.prepare(&t.x);
  if (first.code == XAER_RMFAIL) {
    t.th1.open().must(XA_OK);
    t.th1.prepare(&t.x).must(XAER_NOTA);
  } else {
    first.must(XAER_NOTA);
  }
  t.visible(t.x, false);
}

constexpr Statement kRows[] = {
    {"E34", always, "", "S2", "xa_rollback(X,0)", "{XA_OK, RB*}", "S0, changes gone",
     [](Trial& t) {
       t.idle(t.th1, t.x);
       t.th1.rollback(&t.x).must({XA_OK, RB});
       t.is_gone(t.th1, t.x);
       t.visible(t.x, false);
     }},
    {"E35", always, "", "S3", "xa_rollback(X,0)", "XA_OK", "S0, changes gone",
     [](Trial& t) {
       t.prepared(t.th1, t.x);
       t.th1.rollback(&t.x).must(XA_OK);
       t.is_gone(t.th1, t.x);
       t.visible(t.x, false);
     }},
    {"E36", always, "", "S4", "xa_rollback(X,0)", "{XA_OK, RB*}", "S0, changes gone",
     [](Trial& t) {
       t.doomed(t.th1, t.x);
       t.th1.rollback(&t.x).must({XA_OK, RB});
       t.is_gone(t.th1, t.x);
       t.visible(t.x, false);
     }},
    {"E37", always, "", "S1 by this thread", "xa_rollback(X,0)", "XAER_PROTO", "S1",
     [](Trial& t) {
       t.active(t.th1, t.x);
       t.th1.rollback(&t.x).must(XAER_PROTO);
       t.is_active(t.th1, t.x);
     }},
    {"E38", always, "", "S1 by th2", "xa_rollback(X,0)", "XAER_PROTO", "S1",
     [](Trial& t) {
       t.active(t.opened_th2(), t.x);
       t.th1.rollback(&t.x).must(XAER_PROTO);
       t.is_active(t.th2, t.x);
     }},
    {"E39", always, "", "S3", "xa_rollback(X,ONEPHASE)", "XAER_INVAL", "S3",
     [](Trial& t) {
       t.prepared(t.th1, t.x);
       t.th1.rollback(&t.x, TMONEPHASE).must(XAER_INVAL);
       t.is_prepared(t.th1, t.x);
     }},
    {"E40", always, "", "S3", "xa_rollback(X,NOWAIT)", "XAER_INVAL", "S3",
     [](Trial& t) {
       t.prepared(t.th1, t.x);
       t.th1.rollback(&t.x, TMNOWAIT).must(XAER_INVAL);
       t.is_prepared(t.th1, t.x);
     }},
    {"E41", always, "", "no USEASYNC, S2", "xa_prepare(X,ASYNC)", "XAER_ASYNC", "=",
     [](Trial& t) {
       t.only_synchronous();
       t.idle(t.th1, t.x);
       t.th1.prepare(&t.x, TMASYNC).must(XAER_ASYNC);
       t.is_idle(t.th1, t.x);
     }},
    {"E42", always, "", "no USEASYNC, S3", "xa_commit(X,ASYNC)", "XAER_ASYNC", "=",
     [](Trial& t) {
       t.only_synchronous();
       t.prepared(t.th1, t.x);
       t.th1.commit(&t.x, TMASYNC).must(XAER_ASYNC);
       t.is_prepared(t.th1, t.x);
     }},
    {"E43", always, "", "no USEASYNC, S3", "xa_rollback(X,ASYNC)", "XAER_ASYNC", "=",
     [](Trial& t) {
       t.only_synchronous();
       t.prepared(t.th1, t.x);
       t.th1.rollback(&t.x, TMASYNC).must(XAER_ASYNC);
       t.is_prepared(t.th1, t.x);
     }},
    {"E44", always, "", "no USEASYNC, S0", "xa_forget(X,ASYNC)", "XAER_ASYNC", "=",
     [](Trial& t) {
       t.only_synchronous();
       t.th1.forget(&t.x, TMASYNC).must(XAER_ASYNC);
       t.is_gone(t.th1, t.x);
     }},
    {"E45", always, "", "R1", "xa_prepare(NULL,0)", "XAER_INVAL", "=",
     [](Trial& t) {
       t.th1.prepare(nullptr).must(XAER_INVAL);
       t.is_free(t.th1);
     }},
    {"E46", always, "", "R1", "xa_commit(NULL,0)", "XAER_INVAL", "=",
     [](Trial& t) {
       t.th1.commit(nullptr).must(XAER_INVAL);
       t.is_free(t.th1);
     }},
    {"E47", always, "", "R1", "xa_rollback(NULL,0)", "XAER_INVAL", "=",
     [](Trial& t) {
       t.th1.rollback(nullptr).must(XAER_INVAL);
       t.is_free(t.th1);
     }},
    {"E48", always, "", "R1", "xa_forget(NULL,0)", "XAER_INVAL", "=",
     [](Trial& t) {
       t.th1.forget(nullptr).must(XAER_INVAL);
       t.is_free(t.th1);
     }},
    {"E49", always, "", "X committed or rolled back (S0)", "xa_start(X,0)", "XA_OK", "T1 S1",
     again},
    {"E50", fault, "", "th2 T1 S1, th2 ends", "xa_recover(START|END); xa_rollback(X,0)",
     "X not listed; XAER_NOTA", "S0", thread_ends},
    {"E51", fault, "", "S2, RM restarted", "xa_open; xa_prepare(X,0)", "XA_OK; XAER_NOTA", "S0",
     restarted},
    {"E52", uncertain, "", "S4", "xa_prepare(X,0)", "{XAER_PROTO, RB*}", "{S4, S0}",
     [](Trial& t) {
       t.doomed(t.th1, t.x);
       t.seen(t.th1.prepare(&t.x), {XAER_PROTO, RB});
     }},
    {"E53", uncertain, "", "S4", "xa_commit(X,ONEPHASE)", "{XAER_PROTO, RB*}", "{S4, S0}",
     [](Trial& t) {
       t.doomed(t.th1, t.x);
       t.seen(t.th1.commit(&t.x, TMONEPHASE), {XAER_PROTO, RB});
     }},
};

}  // namespace

std::span<const Statement> section_e_rollback() { return kRows; }

}  // namespace xabridge::conformance
