/* Another transaction manager's xa.h, as far as it matters here: the standard's definitions, behind
 * the guards in use, and codes without parentheses as published headers have them. */
#ifndef XA_H
#define XA_H
#define XIDDATASIZE 128
#ifndef XID_T_TYPE
#define XID_T_TYPE
struct xid_t {
  long formatID;
  long gtrid_length;
  long bqual_length;
  char data[XIDDATASIZE];
};
typedef struct xid_t XID;
#endif
#define RMNAMESZ 32
struct xa_switch_t {
  char name[RMNAMESZ];
  long flags;
  long version;
  int (*xa_open_entry)(char *, int, long);
  int (*xa_close_entry)(char *, int, long);
  int (*xa_start_entry)(XID *, int, long);
  int (*xa_end_entry)(XID *, int, long);
  int (*xa_rollback_entry)(XID *, int, long);
  int (*xa_prepare_entry)(XID *, int, long);
  int (*xa_commit_entry)(XID *, int, long);
  int (*xa_recover_entry)(XID *, long, int, long);
  int (*xa_forget_entry)(XID *, int, long);
  int (*xa_complete_entry)(int *, int *, int, long);
};
#define XA_OK 0
#define XA_RBBASE 100
#define XA_RBCOMMFAIL XA_RBBASE + 1
#endif
