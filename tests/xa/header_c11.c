/* The C headers are C: this file is compiled as C11 and checks what A01 to A03 of the conformance
 * list say about constants and layout. */
#include <stddef.h>
#include <xabridge/rm_extras.h>
#include <xabridge/xa.h>

#define SAME(a, b) _Static_assert((a) == (b), #a)

SAME(XIDDATASIZE, 128);
SAME(MAXGTRIDSIZE, 64);
SAME(MAXBQUALSIZE, 64);
SAME(RMNAMESZ, 32);
SAME(MAXINFOSIZE, 256);
SAME(sizeof(XID), 3 * sizeof(long) + 128);
SAME(offsetof(struct xa_switch_t, flags), 32);
SAME(offsetof(struct xa_switch_t, version), 32 + sizeof(long));
SAME(offsetof(struct xa_switch_t, xa_open_entry), 32 + 2 * sizeof(long));
SAME(offsetof(struct xa_switch_t, xa_rollback_entry),
     offsetof(struct xa_switch_t, xa_end_entry) + sizeof(void *));
SAME(offsetof(struct xa_switch_t, xa_commit_entry),
     offsetof(struct xa_switch_t, xa_prepare_entry) + sizeof(void *));

SAME(TMNOFLAGS, 0);
SAME(TMREGISTER, 1);
SAME(TMNOMIGRATE, 2);
SAME(TMUSEASYNC, 4);
SAME(TMASYNC, 0x80000000L);
SAME(TMONEPHASE, 0x40000000L);
SAME(TMFAIL, 0x20000000L);
SAME(TMNOWAIT, 0x10000000L);
SAME(TMRESUME, 0x08000000L);
SAME(TMSUCCESS, 0x04000000L);
SAME(TMSUSPEND, 0x02000000L);
SAME(TMSTARTRSCAN, 0x01000000L);
SAME(TMENDRSCAN, 0x00800000L);
SAME(TMMULTIPLE, 0x00400000L);
SAME(TMJOIN, 0x00200000L);
SAME(TMMIGRATE, 0x00100000L);
_Static_assert(sizeof(long) != 8 || TMASYNC > 0, "TMASYNC is positive where long has 64 bits");
_Static_assert(sizeof(TMASYNC) == sizeof(long), "call flags are long");

SAME(TM_OK, 0);
SAME(TM_RESUME, 1);
SAME(TM_JOIN, 2);
SAME(TMER_TMERR, -1);
SAME(TMER_INVAL, -2);
SAME(TMER_PROTO, -3);
SAME(XA_OK, 0);
SAME(XA_RDONLY, 3);
SAME(XA_RETRY, 4);
SAME(XA_HEURMIX, 5);
SAME(XA_HEURRB, 6);
SAME(XA_HEURCOM, 7);
SAME(XA_HEURHAZ, 8);
SAME(XA_NOMIGRATE, 9);
SAME(XA_RBBASE, 100);
SAME(XA_RBROLLBACK, 100);
SAME(2 * XA_RBCOMMFAIL, 202);
SAME(XA_RBDEADLOCK, 102);
SAME(XA_RBINTEGRITY, 103);
SAME(XA_RBOTHER, 104);
SAME(XA_RBPROTO, 105);
SAME(XA_RBTIMEOUT, 106);
SAME(XA_RBTRANSIENT, 107);
SAME(XA_RBEND, 107);
SAME(XAER_ASYNC, -2);
SAME(XAER_RMERR, -3);
SAME(XAER_NOTA, -4);
SAME(XAER_INVAL, -5);
SAME(XAER_PROTO, -6);
SAME(XAER_RMFAIL, -7);
SAME(XAER_DUPID, -8);
SAME(XAER_OUTSIDE, -9);

long xabridge_test_c11_extras_version(const struct xabridge_rm_extras_t *extras);
long xabridge_test_c11_extras_version(const struct xabridge_rm_extras_t *extras) {
  return extras->version;
}
