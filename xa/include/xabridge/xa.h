/* The X/Open XA interface (CAE C193): what a transaction manager and a resource manager share.
 *
 * C and C++. Names, values, and layout are the standard's; a switch built from any other vendor's
 * xa.h is binary compatible with this one. Sections cited are those of the XA specification.
 *
 * Another transaction manager's xa.h or tx.h may be included beside it, before or after: XA_H says
 * that the definitions are there, and XIDDATASIZE that those are which tx.h repeats, as in the
 * specifications; XID_T_TYPE is what LIXA and Enduro/X use for the same. */
#ifndef XABRIDGE_XA_H
#define XABRIDGE_XA_H

#ifndef XA_H
#define XA_H

#ifdef __cplusplus
extern "C" {
#endif

/* --- Transaction branch identification (XID), 4.2 ------------------------------------------- */

#define MAXGTRIDSIZE 64 /* longest global transaction identifier, bytes */
#define MAXBQUALSIZE 64 /* longest branch qualifier, bytes */

#if !defined(XIDDATASIZE) && !defined(XID_T_TYPE)
#define XIDDATASIZE 128 /* bytes in XID.data */
#define XID_T_TYPE

struct xid_t {
  long formatID;          /* who laid out the bytes; -1 is the null XID, 0 is OSI CCR naming */
  long gtrid_length;      /* 1..64 */
  long bqual_length;      /* 1..64 */
  char data[XIDDATASIZE]; /* gtrid, then bqual, without a gap; the rest has no meaning */
};
typedef struct xid_t XID;
#endif

/* --- Resource manager switch, 4.3 ----------------------------------------------------------- */

#define RMNAMESZ 32     /* longest resource manager name, terminator included */
#define MAXINFOSIZE 256 /* longest xa_info string, terminator included */

struct xa_switch_t {
  char name[RMNAMESZ];
  long flags;   /* TMREGISTER, TMNOMIGRATE, TMUSEASYNC */
  long version; /* must be 0 */
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

/* --- Flags of the switch -------------------------------------------------------------------- */

#define TMNOFLAGS 0x00000000L   /* nothing selected; also for calls */
#define TMREGISTER 0x00000001L  /* the resource manager registers dynamically */
#define TMNOMIGRATE 0x00000002L /* an association cannot move between threads */
#define TMUSEASYNC 0x00000004L  /* asynchronous calls are supported */

/* --- Flags of the calls --------------------------------------------------------------------- */

#define TMASYNC 0x80000000L      /* run asynchronously; bit 31, mind the sign where long has 32 */
#define TMONEPHASE 0x40000000L   /* commit in one phase */
#define TMFAIL 0x20000000L       /* end the association, the work failed */
#define TMNOWAIT 0x10000000L     /* do not block, answer XA_RETRY */
#define TMRESUME 0x08000000L     /* resume a suspended association */
#define TMSUCCESS 0x04000000L    /* end the association, the work succeeded */
#define TMSUSPEND 0x02000000L    /* suspend the association, do not end it */
#define TMSTARTRSCAN 0x01000000L /* begin a recovery scan */
#define TMENDRSCAN 0x00800000L   /* end the recovery scan */
#define TMMULTIPLE 0x00400000L   /* wait for whichever asynchronous call finishes */
#define TMJOIN 0x00200000L       /* join an existing branch */
#define TMMIGRATE 0x00100000L    /* another thread may resume */

/* --- What ax_reg and ax_unreg return -------------------------------------------------------- */

#define TM_JOIN 2       /* registered; the branch exists here, the work joins it */
#define TM_RESUME 1     /* registered; a suspended association goes on */
#define TM_OK 0         /* registered (new branch, or the null XID) */
#define TMER_TMERR (-1) /* the transaction manager failed, or TMREGISTER is not set */
#define TMER_INVAL (-2) /* bad argument */
#define TMER_PROTO (-3) /* called in the wrong context */

/* --- What xa_ calls return ------------------------------------------------------------------ */

#define XA_RBBASE 100                  /* rolled back: XA_RBBASE <= rc && rc <= XA_RBEND */
#define XA_RBROLLBACK XA_RBBASE        /* no reason given */
#define XA_RBCOMMFAIL (XA_RBBASE + 1)  /* communication failed inside the resource manager */
#define XA_RBDEADLOCK (XA_RBBASE + 2)  /* deadlock */
#define XA_RBINTEGRITY (XA_RBBASE + 3) /* an integrity rule was violated */
#define XA_RBOTHER (XA_RBBASE + 4)     /* a reason this list does not have */
#define XA_RBPROTO (XA_RBBASE + 5)     /* protocol error inside the resource manager */
#define XA_RBTIMEOUT (XA_RBBASE + 6)   /* the branch took too long */
#define XA_RBTRANSIENT (XA_RBBASE + 7) /* transient; the work may be tried again */
#define XA_RBEND XA_RBTRANSIENT

#define XA_NOMIGRATE 9 /* suspended, but only this thread may resume */
#define XA_HEURHAZ 8   /* may have been completed heuristically, nobody knows how */
#define XA_HEURCOM 7   /* heuristically committed */
#define XA_HEURRB 6    /* heuristically rolled back */
#define XA_HEURMIX 5   /* heuristically committed in part and rolled back in part */
#define XA_RETRY 4     /* no effect, call again */
#define XA_RDONLY 3    /* the branch changed nothing and is finished */
#define XA_OK 0        /* done */

#define XAER_ASYNC (-2)   /* the asynchronous call is not possible */
#define XAER_RMERR (-3)   /* resource manager error, for this branch or call */
#define XAER_NOTA (-4)    /* this XID is not known here */
#define XAER_INVAL (-5)   /* bad argument or flag */
#define XAER_PROTO (-6)   /* called in the wrong context */
#define XAER_RMFAIL (-7)  /* the resource manager is not available */
#define XAER_DUPID (-8)   /* this XID exists already */
#define XAER_OUTSIDE (-9) /* work outside any global transaction is going on in this thread */

/* --- Entries of a transaction manager that resource managers call by name ------------------- */

int ax_reg(int rmid, XID *xid, long flags);
int ax_unreg(int rmid, long flags);

#ifdef __cplusplus
}

static_assert(2 * XA_RBCOMMFAIL == 202, "codes must be parenthesised");
#endif

#endif /* XA_H */

#ifdef __cplusplus
static_assert(sizeof(long) != 8 || sizeof(struct xid_t) == 152, "XID layout differs");
static_assert(sizeof(long) != 8 || sizeof(struct xa_switch_t) == 128, "switch layout differs");
#endif

#endif
