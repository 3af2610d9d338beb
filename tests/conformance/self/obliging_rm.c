/* Resource managers that break the contract, to see that the suite sees it: one that agrees to
 * everything, one that never returns from xa_prepare, one that is interrupted there. */
#include <signal.h>
#include <unistd.h>
#include <xabridge/xa.h>

#define EXPORT __attribute__((visibility("default")))

static int agree_open(char* info, int rmid, long flags) {
  (void)info, (void)rmid, (void)flags;
  return XA_OK;
}
static int agree(XID* xid, int rmid, long flags) {
  (void)xid, (void)rmid, (void)flags;
  return XA_OK;
}
static int nothing_in_doubt(XID* xids, long count, int rmid, long flags) {
  (void)xids, (void)count, (void)rmid, (void)flags;
  return 0;
}
static int agree_complete(int* handle, int* value, int rmid, long flags) {
  (void)handle, (void)value, (void)rmid, (void)flags;
  return XA_OK;
}
static int hang(XID* xid, int rmid, long flags) {
  (void)xid, (void)rmid, (void)flags;
  while (pause() < 0) continue;
  return XAER_RMERR;
}
static int interrupt(XID* xid, int rmid, long flags) {
  kill(getpid(), SIGINT);
  return hang(xid, rmid, flags);
}

#define SWITCH(name, prepare)                                                        \
  {                                                                                  \
    name, TMNOFLAGS, 0, agree_open, agree_open, agree, agree, agree, prepare, agree, \
        nothing_in_doubt, agree, agree_complete                                      \
  }

EXPORT struct xa_switch_t obliging_rm = SWITCH("obliging", agree);
EXPORT struct xa_switch_t hanging_rm = SWITCH("hanging", hang);
EXPORT struct xa_switch_t interrupting_rm = SWITCH("interrupting", interrupt);

EXPORT struct xa_switch_t* obliging_rm_of(void) { return &obliging_rm; }
