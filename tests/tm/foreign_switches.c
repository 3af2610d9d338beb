/* A library as another vendor would build it from xa.h alone, and what is wrong with libraries. */
#include <stddef.h>
#include <xabridge/xa.h>

static int with_info(char* info, int rmid, long flags) {
  (void)info;
  (void)rmid;
  (void)flags;
  return XA_OK;
}
static int with_xid(XID* xid, int rmid, long flags) {
  (void)xid;
  (void)rmid;
  (void)flags;
  return XA_OK;
}
static int list(XID* xids, long count, int rmid, long flags) {
  (void)xids;
  (void)count;
  (void)rmid;
  (void)flags;
  return 0;
}
static int complete(int* handle, int* retval, int rmid, long flags) {
  (void)handle;
  (void)retval;
  (void)rmid;
  (void)flags;
  return XAER_PROTO;
}

#define ENTRIES \
  with_info, with_info, with_xid, with_xid, with_xid, with_xid, with_xid, list, with_xid, complete
#define VISIBLE __attribute__((visibility("default")))

VISIBLE struct xa_switch_t switch_object = {"foreign", TMNOFLAGS, 0, ENTRIES};
VISIBLE struct xa_switch_t* switch_function(void) { return &switch_object; }
VISIBLE struct xa_switch_t* switch_pointer = &switch_object;
VISIBLE struct xa_switch_t* null_function(void) { return NULL; }
VISIBLE int an_int = 1;
VISIBLE struct xa_switch_t wrong_version = {"foreign", TMNOFLAGS, 1, ENTRIES};
VISIBLE struct xa_switch_t unknown_flags = {"foreign", 0x40L, 0, ENTRIES};
VISIBLE struct xa_switch_t null_entry = {"foreign", TMNOFLAGS, 0,        with_info, with_info,
                                         with_xid,  with_xid,  with_xid, NULL,      with_xid,
                                         list,      with_xid,  NULL};
VISIBLE struct xa_switch_t endless_name = {
    {'3', '2', '-', 'b', 'y', 't', 'e', 's', '-', 'a', 'n', 'd', '-', 'n', 'o', '-',
     'e', 'n', 'd', '-', 'o', 'f', '-', 't', 'h', 'e', '-', 'n', 'a', 'm', 'e', '!'},
    TMNOFLAGS,
    0,
    ENTRIES};
/* A function the symbol table calls neither: as hand-written assembly may. */
__attribute__((used)) static struct xa_switch_t* in_assembly(void) { return &switch_object; }
__asm__(".globl untyped\n.set untyped, in_assembly\n.type untyped, @notype\n");
