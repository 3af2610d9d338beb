// Section D. Table 6-3, dynamic registration. D22 to D24 are the side of the resource manager,
// the others that of the transaction manager.
#include "engine/trial.hpp"
#include "statements/sections.hpp"

namespace xabridge::conformance {
namespace {

using enum Kind;

void registers_again(Trial& t) {
  t.only_dynamic();
  t.idle(t.th1, t.x);
  t.active(t.th1, t.y);
  t.is_active(t.th1, t.y);
}

void refused(Trial& t) {
  t.only_dynamic();
  for (const int code : {TMER_TMERR, TMER_INVAL, TMER_PROTO}) {
    const int before = t.th1.registrations();
    t.th1.arm(code, null_xid());
    t.check(!t.th1.try_write(t.x), "the application's request must fail");
    t.check(t.th1.registrations() == before + 1, "ax_reg must be called once");
  }
  t.visible(t.x, false);
  t.is_free(t.th1);
}

void unregisters(Trial& t) {
  t.only_dynamic();
  t.th1.arm(TM_OK, null_xid());
  t.th1.native_begin();
  t.check(t.th1.registrations() == 1, "ax_reg must be called once");
  t.check(t.th1.unregistrations() == 0, "ax_unreg must not be called before the work is over");
  t.th1.native_end();
  t.check(t.th1.unregistrations() == 1, "ax_unreg must be called once");
  t.is_free(t.th1);
}

constexpr Statement kRows[] = {
    {"D01", manager, "", "RMs not open", "ax_reg", "TMER_PROTO", "D0", nullptr},
    {"D02", manager, "", "RM without TMREGISTER", "ax_reg", "TMER_TMERR", "=", nullptr},
    {"D03", manager, "", "RM without TMREGISTER", "ax_unreg", "TMER_TMERR", "=", nullptr},
    {"D04", manager, "", "D0", "ax_reg of an unknown rmid", "TMER_INVAL", "D0", nullptr},
    {"D05", manager, "", "D0", "ax_reg with xid NULL", "TMER_INVAL", "D0", nullptr},
    {"D06", manager, "", "D0", "ax_reg with flags 1", "TMER_INVAL", "D0", nullptr},
    {"D07", manager, "", "D0, no global transaction", "ax_reg", "TM_OK with formatID -1", "D3",
     nullptr},
    {"D08", manager, "", "D0 in a global transaction", "ax_reg", "TM_OK with the branch XID",
     "D1 S1", nullptr},
    {"D09", manager, "", "D1", "ax_reg", "TMER_PROTO", "=", nullptr},
    {"D10", manager, "", "D3", "ax_reg", "TMER_PROTO", "=", nullptr},
    {"D11", manager, "", "D2, same transaction", "ax_reg", "TM_RESUME, same XID", "D1 S1", nullptr},
    {"D12", manager, "", "D0, branch ended earlier in this transaction (S2) and reused", "ax_reg",
     "TM_JOIN, same XID", "D1 S1", nullptr},
    {"D13", manager, "", "D3", "ax_unreg(0)", "TM_OK", "D0", nullptr},
    {"D14", manager, "", "D3", "ax_unreg(1)", "TMER_INVAL", "D3", nullptr},
    {"D15", manager, "", "D0", "ax_unreg(0)", "TMER_PROTO", "=", nullptr},
    {"D16", manager, "", "D1", "ax_unreg(0)", "TMER_PROTO", "=", nullptr},
    {"D17", manager, "", "D2", "ax_unreg(0)", "TMER_PROTO", "=", nullptr},
    {"D18", manager, "", "D3; then ax_unreg", "tx_begin, twice", "TX_OUTSIDE; TX_OK",
     "no xa_start; TX S3", nullptr},
    {"D19", manager, "", "TMREGISTER RM", "tx_begin", "TX_OK", "no xa_start", nullptr},
    {"D20", manager, "", "TMREGISTER RM still D0 in the transaction", "tx_commit", "TX_OK",
     "no xa_end, prepare, commit to it", nullptr},
    {"D21", manager, "", "D1, work over", "tx_commit", "TX_OK", "xa_end(SUCCESS) first: D0 S2",
     nullptr},
    {"D22", always, "", "D1", "xa_end(X,SUCCESS), then next request",
     "XA_OK; RM calls ax_reg again", "D0; D1", registers_again},
    {"D23", fault, "", "ax_reg answers TMER_*", "application request", "native error, no work done",
     "D0", refused},
    {"D24", always, "", "D3, native transaction ends", "-", "RM calls ax_unreg once", "D0",
     unregisters},
};

}  // namespace

std::span<const Statement> section_d() { return kRows; }

}  // namespace xabridge::conformance
