// Statements more than one file of the driver sends.
#pragma once

namespace xabridge::postgresql {

/// Sent along with whatever ends a branch: a session-level advisory lock outlives its transaction,
/// is taken by a SELECT that nothing tells from others, and would stop everybody else for as long
/// as the connection waits in the pool.
inline constexpr const char* release_session_locks = "SELECT pg_catalog.pg_advisory_unlock_all()";

/// Before PREPARE TRANSACTION, which would leave them to the session: its advisory locks become the
/// transaction's, and last until phase two. Nobody else can have one in between, and what the
/// transaction has beside the session's (PREPARE TRANSACTION refuses both of one key) stays its
/// own. It costs a look at the whole lock table.
inline constexpr const char* keep_session_locks =
    "SELECT CASE WHEN objsubid = 1 AND mode = 'ShareLock'"
    " THEN pg_catalog.pg_try_advisory_xact_lock_shared(whole)"
    " WHEN objsubid = 1 THEN pg_catalog.pg_try_advisory_xact_lock(whole)"
    " WHEN mode = 'ShareLock' THEN pg_catalog.pg_try_advisory_xact_lock_shared(high, low)"
    " ELSE pg_catalog.pg_try_advisory_xact_lock(high, low) END"
    " FROM pg_catalog.pg_locks, LATERAL (SELECT (classid::int8 << 32) | objid::int8 AS whole,"
    " classid::int8::bit(32)::int4 AS high, objid::int8::bit(32)::int4 AS low) AS key"
    " WHERE locktype = 'advisory' AND pid = pg_catalog.pg_backend_pid();"
    " SELECT pg_catalog.pg_advisory_unlock_all(); ";

// txid_... and not pg_..._xact_id: the same, and PostgreSQL 12 has them too.
/// The branch's transaction id; null when nothing was written.
inline constexpr const char* transaction_id_if_any = "SELECT pg_catalog.txid_current_if_assigned()";
/// The branch's transaction id, assigned now if need be: as PREPARE TRANSACTION would.
/// Beside it the timeline, in the name of the WAL file, and the end of the WAL.
inline constexpr const char* transaction_id =
    "SELECT pg_catalog.txid_current(), pg_catalog.pg_walfile_name(lsn), lsn"
    " FROM pg_catalog.pg_current_wal_insert_lsn() AS lsn";

}  // namespace xabridge::postgresql
