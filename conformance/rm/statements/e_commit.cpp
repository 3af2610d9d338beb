// Section E, second part. Table 6-4: xa_commit.
#include "engine/trial.hpp"
#include "statements/sections.hpp"

namespace xabridge::conformance {
namespace {

using enum Kind;

void after_a_death(Trial& t) {
  t.th1.close().must(XA_OK);
  t.prepared_elsewhere(t.x);
  t.th1.open().must(XA_OK);
}

void commit_without_waiting(Trial& t) {
  t.prepared(t.th1, t.x);
  const Answer answer = t.th1.commit(&t.x, TMNOWAIT);
  answer.must({XA_OK, XA_RETRY});
  if (answer.code == XA_OK)
    t.is_gone(t.th1, t.x);
  else
    t.is_prepared(t.th1, t.x);
}

void commit_beside_another(Trial& t) {
  t.prepared(t.th1, t.x);
  t.active(t.th1, t.y);
  t.th1.commit(&t.x).must(XA_OK);
  t.is_gone(t.th1, t.x);
  if (t.can_look_outside()) t.check(t.th1.reads(t.y), "the work of Y must be intact");
  t.is_active(t.th1, t.y);
}

void commit_refused(Trial& t) {
  t.active(t.th1, t.x);
  t.th1.refuse_later();
  t.th1.end(&t.x, TMSUCCESS).must(XA_OK);
  t.th1.commit(&t.x, TMONEPHASE).must(RB);
  t.is_gone(t.th1, t.x);
  t.visible(t.x, false);
}

// A process that lives on after its prepare keeps some resource managers from completing the
// branch; for the others somebody has to bring that about.
void busy(Trial& t) {
  const auto* work = t.subject().work;
  const bool by_work = work != nullptr && work->keep_busy != nullptr && !t.has_hook("busy");
  if (by_work || t.has_hook("busy")) {
    t.prepared(t.th1, t.x);
    if (by_work)
      t.elsewhere().by_name("keep busy", work->keep_busy, t.x);
    else
      t.hook("busy", &t.x);
  } else {
    t.prepared_elsewhere(t.x, true);
  }
  const Answer first = t.th1.commit(&t.x);
  if (by_work)
    t.elsewhere().by_name("end busy", work->end_busy, t.x);
  else if (t.has_hook("busy"))
    t.hook("end-busy", &t.x);
  else if (first.code == XA_OK)
    Trial::not_applicable(
        "able at any time as far as the suite can tell: needs --hook busy=COMMAND");
  first.must(XA_RETRY);
  t.kill_other_process();
  t.patiently([&] { return t.th1.commit(&t.x); }).must(XA_OK);
  t.is_gone(t.th1, t.x);
}

void cut_during_commit(Trial& t) {
  const std::string info = t.redirected();
  t.th1.open_with(info.c_str(), TMNOFLAGS, t.other_rmid()).must(XA_OK);
  t.prepared(t.th1, t.x, t.other_rmid());
  t.cut_at_next_request();
  t.th1.commit(&t.x, TMNOFLAGS, t.other_rmid()).must(XAER_RMFAIL);
  t.restore();
  t.th1.open_with(info.c_str(), TMNOFLAGS, t.other_rmid()).must(XA_OK);
  t.patiently([&] {
     return t.th1.commit(&t.x, TMNOFLAGS, t.other_rmid());
   }).must({XA_OK, XAER_NOTA});
  t.is_gone(t.th1, t.x);
  t.visible(t.x);
}

constexpr Statement kRows[] = {
    {"E14", always, "", "S3", "xa_commit(X,0)", "XA_OK", "S0, changes visible to others",
     [](Trial& t) {
       t.prepared(t.th1, t.x);
       t.visible(t.x, false);
       t.th1.commit(&t.x).must(XA_OK);
       t.is_gone(t.th1, t.x);
       t.visible(t.x);
     }},
    {"E15", always, "", "S3, prepared by th1", "th2 xa_commit(X,0)", "XA_OK", "S0",
     [](Trial& t) {
       t.prepared(t.th1, t.x);
       t.opened_th2().commit(&t.x).must(XA_OK);
       t.is_gone(t.th1, t.x);
     }},
    {"E16", always, "", "S3, process killed; new process", "xa_open; xa_commit(X,0)", "XA_OK", "S0",
     [](Trial& t) {
       after_a_death(t);
       t.patiently([&] { return t.th1.commit(&t.x); }).must(XA_OK);
       t.is_gone(t.th1, t.x);
       if (t.can_look_outside()) t.visible(t.x);
     }},
    {"E17", always, "", "S3, process killed; new process", "xa_open; xa_rollback(X,0)", "XA_OK",
     "S0",
     [](Trial& t) {
       after_a_death(t);
       t.patiently([&] { return t.th1.rollback(&t.x); }).must(XA_OK);
       t.is_gone(t.th1, t.x);
       t.visible(t.x, false);
     }},
    {"E18", always, "", "S2", "xa_commit(X,ONEPHASE)", "XA_OK", "S0, changes visible",
     [](Trial& t) {
       t.idle(t.th1, t.x);
       t.th1.commit(&t.x, TMONEPHASE).must(XA_OK);
       t.is_gone(t.th1, t.x);
       t.visible(t.x);
     }},
    {"E19", always, "", "S2", "xa_commit(X,0)", "XAER_PROTO", "=",
     [](Trial& t) {
       t.idle(t.th1, t.x);
       t.th1.commit(&t.x).must(XAER_PROTO);
       t.is_idle(t.th1, t.x);
     }},
    {"E20", always, "", "S3", "xa_commit(X,ONEPHASE)", "XAER_PROTO", "=",
     [](Trial& t) {
       t.prepared(t.th1, t.x);
       t.th1.commit(&t.x, TMONEPHASE).must(XAER_PROTO);
       t.is_prepared(t.th1, t.x);
     }},
    {"E21", always, "", "T1 S1", "xa_commit(X,0)", "XAER_PROTO", "T1 S1",
     [](Trial& t) {
       t.active(t.th1, t.x);
       t.th1.commit(&t.x, TMNOFLAGS).must(XAER_PROTO);
       t.is_active(t.th1, t.x);
     }},
    {"E22", always, "", "T1 S1", "xa_commit(X,ONEPHASE)", "XAER_PROTO", "T1 S1",
     [](Trial& t) {
       t.active(t.th1, t.x);
       t.th1.commit(&t.x, TMONEPHASE).must(XAER_PROTO);
       t.is_active(t.th1, t.x);
     }},
    {"E23", capability, "susp", "T2 S2", "xa_prepare(X,0)", "XAER_PROTO", "T2 S2",
     [](Trial& t) {
       t.suspended(t.th1, t.x);
       t.th1.prepare(&t.x).must(XAER_PROTO);
       t.is_suspended(t.th1, t.x);
     }},
    {"E24", capability, "susp", "T2 S2", "xa_commit(X,ONEPHASE)", "XAER_PROTO", "T2 S2",
     [](Trial& t) {
       t.suspended(t.th1, t.x);
       t.th1.commit(&t.x, TMONEPHASE).must(XAER_PROTO);
       t.is_suspended(t.th1, t.x);
     }},
    {"E25", capability, "susp", "T2 S2", "xa_rollback(X,0)", "XAER_PROTO", "T2 S2",
     [](Trial& t) {
       t.suspended(t.th1, t.x);
       t.th1.rollback(&t.x).must(XAER_PROTO);
       t.is_suspended(t.th1, t.x);
     }},
    {"E26", always, "", "after E14", "xa_commit(X,0)", "XAER_NOTA", "S0",
     [](Trial& t) {
       t.prepared(t.th1, t.x);
       t.th1.commit(&t.x).must(XA_OK);
       t.th1.commit(&t.x).must(XAER_NOTA);
       t.is_gone(t.th1, t.x);
     }},
    {"E27", always, "", "S3", "xa_commit(X,FAIL)", "XAER_INVAL", "S3",
     [](Trial& t) {
       t.prepared(t.th1, t.x);
       t.th1.commit(&t.x, TMFAIL).must(XAER_INVAL);
       t.is_prepared(t.th1, t.x);
     }},
    {"E28", always, "", "S3", "xa_commit(X,JOIN)", "XAER_INVAL", "S3",
     [](Trial& t) {
       t.prepared(t.th1, t.x);
       t.th1.commit(&t.x, TMJOIN).must(XAER_INVAL);
       t.is_prepared(t.th1, t.x);
     }},
    {"E29", always, "", "S3", "xa_commit(X,NOWAIT)", "{XA_OK, XA_RETRY}", "{S0, S3}",
     commit_without_waiting},
    {"E30", always, "", "T1 Y, X S3", "xa_commit(X,0)", "XA_OK",
     "X S0; Y T1 S1 and its work intact", commit_beside_another},
    {"E31", fault, "", "S2, commit refused", "xa_commit(X,ONEPHASE)", "RB*", "S0", commit_refused},
    {"E32", fault, "", "S3, RM temporarily unable", "xa_commit(X,0), later again",
     "XA_RETRY; XA_OK", "S3; S0", busy},
    {"E33", fault, "", "S3, session cut during the call", "xa_commit(X,0); xa_open; xa_commit(X,0)",
     "XAER_RMFAIL; XA_OK; {XA_OK, XAER_NOTA}", "S0, committed", cut_during_commit},
};

}  // namespace

std::span<const Statement> section_e_commit() { return kRows; }

}  // namespace xabridge::conformance
