// The block that closes what dblink has opened: see dblink.hpp.

#include "dblink.hpp"

#include <utility>

namespace xabridge::postgresql {

void Dblink::found(std::string schema) {
  const std::lock_guard lock(mutex_);
  schema_ = std::move(schema);
}

// The extension may have been dropped or moved since, and a role may have lost its rights. The
// connection without a name is listed nowhere.
std::string Dblink::disconnect_all() const {
  const std::lock_guard lock(mutex_);
  if (schema_.empty()) return {};
  const std::string prefix = schema_ + ".dblink_";
  std::string quoted;
  for (const char letter : prefix) quoted.append(letter == '\'' ? 2 : 1, letter);
  return "DO $xabridge_dblink$ DECLARE connection text; BEGIN"
         " IF pg_catalog.to_regprocedure('" + quoted + "get_connections()') IS NULL THEN RETURN;"
         " END IF;"
         " FOR connection IN SELECT pg_catalog.unnest(" + prefix + "get_connections()) LOOP"
         " PERFORM " + prefix + "disconnect(connection); END LOOP;"
         " PERFORM " + prefix + "disconnect();"
         " EXCEPTION WHEN connection_does_not_exist OR insufficient_privilege THEN NULL;"
         " END $xabridge_dblink$; ";
}

}  // namespace xabridge::postgresql
