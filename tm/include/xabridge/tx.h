/* The TX interface (X/Open CAE C504): global transactions for programs in C, and for those that
 * speak to their transaction manager by the standard's nine calls.
 *
 *   tx_open();                     every configured resource manager, for this thread
 *   tx_begin();
 *   ...                            work at the resource managers
 *   if (tx_commit() != TX_OK) ...
 *   tx_close();
 *
 * The resource managers are those of the configuration file that the environment variable
 * XABRIDGE_CONFIG names (<xabridge/config.hpp> lists its keys; [transaction] timeout is for the C++
 * interface: here tx_set_transaction_timeout says it). Everything is per thread: what one thread
 * opened, began or set is unknown to the others, which share one transaction manager. A thread that
 * ends in the middle of a transaction has it rolled back. After fork() the child starts anew with
 * tx_open. C and C++; no call throws. Link libxabridge. Why a call failed is written to the
 * configured log, by default standard error, and xabridge_tx_last_error() tells the program.
 *
 * The connections to work on come from <xabridge/postgresql.h> and <xabridge/mysql.h>, by the name
 * in the configuration; resource managers of others from their own interface. */
#ifndef XABRIDGE_TX_H
#define XABRIDGE_TX_H

#include <xabridge/api.h>
#include <xabridge/xa.h>

#define TX_H_VERSION 0

