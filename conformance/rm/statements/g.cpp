// Section G. Table 6-5: asynchronous calls and xa_complete.
#include "engine/trial.hpp"
#include "statements/sections.hpp"

namespace xabridge::conformance {
namespace {

using enum Kind;

void finishes(Trial& t, int handle, int rmid = 0) {
  int value = -1;
  t.th1.complete(&handle, &value, TMNOFLAGS, rmid).must(XA_OK);
  t.check(value == XA_OK, "the outstanding call must have returned XA_OK");
}

void start_asynchronously(Trial& t) {
  t.only_static();
  finishes(t, t.outstanding(t.th1, t.x));
  t.is_active(t.th1, t.x);
}

void held_up(Trial& t) {
  const std::string info = t.redirected();
  t.th1.open_with(info.c_str(), TMNOFLAGS, t.other_rmid()).must(XA_OK);
  t.idle(t.th1, t.x, Trial::Writes::yes, t.other_rmid());
  t.hold_up();
  int handle = t.th1.prepare(&t.x, TMASYNC, t.other_rmid()).code;
  t.check(handle > 0, "must return a handle above 0");
  int value = -1;
  for (int i = 0; i < 3; ++i)
    t.th1.complete(&handle, &value, TMNOWAIT, t.other_rmid()).must(XA_RETRY);
  t.restore();
  finishes(t, handle, t.other_rmid());
  t.check(t.lists(t.th1, t.x), "X must be listed by xa_recover");
}

void dead_handles(Trial& t) {
  const int finished = t.outstanding(t.th1, t.x);
  finishes(t, finished);
  for (int handle : {finished, finished + 4711}) {
    int value = 0;
    t.th1.complete(&handle, &value, TMNOFLAGS).must({XAER_INVAL, XAER_PROTO});
  }
}

constexpr Statement kRows[] = {
    {"G01", always, "", "no USEASYNC", "xa_complete(&h,&r,0)", "{XAER_PROTO, XAER_INVAL}", "=",
     [](Trial& t) {
       t.only_synchronous();
       int handle = 1;
       int value = 0;
       t.th1.complete(&handle, &value, TMNOFLAGS).must({XAER_PROTO, XAER_INVAL});
       t.is_free(t.th1);
     }},
    {"G02", capability, "async", "A0 S0", "xa_start(X,ASYNC); xa_complete(&h,&r,0)",
     "h > 0; XA_OK with r = XA_OK", "A1; A0 T1 S1", start_asynchronously},
    {"G03", capability, "async", "A1, operation held up", "xa_complete(&h,&r,NOWAIT)", "XA_RETRY",
     "A1", held_up},
    {"G04", capability, "async", "A1", "xa_complete(&h,&r,MULTIPLE)", "XA_OK, h = the handle", "A0",
     [](Trial& t) {
       const int handle = t.outstanding(t.th1, t.x);
       int which = 0;
       int value = -1;
       t.th1.complete(&which, &value, TMMULTIPLE).must(XA_OK);
       t.check(which == handle && value == XA_OK, "must give the handle of the call that finished");
       t.th1.complete(&which, &value, TMNOFLAGS).must({XAER_INVAL, XAER_PROTO});
     }},
    {"G05", capability, "async", "A1", "xa_end(X,SUCCESS)", "XAER_PROTO", "A1",
     [](Trial& t) {
       int handle = t.outstanding(t.th1, t.x);
       t.th1.end(&t.x, TMSUCCESS).must(XAER_PROTO);
       finishes(t, handle);
     }},
    {"G06", capability, "async", "A1", "xa_close(0)", "XAER_PROTO", "A1",
     [](Trial& t) {
       int handle = t.outstanding(t.th1, t.x);
       t.th1.close().must(XAER_PROTO);
       finishes(t, handle);
     }},
    {"G07", capability, "async", "A0, finished or invented handle", "xa_complete(&h,&r,0)",
     "{XAER_INVAL, XAER_PROTO}", "A0", dead_handles},
    {"G08", uncertain, "async", "A1, RM allows one", "xa_start(Y,ASYNC)", "XAER_ASYNC", "=",
     [](Trial& t) {
       t.only_static();
       (void)t.outstanding(t.th1, t.x);
       t.seen(t.th1.start(&t.y, TMASYNC), {XAER_ASYNC});
     }},
    {"G09", uncertain, "async", "A0", "xa_start(X,ASYNC|NOWAIT)", "XAER_INVAL", "=",
     [](Trial& t) {
       t.only_static();
       t.seen(t.th1.start(&t.x, TMASYNC | TMNOWAIT), {XAER_INVAL});
     }},
};

}  // namespace

std::span<const Statement> section_g() { return kRows; }

}  // namespace xabridge::conformance
