// Section C, first part. Table 6-2: xa_start by a resource manager without TMREGISTER.
#include "engine/trial.hpp"
#include "statements/sections.hpp"

namespace xabridge::conformance {
namespace {

using enum Kind;

void joined_work(Trial& t) {
  t.idle(t.th1, t.x);
  t.opened_th2().start(&t.x, TMJOIN).must(XA_OK);
  t.check(t.th2.reads(t.x), "th2 must see what th1 wrote in the branch");
  t.is_active(t.th2, t.x);
}

void join_without_waiting(Trial& t) {
  t.active(t.th1, t.x);
  const Answer joined = t.opened_th2().start(&t.x, TMJOIN | TMNOWAIT);
  joined.must({XA_OK, XA_RETRY});
  if (joined.code == XA_OK)
    t.is_active(t.th2, t.x);
  else
    t.is_free(t.th2);
  t.is_active(t.th1, t.x);
}

// The session is one that the thread works with: a branch before shows which.
void outside(Trial& t) {
  t.idle(t.th1, t.y);
  t.th1.rollback(&t.y).must({XA_OK, RB});
  t.th1.native_begin();
  t.th1.start(&t.x).must(XAER_OUTSIDE);
  t.th1.native_end();
  t.th1.start(&t.x).must(XA_OK);
  t.is_active(t.th1, t.x);
}

constexpr Statement kRows[] = {
    {"C01", always, "", "S0", "xa_start(X,0)", "XA_OK", "T1 S1",
     [](Trial& t) {
       t.th1.start(&t.x).must(XA_OK);
       t.is_active(t.th1, t.x);
     }},
    {"C02", always, "", "T1 X", "xa_start(X,0)", "{XAER_PROTO, XAER_DUPID}", "=",
     [](Trial& t) {
       t.active(t.th1, t.x);
       t.th1.start(&t.x).must({XAER_PROTO, XAER_DUPID});
       t.is_active(t.th1, t.x);
     }},
    {"C03", always, "", "T1 X", "xa_start(Y,0)", "XAER_PROTO", "X T1 S1, Y S0",
     [](Trial& t) {
       t.active(t.th1, t.x);
       t.th1.start(&t.y).must(XAER_PROTO);
       t.is_gone(t.th1, t.y);
       t.is_active(t.th1, t.x);
     }},
    {"C04", always, "", "T1 X", "xa_start(X,JOIN)", "XAER_PROTO", "X T1 S1, Y S0",
     [](Trial& t) {
       t.active(t.th1, t.x);
       t.th1.start(&t.x, TMJOIN).must(XAER_PROTO);
       t.is_active(t.th1, t.x);
     }},
    {"C05", always, "", "T1 X", "xa_start(X,RESUME)", "XAER_PROTO", "X T1 S1, Y S0",
     [](Trial& t) {
       t.active(t.th1, t.x);
       t.th1.start(&t.x, TMRESUME).must(XAER_PROTO);
       t.is_active(t.th1, t.x);
     }},
    {"C06", always, "", "S2", "xa_start(X,0)", "XAER_DUPID", "=",
     [](Trial& t) {
       t.idle(t.th1, t.x);
       t.th1.start(&t.x).must(XAER_DUPID);
       t.is_idle(t.th1, t.x);
     }},
    {"C07", always, "", "S3", "xa_start(X,0)", "XAER_DUPID", "=",
     [](Trial& t) {
       t.prepared(t.th1, t.x);
       t.th1.start(&t.x).must(XAER_DUPID);
       t.is_prepared(t.th1, t.x);
     }},
    {"C08", always, "", "th2 T1 X", "xa_start(X,0)", "XAER_DUPID", "=",
     [](Trial& t) {
       t.active(t.opened_th2(), t.x);
       t.th1.start(&t.x).must(XAER_DUPID);
       t.is_active(t.th2, t.x);
     }},
    {"C09", always, "", "S0", "xa_start(X,JOIN)", "XAER_NOTA", "S0",
     [](Trial& t) {
       t.th1.start(&t.x, TMJOIN).must(XAER_NOTA);
       t.is_gone(t.th1, t.x);
       t.is_free(t.th1);
     }},
    {"C10", always, "", "S0", "xa_start(X,RESUME)", "XAER_NOTA", "S0",
     [](Trial& t) {
       t.th1.start(&t.x, TMRESUME).must(XAER_NOTA);
       t.is_gone(t.th1, t.x);
       t.is_free(t.th1);
     }},
    {"C11", always, "", "S2, nothing suspended", "xa_start(X,RESUME)", "XAER_PROTO", "=",
     [](Trial& t) {
       t.idle(t.th1, t.x);
       t.th1.start(&t.x, TMRESUME).must(XAER_PROTO);
       t.is_idle(t.th1, t.x);
     }},
    {"C12", always, "", "S3", "xa_start(X,JOIN)", "XAER_PROTO", "=",
     [](Trial& t) {
       t.prepared(t.th1, t.x);
       t.th1.start(&t.x, TMJOIN).must(XAER_PROTO);
       t.is_prepared(t.th1, t.x);
     }},
    {"C13", capability, "join", "S2", "xa_start(X,JOIN)", "XA_OK", "T1 S1",
     [](Trial& t) {
       t.idle(t.th1, t.x);
       t.th1.start(&t.x, TMJOIN).must(XA_OK);
       t.is_active(t.th1, t.x);
     }},
    {"C14", capability, "join", "S2, work done by th1", "th2 xa_start(X,JOIN), read that work",
     "XA_OK, visible", "th2 T1", joined_work},
    {"C15", capability, "join", "th1 T1 X", "th2 xa_start(X,JOIN|NOWAIT)", "{XA_OK, XA_RETRY}",
     "th2 {T1, T0}", join_without_waiting},
    {"C16", always, "", "S2", "xa_start(X,JOIN|RESUME)", "XAER_INVAL", "=",
     [](Trial& t) {
       t.idle(t.th1, t.x);
       t.th1.start(&t.x, TMJOIN | TMRESUME).must(XAER_INVAL);
       t.is_idle(t.th1, t.x);
     }},
    {"C17", always, "", "S0", "xa_start(X,SUCCESS)", "XAER_INVAL", "=",
     [](Trial& t) {
       t.th1.start(&t.x, TMSUCCESS).must(XAER_INVAL);
       t.is_gone(t.th1, t.x);
       t.is_free(t.th1);
     }},
    {"C18", always, "", "S0", "xa_start(X,ONEPHASE)", "XAER_INVAL", "=",
     [](Trial& t) {
       t.th1.start(&t.x, TMONEPHASE).must(XAER_INVAL);
       t.is_gone(t.th1, t.x);
       t.is_free(t.th1);
     }},
    {"C19", always, "", "S0", "xa_start(X,MIGRATE)", "XAER_INVAL", "=",
     [](Trial& t) {
       t.th1.start(&t.x, TMMIGRATE).must(XAER_INVAL);
       t.is_gone(t.th1, t.x);
       t.is_free(t.th1);
     }},
    {"C20", always, "", "S0", "xa_start(X,STARTRSCAN)", "XAER_INVAL", "=",
     [](Trial& t) {
       t.th1.start(&t.x, TMSTARTRSCAN).must(XAER_INVAL);
       t.is_gone(t.th1, t.x);
       t.is_free(t.th1);
     }},
    {"C21", always, "", "S0", "xa_start(NULL,0)", "XAER_INVAL", "T0",
     [](Trial& t) {
       t.th1.start(nullptr).must(XAER_INVAL);
       t.is_free(t.th1);
     }},
    {"C22", always, "", "S0", "xa_start(formatID -1,0)", "XAER_INVAL", "T0",
     [](Trial& t) {
       t.x.formatID = -1;
       t.th1.start(&t.x).must(XAER_INVAL);
       t.is_free(t.th1);
     }},
    {"C23", always, "", "S0", "xa_start(gtrid_length 0,0)", "XAER_INVAL", "T0",
     [](Trial& t) {
       t.x.gtrid_length = 0;
       t.th1.start(&t.x).must(XAER_INVAL);
       t.is_free(t.th1);
     }},
    {"C24", always, "", "S0", "xa_start(gtrid_length 65,0)", "XAER_INVAL", "T0",
     [](Trial& t) {
       t.x.gtrid_length = MAXGTRIDSIZE + 1;
       t.th1.start(&t.x).must(XAER_INVAL);
       t.is_free(t.th1);
     }},
    {"C25", always, "", "S0", "xa_start(bqual_length 65,0)", "XAER_INVAL", "T0",
     [](Trial& t) {
       t.x.bqual_length = MAXBQUALSIZE + 1;
       t.th1.start(&t.x).must(XAER_INVAL);
       t.is_free(t.th1);
     }},
    {"C26", always, "", "S0, no USEASYNC", "xa_start(X,ASYNC)", "XAER_ASYNC", "=",
     [](Trial& t) {
       t.only_synchronous();
       t.th1.start(&t.x, TMASYNC).must(XAER_ASYNC);
       t.is_gone(t.th1, t.x);
     }},
    {"C27", always, "", "T1, no USEASYNC", "xa_end(X,SUCCESS|ASYNC)", "XAER_ASYNC", "=",
     [](Trial& t) {
       t.only_synchronous();
       t.active(t.th1, t.x);
       t.th1.end(&t.x, TMSUCCESS | TMASYNC).must(XAER_ASYNC);
       t.is_active(t.th1, t.x);
     }},
    {"C28", always, "", "native transaction open in this session; then ended",
     "xa_start(X,0), twice", "XAER_OUTSIDE; XA_OK", "T0 S0; T1 S1", outside},
};

}  // namespace

std::span<const Statement> section_c_start() { return kRows; }

}  // namespace xabridge::conformance
