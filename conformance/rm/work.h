/* Work: what a resource manager's users do, which XA itself has no calls for.
 *
 * A library given with --work exports one object
 *
 *   const struct xa_conformance_work_t xa_conformance_work;
 *
 * Every entry but version, name and reason may be null; statements that need it are then reported
 * as not applicable. Entries return one of the codes below. C and C++. */
#ifndef XA_CONFORMANCE_WORK_H
#define XA_CONFORMANCE_WORK_H

#include <xabridge/xa.h>

#ifdef __cplusplus
extern "C" {
#endif

#define XA_CONFORMANCE_VERSION 1

#define XA_CONFORMANCE_DONE 0
#define XA_CONFORMANCE_FAILED 1 /* it was tried; reason() says what happened */
#define XA_CONFORMANCE_CANNOT 2 /* this resource manager has no such thing; reason() names it */
#define XA_CONFORMANCE_ABSENT 3 /* of a read: nothing under that key */

struct xa_conformance_work_t {
  long version; /* XA_CONFORMANCE_VERSION */
  const char *name;

  /* Of the calling thread's last call that did not return DONE. Never null. */
  const char *(*reason)(void);

  /* Once, before anything else: the object `<symbol>_extras` beside the switch (null where there is
   * none) and the open string. Clears what earlier runs left behind. detach: once, at the end. */
  int (*attach)(const void *extras, const char *open_string);
  void (*detach)(void);

  /* --- in the branch the calling thread is associated with through rmid -----------------------
   * A resource manager with TMREGISTER calls ax_reg when it is asked for work by a thread that has
   * no branch; FAILED when the transaction manager refused. */

  int (*touch)(int rmid); /* asks for work that changes nothing */
  int (*write)(int rmid, const char *key, const char *value);
  int (*read)(int rmid, const char *key, char *value, long size);
  /* Something happens after which the branch can only be rolled back. */
  int (*doom)(int rmid);
  /* Work that goes well, but makes the branch's prepare, or its commit in one phase, fail. */
  int (*refuse_later)(int rmid);

  /* --- outside any branch -------------------------------------------------------------------- */

  /* What a user elsewhere sees: committed values only. */
  int (*read_outside)(const char *key, char *value, long size);
  /* Opens, and ends by undoing it, a transaction of the resource manager's own in the session that
   * the calling thread's next (or, with TMREGISTER, null XID) work uses. For a static one: the
   * thread had a branch at rmid before, which is over. */
  int (*native_begin)(int rmid);
  int (*native_end)(int rmid);
  /* Leaves prepared work under a name that is no XID of a transaction manager; undoes it. */
  int (*native_prepare)(void);
  int (*native_unprepare)(void);
  /* A prepared branch is completed by hand, behind the transaction manager's back. */
  int (*operator_commit)(const XID *xid);
  int (*operator_rollback)(const XID *xid);

  /* --- faults ------------------------------------------------------------------------------------
   * Ends the session that works for an unprepared branch of the calling thread. */
  int (*cut_session)(const XID *xid, int rmid);
  /* For a while the prepared branch cannot be completed; then again. */
  int (*keep_busy)(const XID *xid);
  int (*end_busy)(const XID *xid);
  /* `changed`: an open string that leads to 127.0.0.1:port instead of the server, whose address
   * goes to host and server_port. The program forwards, holds up or cuts what passes there. */
  int (*redirect)(int port, char *changed, long size, char *host, long host_size,
                  int *server_port);
};

extern const struct xa_conformance_work_t xa_conformance_work;

#ifdef __cplusplus
}
#endif

#endif
