// Who may complete a prepared branch, and where.
//
// PREPARE TRANSACTION records the role and the database of the moment. COMMIT PREPARED is possible
// only in that database, and for that role or a superuser. pg_prepared_xacts shows the branches of
// the whole cluster to everyone, so a session can always see what it cannot complete, and say who
// can.
#pragma once

#include <libpq-fe.h>

#include <optional>
#include <string>
#include <xabridge/rm/session.hpp>

namespace xabridge::postgresql {

/// The row of one prepared branch, for read_holding(): of the cluster, without a WHERE.
extern const char* const select_holdings;

/// A session of ours is its login role again, whatever the application has set on it.
inline constexpr const char* be_yourself = "RESET SESSION AUTHORIZATION; RESET ROLE";

struct Holding {
  std::string name;
  std::string age;
  std::string owner;  // empty: the role was dropped
  std::string owner_oid;
  std::string database;
  std::string user;   // the session's login role
  bool here = false;  // in the session's own database
  /// What the session has to SET ROLE to before it completes the branch: nothing when empty, and
  /// null when no role it may take is enough. Quoted for SQL.
  std::optional<std::string> role;

  [[nodiscard]] bool completable() const noexcept { return here && role.has_value(); }
  /// Why the session cannot complete the branch, and who can.
  [[nodiscard]] std::string obstacle() const;
  /// As the driver lists it, without the obstacle.
  [[nodiscard]] rm::InDoubt listed() const;
};

/// Precondition: `row` exists.
[[nodiscard]] Holding read_holding(const PGresult* result, int row);

}  // namespace xabridge::postgresql
