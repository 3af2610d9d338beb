// Connecting, and recognising sessions and databases.

#include "server.hpp"

#include <charconv>
#include <xabridge/rm/children.hpp>

#include "session.hpp"

namespace xabridge::postgresql {
namespace {

// The tag is the first word of application_name; what the open string says follows. The server cuts
// the name to 63 bytes (NAMEDATALEN - 1), so a longer tag is compared as it was cut.
//
// A session in the middle of a statement does not count: the server looks for its client only when
// the statement is over, and it may wait for a lock of the very branch that waits for the session
// to be gone. A client that lives has the session of a prepared branch idle, beside that one.
constexpr const char* count_tagged =
    "SELECT count(*) FROM pg_catalog.pg_stat_activity, left($1, 63) AS tag"
    " WHERE pid <> pg_backend_pid() AND state IS DISTINCT FROM 'active'"
    " AND (application_name = tag OR starts_with(application_name, tag || ' '))";

// The cluster's identifier (any role may read it) and the database within it. Host and port would
// differ between a socket and TCP; the oid stays when the database is renamed.
constexpr const char* name_database = "SELECT " XABRIDGE_SERVER_IDENTITY;

}  // namespace

Result<std::unique_ptr<rm::Session>> Server::connect(const std::string& owner_tag) {
  auto connection = rm::connect_hidden(
      [&] { return memory_->options.connect(owner_tag); },
      [](const Connection& made) { return PQsocket(made.get()); });
  if (!connection) return std::move(connection.error());
  return Session::adopt(*std::move(connection), memory_);
}

Result<std::optional<long>> Server::sessions_tagged(rm::Session& control,
                                                    const std::string& owner_tag) {
  auto rows =
      static_cast<Session&>(control).query("count sessions", count_tagged, owner_tag.c_str());
  if (!rows) return std::move(rows.error());
  const std::string_view text = PQgetvalue(rows->get(), 0, 0);
  long count = 0;
  std::from_chars(text.data(), text.data() + text.size(), count);
  return std::optional<long>(count);
}

Result<std::string> Server::identity(rm::Session& control) {
  auto rows = static_cast<Session&>(control).query("identify the database", name_database);
  if (!rows) return std::move(rows.error());
  return std::string(PQgetvalue(rows->get(), 0, 0));
}

}  // namespace xabridge::postgresql