#ifdef __cplusplus
extern "C" {
#endif

/* --- Characteristics ------------------------------------------------------------------------ */

typedef long COMMIT_RETURN;
#define TX_COMMIT_COMPLETED 0L       /* tx_commit returns when every branch is finished */
#define TX_COMMIT_DECISION_LOGGED 1L /* ... once the decision is durable */

typedef long TRANSACTION_CONTROL;
#define TX_UNCHAINED 0L
#define TX_CHAINED 1L /* completing a transaction begins the next one */

typedef long TRANSACTION_TIMEOUT; /* seconds from tx_begin; 0: none */

typedef long TRANSACTION_STATE;
#define TX_ACTIVE 0L
#define TX_TIMEOUT_ROLLBACK_ONLY 1L
#define TX_ROLLBACK_ONLY 2L

struct tx_info_t {
  XID xid; /* the global transaction: gtrid, no bqual; formatID -1 outside of any */
  COMMIT_RETURN when_return;
  TRANSACTION_CONTROL transaction_control;
  TRANSACTION_TIMEOUT transaction_timeout; /* of the next transaction */
  TRANSACTION_STATE transaction_state;
};
typedef struct tx_info_t TXINFO;

/* --- What the calls return ------------------------------------------------------------------ */

#define TX_NOT_SUPPORTED 1     /* a valid setting that is not offered here */
#define TX_OK 0                /* done */
#define TX_OUTSIDE (-1)        /* the thread works at a resource manager outside any transaction */
#define TX_ROLLBACK (-2)       /* tx_commit: everything was rolled back */
#define TX_MIXED (-3)          /* committed in part, rolled back in part */
#define TX_HAZARD (-4)         /* may be mixed, nobody knows */
#define TX_PROTOCOL_ERROR (-5) /* not possible in this state; nothing changed */
#define TX_ERROR (-6)          /* transient: it may work later */
#define TX_FAIL (-7)           /* fatal: no more service for this thread */
#define TX_EINVAL (-8)         /* bad argument */
#define TX_COMMITTED (-9)      /* tx_rollback: everything was committed heuristically */

/* The outcome is the one named, but the chained successor could not begin. */
#define TX_NO_BEGIN (-100)
#define TX_ROLLBACK_NO_BEGIN (TX_ROLLBACK + TX_NO_BEGIN)
#define TX_MIXED_NO_BEGIN (TX_MIXED + TX_NO_BEGIN)
#define TX_HAZARD_NO_BEGIN (TX_HAZARD + TX_NO_BEGIN)
#define TX_COMMITTED_NO_BEGIN (TX_COMMITTED + TX_NO_BEGIN)

/* --- The calls ------------------------------------------------------------------------------ */

/* Opens every configured resource manager for this thread, all or none. TX_OK, also when they are
 * open; TX_ERROR: a resource manager or the log directory cannot be used now; TX_FAIL: the
 * configuration is missing or wrong. */
XABRIDGE_API int tx_open(void);

/* TX_OK, also when nothing is open; TX_PROTOCOL_ERROR: in a transaction; TX_ERROR, TX_FAIL: what
 * could be closed is. */
XABRIDGE_API int tx_close(void);

/* TX_OK; TX_OUTSIDE; TX_PROTOCOL_ERROR: not open, or in a transaction; TX_ERROR, TX_FAIL. */
XABRIDGE_API int tx_begin(void);

/* TX_OK: the outcome is commit; a resource manager that cannot be reached now learns it from
 * recovery. TX_ROLLBACK, TX_MIXED, TX_HAZARD, each of these also with _NO_BEGIN;
 * TX_PROTOCOL_ERROR: not in a transaction; TX_FAIL. */
XABRIDGE_API int tx_commit(void);

/* TX_OK, TX_COMMITTED, TX_MIXED, TX_HAZARD, each also with _NO_BEGIN; TX_PROTOCOL_ERROR: not in a
 * transaction; TX_FAIL. */
XABRIDGE_API int tx_rollback(void);

/* 1: in a transaction, 0: not; TX_PROTOCOL_ERROR: not open; TX_FAIL. `info` may be null. */
XABRIDGE_API int tx_info(TXINFO* info);

/* TX_OK; TX_EINVAL; TX_PROTOCOL_ERROR: not open; TX_FAIL. A refused value changes nothing.
 *
 * At first: TX_COMMIT_COMPLETED, TX_UNCHAINED, no timeout. Commit return and timeout stay what the
 * thread set, also beyond tx_close; tx_open always begins unchained.
 *
 * After TX_COMMIT_DECISION_LOGGED tx_commit of several branches returns TX_OK once the decision is
 * durable; the branches are committed in the background, and what a resource manager decided by
 * itself is then told in the log only.
 *
 * A timeout holds from the next transaction on. When it has passed, a running statement is
 * interrupted, tx_info tells TX_TIMEOUT_ROLLBACK_ONLY, and tx_commit rolls back: TX_ROLLBACK. */
XABRIDGE_API int tx_set_commit_return(COMMIT_RETURN when_return);
XABRIDGE_API int tx_set_transaction_control(TRANSACTION_CONTROL control);
XABRIDGE_API int tx_set_transaction_timeout(TRANSACTION_TIMEOUT timeout);

/* --- Not of the standard -------------------------------------------------------------------- */

/* Why the calling thread's last call did not do what was asked: of those above, of
 * xabridge_tx_release, or for a connection or statement by name. For people: what was wrong, where,
 * what the server said. Empty when it did; never null. Valid until the thread's next call. */
XABRIDGE_API const char* xabridge_tx_last_error(void);

/* Ends the work outside any transaction that this thread began by asking for a connection or a
 * statement at a resource manager with registration = "dynamic"; until then tx_begin answers
 * TX_OUTSIDE. TX_OK; TX_ROLLBACK: work was left uncommitted, and is rolled back; TX_PROTOCOL_ERROR:
 * there was none, or not open; TX_EINVAL: no such name, or none of our drivers, which ends its work
 * by itself; TX_ERROR, TX_FAIL. tx_close does the same for all that are left. */
XABRIDGE_API int xabridge_tx_release(const char* resource_manager);

/* A step of a transaction or of recovery, for progress, metrics and tests. The texts live during
 * the call and are never null. */
typedef struct xabridge_tx_event {
  const char* kind;             /* "begun", "prepared", "decided", ...: <xabridge/event.hpp> */
  const char* gtrid;            /* as `xabridge status` shows it; empty: of no transaction */
  const char* resource_manager; /* empty: of none */
  int code;                     /* what it answered, XA code */
  const char* text;             /* for people */
} xabridge_tx_event;

/* Has `observer` called with `context` at every step, in whichever thread makes it: it returns
 * soon, calls nothing of this interface, and lets no C++ exception out. To be set before the first
 * tx_open; null: none. TX_OK; TX_PROTOCOL_ERROR: a thread of this process has opened. */
typedef void xabridge_tx_observer(void* context, const xabridge_tx_event* event);
XABRIDGE_API int xabridge_tx_observe(xabridge_tx_observer* observer, void* context);

#ifdef __cplusplus
}
#endif

#endif
