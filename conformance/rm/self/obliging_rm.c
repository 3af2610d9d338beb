/* Resource managers that break the contract, to see that the suite sees it: one that agrees to
 * everything; in xa_prepare one that never returns, one that is interrupted, one that crashes; one
 * that lists more than it has room for, one that takes no open string, and one without entries. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xabridge/xa.h>

#define EXPORT __attribute__((visibility("default")))

static int agree_open(char* info, int rmid, long flags) {
  (void)info, (void)rmid, (void)flags;
  return XA_OK;
}
static int refuse_open(char* info, int rmid, long flags) {
  (void)info, (void)rmid, (void)flags;
  return XAER_INVAL;
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

static int crash(XID* xid, int rmid, long flags) {
  (void)xid, (void)rmid, (void)flags;
  abort();
}
static int too_many_in_doubt(XID* xids, long count, int rmid, long flags) {
  (void)rmid, (void)flags;
  if (count > 0) memset(xids, 0, (size_t)(count + 1) * sizeof(XID));
  return 0;
}

#define LISTING(name, prepare, recover)                                                       \
  {                                                                                           \
    name, TMNOFLAGS, 0, agree_open, agree_open, agree, agree, agree, prepare, agree, recover, \
        agree, agree_complete                                                                 \
  }
#define SWITCH(name, prepare) LISTING(name, prepare, nothing_in_doubt)

EXPORT struct xa_switch_t obliging_rm = SWITCH("obliging", agree);
EXPORT struct xa_switch_t hanging_rm = SWITCH("hanging", hang);
EXPORT struct xa_switch_t interrupting_rm = SWITCH("interrupting", interrupt);
EXPORT struct xa_switch_t crashing_rm = SWITCH("crashing", crash);
EXPORT struct xa_switch_t overrunning_rm = LISTING("overrunning", agree, too_many_in_doubt);
EXPORT struct xa_switch_t empty_rm = {"empty", TMNOFLAGS, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
EXPORT struct xa_switch_t choosy_rm = {
    "choosy", TMNOFLAGS, 0, refuse_open, agree_open, agree, agree, agree, agree, agree,
    nothing_in_doubt, agree, agree_complete};
EXPORT int no_rm = 5;

EXPORT struct xa_switch_t* obliging_rm_of(void) { return &obliging_rm; }
