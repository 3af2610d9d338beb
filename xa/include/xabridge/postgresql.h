/* The connection of a global transaction at PostgreSQL, for programs in C that use libpq.
 *
 *   tx_begin();
 *   PGconn *accounts = xabridge_postgresql_connection("accounts");
 *   if (accounts == NULL) ... xabridge_tx_last_error() says why
 *   PGresult *result = PQexecParams(accounts, "UPDATE account SET ...", ...);
 *   ...
 *   tx_commit();
 *
 * The connection belongs to the resource manager and is lent to the transaction: never PQfinish or
 * PQreset it, never send BEGIN, COMMIT, ROLLBACK or PREPARE TRANSACTION on it (SAVEPOINT and
 * ROLLBACK TO are yours), read every result, and do not keep it beyond tx_commit or tx_rollback:
 * ask for it again in the next transaction. It is the calling thread's alone. A failed statement
 * without a savepoint dooms the transaction, however the program takes it: tx_commit then rolls
 * back and answers TX_ROLLBACK. Of settings, locks and temporary tables left on a connection the
 * next transaction finds nothing; <xabridge/postgresql.hpp>, the same for C++, has the details.
 *
 * C11 and C++, with and without <libpq-fe.h> in the same file. Link libxabridge, and libpq for what
 * you do with the connection. No call throws. */
#ifndef XABRIDGE_POSTGRESQL_H
#define XABRIDGE_POSTGRESQL_H

#include <xabridge/api.h>

typedef struct pg_conn PGconn; /* libpq's own declaration; repeating it is allowed since C11 */

#ifdef __cplusplus
extern "C" {
#endif

/* The connection of the calling thread's TX transaction at the resource manager configured under
 * this name (<xabridge/tx.h>). In one transaction always the same.
 *
 * A resource manager with registration = "dynamic" joins the transaction by this call. Without a
 * transaction it then gives a connection for work outside any, where the server commits each
 * statement by itself and BEGIN and COMMIT are yours; until xabridge_tx_release(name) is called
 * tx_begin answers TX_OUTSIDE.
 *
 * Null, and xabridge_tx_last_error() says why: tx_open was not called; no transaction, and static
 * registration; the transaction timed out or can only be rolled back; the server cannot be reached;
 * no such name, or not a PostgreSQL of ours. */
XABRIDGE_API PGconn* xabridge_postgresql_connection(const char* name);

#ifdef __cplusplus
}
#endif

#endif
