// Statements more than one file of the driver sends.
#pragma once

namespace xabridge::postgresql {

inline constexpr const char* read_only_transaction = "25006";  // an SQLSTATE

/// Sent along with whatever ends a branch: a session-level advisory lock outlives its transaction,
/// is taken by a SELECT that nothing tells from others, and would stop everybody else for as long
/// as the connection waits in the pool.
inline constexpr const char* release_session_locks = "SELECT pg_catalog.pg_advisory_unlock_all()";

// txid_... and not pg_..._xact_id: the same, and PostgreSQL 12 has them too.
/// The branch's transaction id; null when nothing was written.
inline constexpr const char* transaction_id_if_any = "SELECT pg_catalog.txid_current_if_assigned()";
/// The branch's transaction id, assigned now if need be: as PREPARE TRANSACTION would.
inline constexpr const char* transaction_id = "SELECT pg_catalog.txid_current()";

}  // namespace xabridge::postgresql
