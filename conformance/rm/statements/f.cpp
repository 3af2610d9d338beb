// Section F. xa_recover; k is the number of branches prepared or heuristically completed.
#include <algorithm>
#include <thread>

#include "engine/trial.hpp"
#include "statements/sections.hpp"

namespace xabridge::conformance {
namespace {

using enum Kind;

bool holds(const std::vector<XID>& list, const XID& xid) {
  return std::any_of(list.begin(), list.end(), [&](const XID& other) { return same(other, xid); });
}

/// Counts are exact only where no branch of anybody else is prepared; others may be about to
/// finish.
void nobody_else(Trial& t) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  for (;;) {
    const int listed = t.th1.recover(1000, TMSTARTRSCAN | TMENDRSCAN).code;
    if (listed <= 0) return;
    if (std::chrono::steady_clock::now() > deadline)
      Trial::not_applicable(std::to_string(listed) +
                            " branches of others are prepared here, so that no count is exact");
    std::this_thread::yield();
  }
}

void three(Trial& t) {
  nobody_else(t);
  for (XID* xid : {&t.x, &t.y, &t.z}) t.prepared(t.th1, *xid);
}

void all_three(Trial& t, const std::vector<XID>& list) {
  t.check(list.size() == 3 && holds(list, t.x) && holds(list, t.y) && holds(list, t.z),
          "X, Y and Z must be listed, each once");
}

void no_scan(Trial& t) { t.th1.recover(2, TMNOFLAGS).must(XAER_INVAL); }

void in_batches(Trial& t) {
  three(t);
  std::vector<XID> all;
  long flags = TMSTARTRSCAN;
  for (const int expected : {2, 1, 0}) {
    t.th1.recover(2, flags).must(expected);
    all.insert(all.end(), t.th1.found().begin(), t.th1.found().end());
    flags = TMNOFLAGS;
  }
  all_three(t, all);
}

void rewound(Trial& t) {
  three(t);
  t.th1.recover(2, TMSTARTRSCAN).must(2);
  const std::vector<XID> first = t.th1.found();
  t.th1.recover(2, TMSTARTRSCAN).must(2);
  t.check(holds(first, t.th1.found()[0]) && holds(first, t.th1.found()[1]),
          "both scans must begin with the same XIDs");
  t.th1.recover(2, TMNOFLAGS).must(1);
}

void beside_work(Trial& t) {
  t.prepared(t.th1, t.x);
  t.active(t.th1, t.y);
  t.check(t.lists(t.th1, t.x), "X must be listed");
  t.check(!holds(t.th1.found(), t.y), "Y must not be listed");
  if (t.can_look_outside()) t.check(t.th1.reads(t.y), "the work of Y must be intact");
  t.is_active(t.th1, t.y);
}

// Where every name the resource manager knows has the form of an XID, that one is listed as it is;
// it shows by its empty bqual.
void foreign_name(Trial& t) {
  nobody_else(t);
  const auto* work = t.subject().work;
  t.elsewhere().plain("native prepare", work == nullptr ? nullptr : work->native_prepare);
  const Answer answer = t.th1.recover(10, TMSTARTRSCAN | TMENDRSCAN);
  const std::vector<XID> found = t.th1.found();
  t.elsewhere().plain("native unprepare", work->native_unprepare);
  t.check(answer.code >= 0, "must be no error");
  t.check(std::all_of(found.begin(), found.end(), [](const XID& x) { return x.bqual_length == 0; }),
          "must list no XID that nobody gave");
}

constexpr Statement kRows[] = {
    {"F01", always, "", "k=0", "(10,START|END)", "0", "no scan",
     [](Trial& t) {
       nobody_else(t);
       t.th1.recover(10, TMSTARTRSCAN | TMENDRSCAN).must(0);
       no_scan(t);
     }},
    {"F02", always, "", "k=3", "(10,START|END)", "3", "no scan",
     [](Trial& t) {
       three(t);
       t.th1.recover(10, TMSTARTRSCAN | TMENDRSCAN).must(3);
       all_three(t, t.th1.found());
       no_scan(t);
     }},
    {"F03", always, "", "k=3", "(2,START), (2,0), (2,0)", "2, 1, 0; union 3, none twice",
     "scan open", in_batches},
    {"F04", always, "", "k=3", "(3,START), (3,0)", "3, 0", "scan open",
     [](Trial& t) {
       three(t);
       t.th1.recover(3, TMSTARTRSCAN).must(3);
       t.th1.recover(3, TMNOFLAGS).must(0);
       t.th1.recover(3, TMNOFLAGS).must(0);
     }},
    {"F05", always, "", "k=3", "(2,START), (2,END), (2,0)", "2, 1, XAER_INVAL", "no scan",
     [](Trial& t) {
       three(t);
       t.th1.recover(2, TMSTARTRSCAN).must(2);
       t.th1.recover(2, TMENDRSCAN).must(1);
       t.th1.recover(2, TMNOFLAGS).must(XAER_INVAL);
     }},
    {"F06", always, "", "k=3", "(2,START), (2,START)", "2, 2, same XIDs", "scan open", rewound},
    {"F07", always, "", "no scan", "(2,0)", "XAER_INVAL", "no scan",
     [](Trial& t) {
       t.th1.recover(2, TMNOFLAGS).must(XAER_INVAL);
       no_scan(t);
     }},
    {"F08", always, "", "no scan", "(2,END)", "XAER_INVAL", "no scan",
     [](Trial& t) {
       t.th1.recover(2, TMENDRSCAN).must(XAER_INVAL);
       no_scan(t);
     }},
    {"F09", always, "", "R1", "xids NULL (1,START)", "XAER_INVAL", "no scan",
     [](Trial& t) {
       t.th1.recover(1, TMSTARTRSCAN, true).must(XAER_INVAL);
       no_scan(t);
     }},
    {"F10", always, "", "R1", "(-1,START)", "XAER_INVAL", "no scan",
     [](Trial& t) {
       t.th1.recover(-1, TMSTARTRSCAN).must(XAER_INVAL);
       no_scan(t);
     }},
    {"F11", always, "", "R1", "(1,START|JOIN)", "XAER_INVAL", "no scan",
     [](Trial& t) {
       t.th1.recover(1, TMSTARTRSCAN | TMJOIN).must(XAER_INVAL);
       no_scan(t);
     }},
    {"F12", always, "", "k=3", "xids NULL (0,START|END)", "0", "no scan",
     [](Trial& t) {
       three(t);
       t.th1.recover(0, TMSTARTRSCAN | TMENDRSCAN, true).must(0);
       no_scan(t);
     }},
    {"F13", uncertain, "", "R1", "(1,START|ASYNC)", "{XAER_INVAL, XAER_ASYNC}", "no scan",
     [](Trial& t) {
       t.seen(t.th1.recover(1, TMSTARTRSCAN | TMASYNC), {XAER_INVAL, XAER_ASYNC});
     }},
    {"F14", always, "", "T1 Y, X S3", "(10,START|END)", "lists X, not Y",
     "Y T1 S1, its work intact", beside_work},
    {"F15", always, "", "X S2", "(10,START|END)", "X not listed", "=",
     [](Trial& t) {
       t.idle(t.th1, t.x);
       t.check(!t.lists(t.th1, t.x), "X must not be listed");
       t.is_idle(t.th1, t.x);
     }},
    {"F16", always, "", "prepared natively under a name that is no XID of ours", "(10,START|END)",
     "no error, no invented XID", "=", foreign_name},
    {"F17", always, "", "scan open; xa_close; xa_open", "(2,0)", "XAER_INVAL", "no scan",
     [](Trial& t) {
       three(t);
       t.th1.recover(2, TMSTARTRSCAN).must(2);
       t.th1.close().must(XA_OK);
       t.th1.open().must(XA_OK);
       no_scan(t);
     }},
    {"F18", always, "", "th1 scan open", "th2 (2,0)", "XAER_INVAL", "th1 scan unaffected",
     [](Trial& t) {
       three(t);
       t.th1.recover(2, TMSTARTRSCAN).must(2);
       t.opened_th2().recover(2, TMNOFLAGS).must(XAER_INVAL);
       t.th1.recover(2, TMNOFLAGS).must(1);
     }},
};

}  // namespace

std::span<const Statement> section_f() { return kRows; }

}  // namespace xabridge::conformance
