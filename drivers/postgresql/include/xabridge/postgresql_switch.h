/* The PostgreSQL resource manager for any transaction manager: the names libxabridge_postgresql
 * exports. C and C++.
 *
 * A transaction manager takes one of the two switches, by its name or through the functions of
 * libxabridge_postgresql_accessor, opens it with an open string, and needs nothing else
 * (docs/foreign-transaction-managers.md). The application under it asks for the connection of its
 * transaction:
 *
 *   PGconn *accounts = xabridge_postgresql_connection_of(1);
 *   if (accounts == NULL) {
 *     struct xabridge_rm_error why;
 *     xabridge_postgresql_switch_extras.last_error(1, &why);
 *     fprintf(stderr, "%s\n", why.message);
 *   }
 *
 * With xabridge's own transaction manager use <xabridge/postgresql.hpp> or
 * <xabridge/postgresql.h>, which know resource managers by name. */
#ifndef XABRIDGE_POSTGRESQL_SWITCH_H
#define XABRIDGE_POSTGRESQL_SWITCH_H

#include <xabridge/api.h>
#include <xabridge/rm_extras.h>

typedef struct pg_conn PGconn; /* libpq's own declaration; repeating it is allowed since C11 */

#ifdef __cplusplus
extern "C" {
#endif

/* For xa_start. */
extern XABRIDGE_API struct xa_switch_t xabridge_postgresql_switch;
extern XABRIDGE_API const struct xabridge_rm_extras_t xabridge_postgresql_switch_extras;

/* With TMREGISTER: it takes part in a transaction, through the transaction manager's ax_reg, when
 * the application asks for its connection. */
extern XABRIDGE_API struct xa_switch_t xabridge_postgresql_switch_dynamic;
extern XABRIDGE_API const struct xabridge_rm_extras_t xabridge_postgresql_switch_dynamic_extras;

/* The connection of the branch the calling thread is associated with through this rmid, whichever
 * of the two switches the transaction manager has opened it with. Under the dynamic one this is
 * what registers the thread, and outside a global transaction it gives a connection for work of
 * the application's own, valid until xabridge_postgresql_switch_dynamic_extras.release(rmid).
 *
 * It belongs to the resource manager, is the calling thread's alone, and ends with xa_end: ask for
 * it again in the next transaction. Never PQfinish or PQreset it, never send BEGIN, COMMIT,
 * ROLLBACK or PREPARE TRANSACTION on it; read every result. <xabridge/postgresql.hpp> says what
 * else.
 *
 * Null, and last_error(rmid, ...) of the extras of that switch says why: rmid is not open in this
 * thread, the thread is not associated with a branch (xa_start was refused: the reason is given),
 * or the transaction manager refused to register it. Never throws. */
XABRIDGE_API PGconn *xabridge_postgresql_connection_of(int rmid);

#ifdef __cplusplus
}
#endif

#endif
