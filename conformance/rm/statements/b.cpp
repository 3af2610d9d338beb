// Section B. Table 6-1: xa_open and xa_close, per thread and rmid.
#include "engine/trial.hpp"
#include "statements/sections.hpp"

namespace xabridge::conformance {
namespace {

using enum Kind;

void unreachable(Trial& t) {
  t.th1.close().must(XA_OK);
  t.th1.open_with(t.unreachable().c_str()).must(XAER_RMERR);
  t.is_closed(t.th1);
}

// Not associated, so nothing is called that would notice; the branch that the session holds is.
void session_cut(Trial& t) {
  t.idle(t.th1, t.x);
  t.cut_session(t.th1, t.x);
  t.th1.prepare(&t.x).must(XAER_RMFAIL);
  t.is_closed(t.th1);
  t.th1.open().must(XA_OK);
  t.is_free(t.th1);
}

constexpr Statement kRows[] = {
    {"B01", always, "", "R0", "xa_open(good,0)", "XA_OK", "R1",
     [](Trial& t) {
       t.th1.close().must(XA_OK);
       t.th1.open().must(XA_OK);
       t.is_free(t.th1);
     }},
    {"B02", always, "", "R1", "xa_open(good,0)", "XA_OK", "R1, no second session",
     [](Trial& t) {
       t.th1.open().must(XA_OK);
       t.is_free(t.th1);
       t.th1.close().must(XA_OK);
       t.is_closed(t.th1);
     }},
    {"B03", always, "", "T1 S1", "xa_open(good,0)", "XA_OK", "T1 S1",
     [](Trial& t) {
       t.active(t.th1, t.x);
       t.th1.open().must(XA_OK);
       t.is_active(t.th1, t.x);
     }},
    {"B04", always, "", "R0", "xa_open(unreachable target,0)", "XAER_RMERR", "R0", unreachable},
    {"B05", always, "", "R0", "xa_open(NULL,0)", "XAER_INVAL", "R0",
     [](Trial& t) {
       t.th1.close().must(XA_OK);
       t.th1.open_with(nullptr).must(XAER_INVAL);
       t.is_closed(t.th1);
     }},
    {"B06", always, "", "R0", "xa_open(256 characters before the NUL,0)", "XAER_INVAL", "R0",
     [](Trial& t) {
       t.th1.close().must(XA_OK);
       std::string text = t.subject().open_string;
       text.resize(MAXINFOSIZE, ' ');
       t.th1.open_with(text.c_str()).must(XAER_INVAL);
       t.is_closed(t.th1);
     }},
    {"B07", always, "", "R0", "xa_open(good,JOIN)", "XAER_INVAL", "R0",
     [](Trial& t) {
       t.th1.close().must(XA_OK);
       t.th1.open(TMJOIN).must(XAER_INVAL);
       t.is_closed(t.th1);
     }},
    {"B08", always, "", "R0", "xa_open(good,SUCCESS)", "XAER_INVAL", "R0",
     [](Trial& t) {
       t.th1.close().must(XA_OK);
       t.th1.open(TMSUCCESS).must(XAER_INVAL);
       t.is_closed(t.th1);
     }},
    {"B09", always, "", "R0", "xa_open(good,ONEPHASE)", "XAER_INVAL", "R0",
     [](Trial& t) {
       t.th1.close().must(XA_OK);
       t.th1.open(TMONEPHASE).must(XAER_INVAL);
       t.is_closed(t.th1);
     }},
    {"B10", always, "", "R0", "xa_open(good,0x1)", "XAER_INVAL", "R0",
     [](Trial& t) {
       t.th1.close().must(XA_OK);
       t.th1.open(0x1).must(XAER_INVAL);
       t.is_closed(t.th1);
     }},
    {"B11", always, "", "R0, no USEASYNC", "xa_open(good,ASYNC)", "XAER_ASYNC", "=",
     [](Trial& t) {
       t.only_synchronous();
       t.th1.close().must(XA_OK);
       t.th1.open(TMASYNC).must(XAER_ASYNC);
       t.is_closed(t.th1);
     }},
    {"B12", always, "", "R1, no USEASYNC", "xa_close(ASYNC)", "XAER_ASYNC", "=",
     [](Trial& t) {
       t.only_synchronous();
       t.th1.close(TMASYNC).must(XAER_ASYNC);
       t.is_free(t.th1);
     }},
    {"B13", always, "", "R1 T0", "xa_close(0)", "XA_OK", "R0",
     [](Trial& t) {
       t.th1.close().must(XA_OK);
       t.is_closed(t.th1);
     }},
    {"B14", always, "", "R0", "xa_close(0)", "XA_OK", "R0",
     [](Trial& t) {
       t.th1.close().must(XA_OK);
       t.th1.close().must(XA_OK);
       t.is_closed(t.th1);
     }},
    {"B15", always, "", "T1 S1", "xa_close(0)", "XAER_PROTO", "R1 T1 S1",
     [](Trial& t) {
       t.active(t.th1, t.x);
       t.th1.close().must(XAER_PROTO);
       t.is_active(t.th1, t.x);
     }},
    {"B16", uncertain, "", "T2 S2", "xa_close(0)", "{XAER_PROTO, XA_OK}", "{T2, R0}",
     [](Trial& t) {
       t.needs("susp");
       t.suspended(t.th1, t.x);
       const Answer answer = t.th1.close();
       t.seen(answer, {XAER_PROTO, XA_OK});
     }},
    {"B17", always, "", "R1", "xa_close(SUCCESS)", "XAER_INVAL", "R1",
     [](Trial& t) {
       t.th1.close(TMSUCCESS).must(XAER_INVAL);
       t.is_free(t.th1);
     }},
    {"B18", always, "", "R0", "xa_start(X,0)", "XAER_PROTO", "R0",
     [](Trial& t) {
       t.th1.close().must(XA_OK);
       t.th1.start(&t.x).must(XAER_PROTO);
       t.is_closed(t.th1);
     }},
    {"B19", always, "", "R0", "xa_end(X,SUCCESS)", "XAER_PROTO", "R0",
     [](Trial& t) {
       t.th1.close().must(XA_OK);
       t.th1.end(&t.x, TMSUCCESS).must(XAER_PROTO);
       t.is_closed(t.th1);
     }},
    {"B20", always, "", "R0", "xa_prepare(X,0)", "XAER_PROTO", "R0",
     [](Trial& t) {
       t.th1.close().must(XA_OK);
       t.th1.prepare(&t.x).must(XAER_PROTO);
       t.is_closed(t.th1);
     }},
    {"B21", always, "", "R0", "xa_commit(X,0)", "XAER_PROTO", "R0",
     [](Trial& t) {
       t.th1.close().must(XA_OK);
       t.th1.commit(&t.x).must(XAER_PROTO);
       t.is_closed(t.th1);
     }},
    {"B22", always, "", "R0", "xa_rollback(X,0)", "XAER_PROTO", "R0",
     [](Trial& t) {
       t.th1.close().must(XA_OK);
       t.th1.rollback(&t.x).must(XAER_PROTO);
       t.is_closed(t.th1);
     }},
    {"B23", always, "", "R0", "xa_forget(X,0)", "XAER_PROTO", "R0",
     [](Trial& t) {
       t.th1.close().must(XA_OK);
       t.th1.forget(&t.x).must(XAER_PROTO);
       t.is_closed(t.th1);
     }},
    {"B24", always, "", "R0", "xa_recover(START)", "XAER_PROTO", "R0",
     [](Trial& t) {
       t.th1.close().must(XA_OK);
       t.th1.recover(1, TMSTARTRSCAN).must(XAER_PROTO);
       t.is_closed(t.th1);
     }},
    {"B25", always, "", "rmid 1 R1, rmid 2 R0", "xa_start(X,0) at rmid 2", "XAER_PROTO", "=",
     [](Trial& t) {
       t.th1.start(&t.x, TMNOFLAGS, t.other_rmid()).must(XAER_PROTO);
       t.is_free(t.th1);
     }},
    {"B26", always, "", "th1 R1, th2 R0", "th2 xa_start(X,0)", "XAER_PROTO", "=",
     [](Trial& t) {
       t.th2.start(&t.x).must(XAER_PROTO);
       t.is_free(t.th1);
     }},
    {"B27", always, "", "rmids 1 and 2 R1, T1 at rmid 1", "xa_close(rmid 2)", "XA_OK",
     "rmid 1 T1 S1",
     [](Trial& t) {
       t.th1.open_with(t.subject().open_string.c_str(), TMNOFLAGS, t.other_rmid()).must(XA_OK);
       t.active(t.th1, t.x);
       t.th1.close(TMNOFLAGS, t.other_rmid()).must(XA_OK);
       t.is_active(t.th1, t.x);
     }},
    {"B28", fault, "", "T0, session cut",
     "next call that needs it; xa_open(good,0) once RM is back", "XAER_RMFAIL; XA_OK", "R0; R1",
     session_cut},
    {"B29", always, "", "X S3", "xa_close; xa_open; xa_recover(START|END)", "XA_OK; XA_OK; lists X",
     "S3",
     [](Trial& t) {
       t.prepared(t.th1, t.x);
       t.th1.close().must(XA_OK);
       t.th1.open().must(XA_OK);
       t.check(t.lists(t.th1, t.x), "X must be listed by xa_recover");
       t.patiently([&] { return t.th1.commit(&t.x); }).must(XA_OK);
     }},
};

}  // namespace

std::span<const Statement> section_b() { return kRows; }

}  // namespace xabridge::conformance
