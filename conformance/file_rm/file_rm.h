/* A small transactional key/value store in a directory, as a resource manager of its own.
 *
 * It knows xa.h and nothing else of this project: it stands for everybody's resource manager, in
 * the conformance suite and under the transaction manager. The loadable library is file_rm.so. C
 * and C++.
 *
 * xa_info: "directory=/path [sync=no]". The directory must exist; what it needs in it is made by
 * xa_open. Two rmids with one directory are one resource manager.
 *
 * A branch is the set of values written in it. Keys are locked from their first use in a branch to
 * its end; a key locked by another branch is refused at once (FILE_RM_LOCKED), so there are no
 * deadlocks. A value under a key that begins with "positive." must be a number and not below zero;
 * that is checked when the branch prepares or commits, like a deferred constraint.
 *
 * Not offered: asynchronous calls; joining an active branch of another process. */
#ifndef FILE_RM_H
#define FILE_RM_H

#include <xabridge/xa.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FILE_RM_API __attribute__((visibility("default")))

FILE_RM_API extern struct xa_switch_t file_rm_switch;
/* Registers with ax_reg() at the first use of a key, where the program exports it. */
FILE_RM_API extern struct xa_switch_t file_rm_switch_dynamic;
/* The static switch, for transaction managers that call a function to get it. */
FILE_RM_API struct xa_switch_t *file_rm_get_switch(void);

#define FILE_RM_OK 0
#define FILE_RM_NOT_FOUND 1
#define FILE_RM_LOCKED (-1)  /* another branch has the key */
#define FILE_RM_NO_WORK (-2) /* no branch and no local transaction in this thread */
#define FILE_RM_LOST (-3)    /* the directory is not available, or was restarted since xa_open */
#define FILE_RM_DOOMED (-4)  /* the branch can only be rolled back */
#define FILE_RM_INVALID (-5) /* a bad argument, or rmid is not open in this thread */
#define FILE_RM_FAILED (-6)  /* the file system said no */
#define FILE_RM_REFUSED (-7) /* the transaction manager did not register the work */

/* --- Work in the branch the calling thread is associated with, or in its local transaction. --- */

/* The rmid under which this thread has the directory open; -1: it has not. */
FILE_RM_API int file_rm_rmid(const char *directory);
FILE_RM_API int file_rm_put(int rmid, const char *key, const char *value);
/* The terminated value, cut to size. */
FILE_RM_API int file_rm_get(int rmid, const char *key, char *value, long size);

/* Work outside any global transaction. */
FILE_RM_API int file_rm_begin(int rmid);
FILE_RM_API int file_rm_commit(int rmid);
FILE_RM_API int file_rm_rollback(int rmid);

/* --- From outside: an operator's view, needs nothing open. ------------------------------------ */

/* What is committed. */
FILE_RM_API int file_rm_read(const char *directory, const char *key, char *value, long size);
/* Decides a prepared branch (xid null: all of them) by hand. How many were decided, or an error. */
FILE_RM_API long file_rm_decide(const char *directory, const XID *xid, int commit);
/* How many branches are prepared, and how many were decided by hand and are not forgotten. */
FILE_RM_API long file_rm_prepared(const char *directory);
FILE_RM_API long file_rm_decided(const char *directory);
/* A prepared branch under a name that is no XID, as an operator's own tool would leave it. */
FILE_RM_API int file_rm_native(const char *directory, int on);
/* Removes every value and every branch. */
FILE_RM_API int file_rm_clear(const char *directory);
/* Ends every session, as a restarted server does. */
FILE_RM_API int file_rm_restart(const char *directory);
/* Every branch that is not prepared can only be rolled back from now on, as a deadlock's victim. */
FILE_RM_API int file_rm_doom(const char *directory);
/* While busy, xa_commit of a prepared branch answers XA_RETRY. */
FILE_RM_API int file_rm_busy(const char *directory, int on);

#ifdef __cplusplus
}
#endif

#endif
