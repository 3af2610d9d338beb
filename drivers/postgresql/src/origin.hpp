// Origin: where and when a branch was prepared, as far as the server says: what shows later, to
// this process or another, whether a server's history holds that branch.
//
//   postgresql:7713119414459839317:16384 start=1764314558.123456 at=00000001:0/1D40DD8 xid=725
//   identifier of the cluster, oid of       start of the server, timeline and end of the WAL right
//   the database                            before PREPARE TRANSACTION, the branch's transaction id
//
// The id alone proves nothing: a restored backup, or a standby that takes over without the last of
// the WAL, gives it to another transaction. The first part, to the space, is what
// rm::Session::server() says for every answer; the rest is judged here:
//
//   start     timeline      replayed to, or end of WAL   the history
//   --------  ------------  ---------------------------  ------------------------------------------
//   the same  any           any                          holds it: the server never ended
//   another   the same      replayed at or after `at`    holds it: restarted after a crash
//   another   the same      shut down at or after `at`   holds it: restarted
//   another   the next one  replayed at or after `at`    holds it: a standby that had the branch's
//                                                        WAL took over
//   everything else, an earlier start for one            cannot tell
//
// Once a server could not tell, only the same start still can: " doubted" stands behind the rest.
//
// "Replayed to" is where the WAL ended that the server found when it was started after a crash, or
// as a standby; "shut down at" is the checkpoint with which it had been shut down, which shows
// until the first one after the start (checkpoint_timeout, 5 minutes). A restored copy of the files
// does not reach `at` when it is started first, and transaction ids of what it lost are given
// again. So later than that a server that was shut down cannot tell. Started once more it looks as
// if it had never been away: that is why it is remembered that it could not tell.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace xabridge::postgresql {

/// The first part of the text, as an SQL expression: any role may ask for it.
#define XABRIDGE_SERVER_IDENTITY                                                            \
  "(SELECT 'postgresql:' || system_identifier FROM pg_catalog.pg_control_system()) || ':' || " \
  "(SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"
#define XABRIDGE_SERVER_START "extract(epoch FROM pg_catalog.pg_postmaster_start_time())::text"

struct Origin {
  std::string server;          // "postgresql:<identifier>:<oid>"
  std::string start;           // seconds since 1970, as the server writes them
  std::uint32_t timeline = 0;  // 0: not known
  std::uint64_t lsn = 0;
  std::string transaction_id;
  /// A server that could not tell has answered since: what it shows later proves nothing, for it
  /// goes on writing from where it was put back.
  bool doubted = false;

  [[nodiscard]] std::string text() const;
  /// nullopt: it is no such text. What comes back is safe to be put into SQL.
  [[nodiscard]] static std::optional<Origin> parse(std::string_view text);
};

/// A server as it is now.
struct ServerNow {
  std::string server;
  std::string start;
  std::uint32_t timeline = 0;             // 0: a standby
  std::uint64_t lsn = 0;                  // end of the WAL
  /// Where the WAL ended at its last start; nullopt: it had been shut down.
  std::optional<std::uint64_t> replayed;
  /// Where it ended then; nullopt: it does not show any more.
  std::optional<std::uint64_t> shut_down;
};

enum class History { holds, cannot_tell, other_server };
[[nodiscard]] History history(const Origin& origin, const ServerNow& now) noexcept;

/// "16/B374D848"; nullopt: no LSN.
[[nodiscard]] std::optional<std::uint64_t> parse_lsn(std::string_view text) noexcept;
/// The timeline in the name of a WAL file; 0: no such name.
[[nodiscard]] std::uint32_t timeline_of(std::string_view wal_file) noexcept;

}  // namespace xabridge::postgresql
