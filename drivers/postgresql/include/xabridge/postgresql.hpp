// The connection of a transaction's branch at PostgreSQL: statements on it, and libpq's PGconn.
//
//   auto accounts = tx.postgresql("accounts");
//   accounts.execute("UPDATE account SET balance = balance - $1 WHERE number = $2", 2500, 7);
//   PGresult* result = PQexecParams(accounts, "...", ...);  // whatever libpq can do
//
// The connection belongs to the resource manager and is lent to the branch: the first call enlists
// the resource manager in the transaction, later calls give the same connection.
//
// * Valid until the transaction is committed or rolled back. Do not keep it, and never PQfinish or
//   PQreset it. A statement sent through a stale pointer finds a read-only session and fails.
// * Use it in one thread at a time, and read every result (PQgetResult until null) before the
//   transaction ends; what is still running then is cancelled and the branch rolled back.
// * Never COMMIT, ROLLBACK, BEGIN or PREPARE TRANSACTION on it: the transaction manager ends the
//   transaction. A COMMIT typed by hand is found out and reported as a heuristic outcome.
//   SAVEPOINT, ROLLBACK TO and RELEASE are yours. A failed statement without a savepoint dooms the
//   branch, however the application takes it.
// * Isolation is what role, database, Transaction::enlist or SET TRANSACTION ISOLATION LEVEL (first
//   statement) say.
// * The next branch on the connection finds a session as if newly connected: settings (also those
//   made inside functions), roles, LISTEN, prepared statements, WITH HOLD cursors, temporary
//   tables and, where the extension is installed, dblink's connections are gone. What currval()
//   returns does stay.
// * SET ROLE and SET LOCAL ROLE are yours. The branch is the login role's to complete all the same.
// * A lock lasts until the transaction is over, session-level advisory locks included. One of those
//   taken inside a function, or where no column of the result has the name of the lock's function,
//   beside a write, is released at prepare: use pg_advisory_xact_lock.
// * PREPARE TRANSACTION refuses branches that used temporary tables, LISTEN, NOTIFY or WITH HOLD
//   cursors. A branch that changed and locked nothing is not prepared but finished at once; if it
//   called pg_notify inside a function of its own, that is then sent, whatever becomes of the
//   others. The driver's README.md has the whole list.
#pragma once

#include <string_view>
#include <xabridge/postgresql_connection.hpp>
#include <xabridge/transaction_manager.hpp>

namespace xabridge {

inline PostgresqlConnection Transaction::postgresql(std::string_view resource_manager) {
  void* const connection = native_connection(resource_manager, "postgresql");
  return PostgresqlConnection(static_cast<PGconn*>(connection), resource_manager);
}

}  // namespace xabridge
