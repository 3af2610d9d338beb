// ServerLife: which life of which server gave a transaction id, so that the id is asked about only
// where it still means the same transaction.
//
// pg_xact_status answers about a number. Three things can give the number to another transaction:
//
// * A crash, when nothing of the first one had reached the WAL. `run` changes with every start of
//   the server and, since a crash of one server process ends the others but not the postmaster,
//   with its auxiliary processes (whose pids every role may see).
// * A standby that takes over without the last of the WAL, or recovery to a point in time.
//   `history` has the timeline, which changes then.
// * Another cluster at the same address. `history` has its identifier.
//
// An id of a branch in progress needs both to be the same. The id of a prepared branch needs only
// `history`: PREPARE TRANSACTION answers after the WAL up to its record is flushed (as does a
// synchronous standby), and recovery goes on counting after every id the WAL mentions.
// What this cannot see is a data folder put back from a copy of the file system while this process
// goes on running.
#pragma once

#include <libpq-fe.h>

#include <string>

namespace xabridge::postgresql {

/// The two columns as SQL expressions, for a query of the driver.
#define XABRIDGE_SERVER_HISTORY                                              \
  "(SELECT system_identifier FROM pg_catalog.pg_control_system()) || ':' ||" \
  " CASE WHEN pg_catalog.pg_is_in_recovery() THEN 'standby'"                 \
  " ELSE left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8) END"
#define XABRIDGE_SERVER_RUN                                                           \
  "extract(epoch FROM pg_catalog.pg_postmaster_start_time()) || ':' ||"               \
  " (SELECT string_agg(pid::text, ',' ORDER BY pid) FROM pg_catalog.pg_stat_activity" \
  " WHERE datid IS NULL AND usesysid IS NULL)"

struct ServerLife {
  std::string history;
  std::string run;

  /// From a row that has XABRIDGE_SERVER_HISTORY in `column` and XABRIDGE_SERVER_RUN after it.
  static ServerLife read(const PGresult* row, int column) {
    return {PQgetvalue(row, 0, column), PQgetvalue(row, 0, column + 1)};
  }
  /// Known, and the same: two lives that could not be read are not.
  friend bool same(const ServerLife& a, const ServerLife& b) {
    return !a.history.empty() && !a.run.empty() && a.history == b.history && a.run == b.run;
  }
};

}  // namespace xabridge::postgresql
