// Section A. Header and switch.
#include <cstring>
#include <random>

#include "engine/trial.hpp"
#include "statements/sections.hpp"

namespace xabridge::conformance {
namespace {

using enum Kind;

#define XA_IS(name, value) static_assert((name) == (value), "xa.h: " #name)
XA_IS(XIDDATASIZE, 128);
XA_IS(MAXGTRIDSIZE, 64);
XA_IS(MAXBQUALSIZE, 64);
XA_IS(RMNAMESZ, 32);
XA_IS(MAXINFOSIZE, 256);
XA_IS(TMNOFLAGS, 0);
XA_IS(TMREGISTER, 1);
XA_IS(TMNOMIGRATE, 2);
XA_IS(TMUSEASYNC, 4);
XA_IS(TMASYNC & 0xffffffffL, 0x80000000L);
XA_IS(TMONEPHASE, 0x40000000);
XA_IS(TMFAIL, 0x20000000);
XA_IS(TMNOWAIT, 0x10000000);
XA_IS(TMRESUME, 0x08000000);
XA_IS(TMSUCCESS, 0x04000000);
XA_IS(TMSUSPEND, 0x02000000);
XA_IS(TMSTARTRSCAN, 0x01000000);
XA_IS(TMENDRSCAN, 0x00800000);
XA_IS(TMMULTIPLE, 0x00400000);
XA_IS(TMJOIN, 0x00200000);
XA_IS(TMMIGRATE, 0x00100000);
XA_IS(TM_JOIN, 2);
XA_IS(TM_RESUME, 1);
XA_IS(TM_OK, 0);
XA_IS(TMER_TMERR, -1);
XA_IS(TMER_INVAL, -2);
XA_IS(TMER_PROTO, -3);
XA_IS(XA_RBBASE, 100);
XA_IS(XA_RBROLLBACK, 100);
XA_IS(XA_RBCOMMFAIL, 101);
XA_IS(XA_RBDEADLOCK, 102);
XA_IS(XA_RBINTEGRITY, 103);
XA_IS(XA_RBOTHER, 104);
XA_IS(XA_RBPROTO, 105);
XA_IS(XA_RBTIMEOUT, 106);
XA_IS(XA_RBTRANSIENT, 107);
XA_IS(XA_RBEND, 107);
XA_IS(2 * XA_RBCOMMFAIL, 202);
XA_IS(XA_NOMIGRATE, 9);
XA_IS(XA_HEURHAZ, 8);
XA_IS(XA_HEURCOM, 7);
XA_IS(XA_HEURRB, 6);
XA_IS(XA_HEURMIX, 5);
XA_IS(XA_RETRY, 4);
XA_IS(XA_RDONLY, 3);
XA_IS(XA_OK, 0);
XA_IS(XAER_ASYNC, -2);
XA_IS(XAER_RMERR, -3);
XA_IS(XAER_NOTA, -4);
XA_IS(XAER_INVAL, -5);
XA_IS(XAER_PROTO, -6);
XA_IS(XAER_RMFAIL, -7);
XA_IS(XAER_DUPID, -8);
XA_IS(XAER_OUTSIDE, -9);
#undef XA_IS
static_assert(sizeof(long) != 8 || TMASYNC > 0, "xa.h: TMASYNC is positive where long has 64 bits");

// The compiler has answered above. The header of the TX interface is checked where its calls are.
void constants(Trial&) {}

void the_switch(Trial& t) {
  const xa_switch_t& rm = *t.subject().entries;
  t.check(std::memchr(rm.name, 0, RMNAMESZ) != nullptr, "the name has no terminator");
  t.check(rm.version == 0, "the version is " + std::to_string(rm.version));
  t.check((rm.flags & ~7L) == 0, "unknown flags: " + std::to_string(rm.flags));
  // That no entry is null was seen before anything was called: runner.cpp.
}

// 128 bytes hold half of all values, so there are two branches. Fresh by their formatID.
void all_bytes(Trial& t) {
  std::random_device random;
  for (int half = 0; half < 2; ++half) {
    std::string bytes;
    for (int i = 0; i < XIDDATASIZE; ++i) bytes += static_cast<char>(half * XIDDATASIZE + i);
    XID& xid = half == 0 ? t.x : t.y;
    xid = make_xid(static_cast<long>(random() & 0x7fffffffU), bytes.substr(0, MAXGTRIDSIZE),
                   bytes.substr(MAXGTRIDSIZE));
    t.prepared(t.th1, xid);
    t.check(t.lists(t.th1, xid), "xa_recover must list the XID as it was given");
  }
}

constexpr Statement kRows[] = {
    {"A01", always, "", "LP64 / 32-bit long", "sizeof(XID)", "152 / 140", "",
     [](Trial& t) {
       t.check(sizeof(long) != 8 || sizeof(XID) == 152,
               "sizeof(XID) is " + std::to_string(sizeof(XID)));
     }},
    {"A02", always, "", "build",
     "all constants and codes of 1.1-1.4, 4.1 by static_assert; 2*XA_RBCOMMFAIL; TMASYNC > 0 on "
     "LP64",
     "equal; 202; true", "", constants},
    {"A03", always, "", "switch loaded",
     "name terminated within 32 bytes; version; flags & ~7; all 10 entries", "true; 0; 0; non-null",
     "", the_switch},
    {"A04", always, "", "X S2; X' = X with other bytes after gtrid+bqual", "xa_prepare(X',0)",
     "XA_OK", "S3",
     [](Trial& t) {
       t.idle(t.th1, t.x);
       XID other = t.x;
       std::memset(other.data + other.gtrid_length + other.bqual_length, 0x5a, 8);
       t.th1.prepare(&other).must(XA_OK);
       t.is_prepared(t.th1, t.x);
     }},
    {"A05", always, "", "X S3; Y same bytes, other gtrid/bqual split", "xa_commit(Y,0)",
     "XAER_NOTA", "X S3",
     [](Trial& t) {
       t.prepared(t.th1, t.x);
       XID other = t.x;
       --other.gtrid_length;
       ++other.bqual_length;
       t.th1.commit(&other).must(XAER_NOTA);
       t.is_prepared(t.th1, t.x);
     }},
    {"A06", always, "", "X S3; Y same bytes, other formatID", "xa_commit(Y,0)", "XAER_NOTA", "X S3",
     [](Trial& t) {
       t.prepared(t.th1, t.x);
       XID other = t.x;
       ++other.formatID;
       t.th1.commit(&other).must(XAER_NOTA);
       t.is_prepared(t.th1, t.x);
     }},
    {"A07", always, "", "X 64+64 bytes, all byte values incl. NUL, quote, backslash, >= 0x80; S3",
     "xa_recover(START|END)", "lists X byte-identical", "=", all_bytes},
};

}  // namespace

std::span<const Statement> section_a() { return kRows; }

}  // namespace xabridge::conformance
