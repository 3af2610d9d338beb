/* What our switches offer beside xa_switch_t to a transaction manager that knows to ask.
 *
 * A switch object `S` in a loadable library may be accompanied by an object `S_extras` of type
 * `const struct xabridge_rm_extras_t`. Foreign switches lack it and everything still works: extras
 * make errors readable, timeouts immediate and checks possible; they never change what an xa_ call
 * does. C and C++.
 *
 * Strings are UTF-8, terminated, and truncated to fit. Entries may be called from any thread that
 * could call the xa_ entry of the same purpose; none throws. Entries return 0 or an XAER_* code. */
#ifndef XABRIDGE_RM_EXTRAS_H
#define XABRIDGE_RM_EXTRAS_H

#include <stddef.h>
#include <xabridge/xa.h>

#ifdef __cplusplus
extern "C" {
#endif

#define XABRIDGE_RM_EXTRAS_VERSION 3

/* The reason behind the calling thread's last xa_ answer that was not XA_OK. */
struct xabridge_rm_error {
  int xa_code;
  int vendor_code;       /* MySQL/MariaDB error number, 0: none */
  int sys_errno;         /* 0: none */
  int connection_usable; /* 0 or 1 */
  int outcome_known;     /* 0: the server may or may not have done it */
  char sqlstate[8];
  char operation[64];
  char server_text[1024];
  char message[1024];
};

#define XABRIDGE_FINDING_OK 0
#define XABRIDGE_FINDING_WARNING 1 /* works, but something promised may not hold */
#define XABRIDGE_FINDING_ERROR 2   /* XA does not work like this */

struct xabridge_finding {
  int severity;
  const char *subject; /* "max_prepared_transactions" */
  const char *text;    /* "is 0: PREPARE TRANSACTION is switched off" */
  const char *fix;     /* "set it to ... in postgresql.conf and restart"; empty when OK */
};

struct xabridge_in_doubt {
  const XID *xid;          /* null: the name is no XID */
  const char *name;        /* as the server lists it */
  const char *owner;       /* database role, empty: not told */
  long age_seconds;        /* since prepare; -1: the server does not know */
};

/* Since version 3. */
struct xabridge_out_of_reach {
  struct xabridge_in_doubt branch; /* always with an XID */
  const char *obstacle;            /* "it was prepared by role ...: use an open string with ..." */
};

struct xabridge_mysql_parameter; /* <xabridge/mysql.h> */
struct xabridge_mysql_result;

struct xabridge_rm_extras_t {
  long version;       /* XABRIDGE_RM_EXTRAS_VERSION; later versions only append entries */
  const char *driver; /* "postgresql", "mysql" */

  /* Before the first xa_open of rmid: its configured name, for messages, and the tag its sessions
   * carry at the server (application_name, connection attribute), by which recovery recognises an
   * owner. XAER_PROTO when it is open under others already. */
  int (*name_instance)(int rmid, const char *name, const char *owner_tag);

  /* The native connection of the branch the calling thread is associated with: PGconn* or
   * sql::Connection*. Null when there is none. Valid until xa_end of that branch.
   * A switch with TMREGISTER first calls ax_reg() where the thread has no branch yet; null then
   * means that the transaction manager refused, and last_error says why. Registered with the null
   * XID, the connection is for work outside any global transaction, valid until release(). */
  void *(*connection)(int rmid);

  /* Ends the statement the branch is executing, from any thread. Called again and again for longer
   * than a second it ends the branch's session, so that the server rolls the branch back and lets
   * its locks go although the application does not come back. XAER_NOTA: no such branch here;
   * XAER_PROTO: it is prepared and executes nothing, or rmid is not open in this process. */
  int (*interrupt)(const XID *xid, int rmid);

  /* The server's name of the branch's session (backend pid, connection id). */
  int (*session_of)(const XID *xid, int rmid, char *text, long size);

  /* XAER_PROTO: there was none. */
  int (*last_error)(int rmid, struct xabridge_rm_error *error);

  /* What an exception (const std::exception *) the application let escape says about its branch:
   * an RB* code, or XA_OK when it says nothing. */
  int (*classify)(const void *exception);

  /* Sessions carrying the tag right now; *count = -1 where the server cannot tell. */
  int (*owner_sessions)(int rmid, const char *owner_tag, long *count);

  /* Can this server do XA as promised? Calls `report` for each finding. */
  int (*preflight)(int rmid, void (*report)(void *context, const struct xabridge_finding *),
                   void *context);

  /* Names the database itself: equal texts, same database. */
  int (*identity)(int rmid, char *text, long size);

  /* Every prepared branch of this database, foreign names included, with what the server knows. */
  int (*in_doubt)(int rmid, void (*report)(void *context, const struct xabridge_in_doubt *),
                  void *context);

  /* 1: a call with TMASYNC occupies a thread of the switch's own until it is done, so a caller that
   * has nothing else to do makes it synchronously. 0: it is sent, and costs nothing. */
  int asynchronous_by_thread;

  /* The calling thread's work outside any global transaction is over: its connection goes back, and
   * ax_unreg() is called. What it left uncommitted is rolled back: XA_RBROLLBACK. XAER_PROTO: the
   * thread had none. Only for switches with TMREGISTER. */
  int (*release)(int rmid);

  /* --- Since version 2. Only to be looked at where `version` says that it is there. */

  /* Runs a statement on connection(rmid), as xabridge_mysql_execute_of(); the caller frees the
   * result. Null: an application in C has another interface at this driver. */
  struct xabridge_mysql_result *(*execute)(int rmid, const char *sql,
                                           const struct xabridge_mysql_parameter *parameters,
                                           size_t count);

  /* --- Since version 3. */

  /* Every wait of the calling thread's next calls at this resource manager, xa_ entries and extras,
   * ends `milliseconds` from now; -1: when it ends by itself, as without this entry. Stays until it
   * is set again; a call with TMASYNC keeps what was set when it was made. What was not answered in
   * time is answered XAER_RMFAIL with outcome_known = 0, and the session it waited on is abandoned:
   * no later call uses it. */
  int (*deadline)(int rmid, long milliseconds);

  /* Every prepared branch that the server shows to this open string and does not let it complete:
   * of another database of the cluster, or of another role. xa_recover and in_doubt list what can
   * be completed; a branch of the caller's that is here instead is not gone. */
  int (*out_of_reach)(int rmid,
                      void (*report)(void *context, const struct xabridge_out_of_reach *),
                      void *context);

  /* Which server gave the calling thread's last xa_ answer, or in_doubt list: what it is, not its
   * address, so that two servers at one address differ and one server at two addresses is the same.
   * Empty: no server was asked. After xa_prepare a space may follow, and what shows later that a
   * history holds this branch; after XA_RETRY from xa_commit or xa_rollback as well, and is to be
   * kept instead. Equal up to the first space: the same server. At most 255 bytes.
   * XAER_PROTO: the thread had no answer yet. */
  int (*answered_by)(int rmid, char *text, long size);

  /* What answered_by said when the branch was prepared, perhaps in a process that is gone: with it
   * the switch can tell more about a branch that the server does not know any more. */
  int (*prepared_at)(int rmid, const XID *xid, const char *server);

  /* Ends every session that carries the tag, of an owner that is proved dead: its host vanished, or
   * a child of it still has the connection, and the server keeps its branches meanwhile. *count:
   * how many were told to end, -1 where the server cannot tell them. */
  int (*end_owner_sessions)(int rmid, const char *owner_tag, long *count);

  /* Idle sessions of rmid stay open for `milliseconds` after the last xa_close, for the next
   * xa_open: for programs whose threads come and go. No branch is left in them. 0, as without this
   * entry: none stays, and those that did are closed now. */
  int (*keep_sessions)(int rmid, long milliseconds);

  /* The isolation level of every branch that the calling thread begins from now on, by xa_start or
   * by its registration: "READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ" or "SERIALIZABLE";
   * null: as the open string or the server says. Stays until it is set again. XAER_INVAL: no such
   * level. */
  int (*isolation)(int rmid, const char *level);

  /* 1: a commit in one phase that was answered survives a crash of this server. 0: it may not, and
   * the branch is prepared again after the crash: a transaction manager prepares it and records its
   * decision, also where it is the only one. Known once a session of rmid has been opened. */
  int (*one_phase_survives)(int rmid);
};

#ifdef __cplusplus
}
#endif

#endif
