// Section C, second part. Table 6-2: xa_end, suspension, migration, doomed branches.
#include "engine/trial.hpp"
#include "statements/sections.hpp"

namespace xabridge::conformance {
namespace {

using enum Kind;

void resumed_work(Trial& t) {
  t.suspended(t.th1, t.x);
  t.th1.start(&t.x, TMRESUME).must(XA_OK);
  t.check(t.th1.reads(t.x), "what was written before the suspension must be seen");
  t.is_active(t.th1, t.x);
}

int migratable(Trial& t) {
  t.active(t.th1, t.x);
  const Answer suspended = t.th1.end(&t.x, TMSUSPEND | TMMIGRATE);
  suspended.must({XA_OK, XA_NOMIGRATE});
  return suspended.code;
}

void moved(Trial& t) {
  if (migratable(t) != XA_OK) Trial::not_applicable("C39 gave XA_NOMIGRATE");
  t.opened_th2().start(&t.x, TMRESUME).must(XA_OK);
  t.th1.end(&t.x, TMSUCCESS).must(XAER_PROTO);
  t.is_free(t.th1);
  t.is_active(t.th2, t.x);
}

void not_moved(Trial& t) {
  if (migratable(t) != XA_OK) Trial::not_applicable("C39 gave XA_NOMIGRATE");
  t.th1.start(&t.x, TMRESUME).must(XA_OK);
  t.is_active(t.th1, t.x);
}

void bound(Trial& t) {
  if (migratable(t) != XA_NOMIGRATE) Trial::not_applicable("C39 gave XA_OK");
  t.opened_th2().start(&t.x, TMRESUME).must(XAER_PROTO);
  t.th1.start(&t.x, TMRESUME).must(XA_OK);
  t.is_active(t.th1, t.x);
}

void migrate_refused(Trial& t) {
  if ((t.subject().entries->flags & TMNOMIGRATE) == 0)
    Trial::not_applicable("the switch has no TMNOMIGRATE");
  t.active(t.th1, t.x);
  t.seen(t.th1.end(&t.x, TMSUSPEND | TMMIGRATE), {XAER_INVAL, XA_NOMIGRATE});
}

// While th1 has suspended the branch, th2 works in it, and that work dooms it.
void resume_doomed(Trial& t) {
  t.needs("susp");
  t.needs("join");
  t.suspended(t.th1, t.x);
  t.opened_th2().start(&t.x, TMJOIN).must(XA_OK);
  t.doom_now(t.th2, t.x);
  t.th2.end(&t.x, TMSUCCESS).must(RB);
  t.th1.start(&t.x, TMRESUME).must(RB);
  t.is_free(t.th1);
  t.th1.rollback(&t.x).must({XA_OK, RB});
  t.is_gone(t.th1, t.x);
}

constexpr Statement kRows[] = {
    {"C29", always, "", "T1", "xa_end(X,SUCCESS)", "XA_OK", "T0 S2",
     [](Trial& t) {
       t.active(t.th1, t.x);
       t.th1.end(&t.x, TMSUCCESS).must(XA_OK);
       t.is_free(t.th1);
       t.is_idle(t.th1, t.x);
     }},
    {"C30", always, "", "T1", "xa_end(X,FAIL)", "{XA_OK, RB*}", "T0, {S2, S4}",
     [](Trial& t) {
       t.active(t.th1, t.x);
       t.th1.end(&t.x, TMFAIL).must({XA_OK, RB});
       t.is_free(t.th1);
       t.th1.rollback(&t.x).must({XA_OK, RB});
       t.is_gone(t.th1, t.x);
     }},
    {"C31", capability, "susp", "T1", "xa_end(X,SUSPEND)", "XA_OK", "T2 S2",
     [](Trial& t) {
       t.active(t.th1, t.x);
       t.th1.end(&t.x, TMSUSPEND).must(XA_OK);
       t.is_suspended(t.th1, t.x);
     }},
    {"C32", capability, "susp", "T2", "xa_start(X,RESUME)", "XA_OK", "T1 S1, earlier work visible",
     resumed_work},
    {"C33", capability, "susp", "T2", "xa_end(X,SUCCESS)", "XA_OK", "T0 S2",
     [](Trial& t) {
       t.suspended(t.th1, t.x);
       t.th1.end(&t.x, TMSUCCESS).must(XA_OK);
       t.is_free(t.th1);
       t.is_idle(t.th1, t.x);
     }},
    {"C34", capability, "susp", "T2", "xa_end(X,FAIL)", "{XA_OK, RB*}", "T0, {S2, S4}",
     [](Trial& t) {
       t.suspended(t.th1, t.x);
       t.th1.end(&t.x, TMFAIL).must({XA_OK, RB});
       t.is_free(t.th1);
       t.th1.rollback(&t.x).must({XA_OK, RB});
       t.is_gone(t.th1, t.x);
     }},
    {"C35", capability, "susp", "T2", "xa_end(X,SUSPEND)", "XAER_PROTO", "T2",
     [](Trial& t) {
       t.suspended(t.th1, t.x);
       t.th1.end(&t.x, TMSUSPEND).must(XAER_PROTO);
       t.is_suspended(t.th1, t.x);
     }},
    {"C36", capability, "susp", "T2", "xa_start(X,0)", "{XAER_DUPID, XAER_PROTO}", "T2",
     [](Trial& t) {
       t.suspended(t.th1, t.x);
       t.th1.start(&t.x).must({XAER_DUPID, XAER_PROTO});
       t.is_suspended(t.th1, t.x);
     }},
    {"C37", uncertain, "susp", "T2 X", "xa_start(Y,0)", "{XA_OK, XAER_PROTO}", "X T2, Y {T1, S0}",
     [](Trial& t) {
       t.suspended(t.th1, t.x);
       t.seen(t.th1.start(&t.y), {XA_OK, XAER_PROTO});
     }},
    {"C38", capability, "susp", "th1 T2, suspended without MIGRATE", "th2 xa_start(X,RESUME)",
     "XAER_PROTO", "th1 T2",
     [](Trial& t) {
       t.suspended(t.th1, t.x);
       t.opened_th2().start(&t.x, TMRESUME).must(XAER_PROTO);
       t.is_suspended(t.th1, t.x);
     }},
    {"C39", capability, "mig", "T1", "xa_end(X,SUSPEND|MIGRATE)", "{XA_OK, XA_NOMIGRATE}", "T2 S2",
     [](Trial& t) {
       (void)migratable(t);
       t.is_suspended(t.th1, t.x);
     }},
    {"C40", capability, "mig", "C39 gave XA_OK", "th2 xa_start(X,RESUME)", "XA_OK",
     "th2 T1, th1 T0", moved},
    {"C41", capability, "mig", "C39 gave XA_OK", "th1 xa_start(X,RESUME)", "XA_OK", "th1 T1",
     not_moved},
    {"C42", capability, "mig", "C39 gave XA_NOMIGRATE", "th2, then th1 xa_start(X,RESUME)",
     "XAER_PROTO; XA_OK", "th1 T1", bound},
    {"C43", uncertain, "", "NOMIGRATE in switch, T1", "xa_end(X,SUSPEND|MIGRATE)",
     "{XAER_INVAL, XA_NOMIGRATE}", "{T1, T2}", migrate_refused},
    {"C44", always, "", "T1", "xa_end(X,0)", "XAER_INVAL", "T1 S1",
     [](Trial& t) {
       t.active(t.th1, t.x);
       t.th1.end(&t.x, TMNOFLAGS).must(XAER_INVAL);
       t.is_active(t.th1, t.x);
     }},
    {"C45", always, "", "T1", "xa_end(X,MIGRATE)", "XAER_INVAL", "T1 S1",
     [](Trial& t) {
       t.active(t.th1, t.x);
       t.th1.end(&t.x, TMMIGRATE).must(XAER_INVAL);
       t.is_active(t.th1, t.x);
     }},
    {"C46", always, "", "T1", "xa_end(X,SUCCESS|MIGRATE)", "XAER_INVAL", "T1 S1",
     [](Trial& t) {
       t.active(t.th1, t.x);
       t.th1.end(&t.x, TMSUCCESS | TMMIGRATE).must(XAER_INVAL);
       t.is_active(t.th1, t.x);
     }},
    {"C47", always, "", "T1", "xa_end(X,SUCCESS|FAIL)", "XAER_INVAL", "T1 S1",
     [](Trial& t) {
       t.active(t.th1, t.x);
       t.th1.end(&t.x, TMSUCCESS | TMFAIL).must(XAER_INVAL);
       t.is_active(t.th1, t.x);
     }},
    {"C48", always, "", "T1", "xa_end(X,SUCCESS|SUSPEND)", "XAER_INVAL", "T1 S1",
     [](Trial& t) {
       t.active(t.th1, t.x);
       t.th1.end(&t.x, TMSUCCESS | TMSUSPEND).must(XAER_INVAL);
       t.is_active(t.th1, t.x);
     }},
    {"C49", always, "", "T1", "xa_end(X,SUCCESS|JOIN)", "XAER_INVAL", "T1 S1",
     [](Trial& t) {
       t.active(t.th1, t.x);
       t.th1.end(&t.x, TMSUCCESS | TMJOIN).must(XAER_INVAL);
       t.is_active(t.th1, t.x);
     }},
    {"C50", always, "", "S0", "xa_end(X,SUCCESS)", "XAER_NOTA", "=",
     [](Trial& t) {
       t.th1.end(&t.x, TMSUCCESS).must(XAER_NOTA);
       t.is_gone(t.th1, t.x);
     }},
    {"C51", always, "", "T1 Y, X S0", "xa_end(X,SUCCESS)", "XAER_NOTA", "=",
     [](Trial& t) {
       t.active(t.th1, t.y);
       t.th1.end(&t.x, TMSUCCESS).must(XAER_NOTA);
       t.is_active(t.th1, t.y);
     }},
    {"C52", always, "", "T0 S2", "xa_end(X,SUCCESS)", "XAER_PROTO", "=",
     [](Trial& t) {
       t.idle(t.th1, t.x);
       t.th1.end(&t.x, TMSUCCESS).must(XAER_PROTO);
       t.is_idle(t.th1, t.x);
     }},
    {"C53", always, "", "T0 S3", "xa_end(X,SUCCESS)", "XAER_PROTO", "=",
     [](Trial& t) {
       t.prepared(t.th1, t.x);
       t.th1.end(&t.x, TMSUCCESS).must(XAER_PROTO);
       t.is_prepared(t.th1, t.x);
     }},
    {"C54", always, "", "T1 Y and X S2", "xa_end(X,SUCCESS)", "XAER_PROTO", "=",
     [](Trial& t) {
       t.idle(t.th1, t.x);
       t.active(t.th1, t.y);
       t.th1.end(&t.x, TMSUCCESS).must(XAER_PROTO);
       t.is_active(t.th1, t.y);
       t.is_idle(t.th1, t.x);
     }},
    {"C55", always, "", "th2 T1 X", "xa_end(X,SUCCESS)", "XAER_PROTO", "=",
     [](Trial& t) {
       t.active(t.opened_th2(), t.x);
       t.th1.end(&t.x, TMSUCCESS).must(XAER_PROTO);
       t.is_active(t.th2, t.x);
     }},
    {"C56", always, "", "X S2 (T0)", "xa_start(Y,0)", "XA_OK", "X S2, Y T1 S1",
     [](Trial& t) {
       t.idle(t.th1, t.x);
       t.th1.start(&t.y).must(XA_OK);
       t.is_active(t.th1, t.y);
       t.is_idle(t.th1, t.x);
     }},
    {"C57", fault, "", "T1, RM doomed the branch (e.g. deadlock victim)", "xa_end(X,SUCCESS)",
     "RB*", "T0 S4",
     [](Trial& t) {
       t.doom(t.th1, t.x);
       t.th1.end(&t.x, TMSUCCESS).must(RB);
       t.is_free(t.th1);
       t.th1.rollback(&t.x).must({XA_OK, RB});
       t.is_gone(t.th1, t.x);
     }},
    {"C58", fault, "", "T1, RM doomed the branch (e.g. deadlock victim)", "xa_end(X,SUSPEND)",
     "RB*", "T0 S4",
     [](Trial& t) {
       t.needs("susp");
       t.doom(t.th1, t.x);
       t.th1.end(&t.x, TMSUSPEND).must(RB);
       t.is_free(t.th1);
       t.th1.rollback(&t.x).must({XA_OK, RB});
       t.is_gone(t.th1, t.x);
     }},
    {"C59", fault, "", "T2, doomed (susp)", "xa_start(X,RESUME)", "RB*", "T0 S4", resume_doomed},
    {"C60", fault, "", "S2, doomed (join)", "xa_start(X,JOIN)", "RB*", "T0 S4",
     [](Trial& t) {
       t.doom(t.th1, t.x);
       t.th1.end(&t.x, TMSUCCESS).must(RB);
       t.th1.start(&t.x, TMJOIN).must(RB);
       t.is_free(t.th1);
       t.th1.rollback(&t.x).must({XA_OK, RB});
       t.is_gone(t.th1, t.x);
     }},
};

}  // namespace

std::span<const Statement> section_c_end() { return kRows; }

}  // namespace xabridge::conformance
