// Branches that are prepared: completing them, from whatever session, and listing them.

#include <charconv>
#include <string_view>

#include "error_table.hpp"
#include "session.hpp"

namespace xabridge::postgresql {
namespace {

using rm::Answer;

// COMMIT PREPARED is possible only in the database where the branch was prepared, and for its owner
// or a superuser. The view shows the whole cluster: other rows are not ours to complete, so not
// listed.
constexpr const char* list_prepared =
    "SELECT gid, owner, floor(extract(epoch FROM clock_timestamp() - prepared))::bigint"
    " FROM pg_catalog.pg_prepared_xacts"
    " WHERE database = current_database()"
    " AND (owner = current_user"
    " OR (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user))"
    " ORDER BY prepared, gid";

// Anybody's, anywhere in the cluster: the question is only whether it exists.
constexpr const char* still_listed = "SELECT 1 FROM pg_catalog.pg_prepared_xacts WHERE gid = $1";

}  // namespace

Answer Session::commit_prepared(const Xid& xid) { return complete("COMMIT PREPARED", xid); }

Answer Session::rollback_prepared(const Xid& xid) { return complete("ROLLBACK PREPARED", xid); }

Answer Session::complete(const char* command, const Xid& xid) {
  const std::string gid = xid.to_gid();
  const ResultSet result = execute((std::string(command) + " '" + gid + "'").c_str());
  if (PQresultStatus(result.get()) == PGRES_COMMAND_OK &&
      PQcmdStatus(result.get()) == std::string_view(command))
    return XA_OK;
  if (!answered(result.get())) return lost(command, &xid, false);

  Error e = error(XA_RETRY, command, &xid);
  e.sqlstate = field(result.get(), PG_DIAG_SQLSTATE);
  e.server_text = field(result.get(), PG_DIAG_MESSAGE_PRIMARY);
  const Meaning& meaning = meaning_of(Phase::second, e.sqlstate);
  e.xa_code = meaning.xa_code;
  e.message = meaning.advice;
  if (e.xa_code == XAER_RMFAIL) e.connection_usable = false;
  if (e.xa_code != XAER_NOTA) return e;

  // "Does not exist" closes the books on a branch, so it is believed only when the list agrees.
  auto listed = query("look for the branch", still_listed, gid.c_str());
  if (!listed) {
    listed.error().xa_code = XAER_RMFAIL;
    listed.error().xid = e.xid;
    return std::move(listed.error());
  }
  if (PQntuples(listed->get()) > 0) {
    e.xa_code = XA_RETRY;
    e.message = "the server denies the branch but lists it; it will be tried again";
  } else {
    e.message = "no prepared transaction of this name exists in the cluster";
  }
  return e;
}

Result<std::vector<rm::InDoubt>> Session::prepared(bool include_foreign) {
  auto rows = query("list prepared transactions", list_prepared);
  if (!rows) return std::move(rows.error());
  std::vector<rm::InDoubt> list;
  for (int row = 0; row < PQntuples(rows->get()); ++row) {
    rm::InDoubt branch;
    branch.name = PQgetvalue(rows->get(), row, 0);
    branch.xid = Xid::from_gid(branch.name);
    if (!branch.xid && !include_foreign) continue;
    branch.owner = PQgetvalue(rows->get(), row, 1);
    const std::string_view age = PQgetvalue(rows->get(), row, 2);
    long seconds = 0;
    if (std::from_chars(age.data(), age.data() + age.size(), seconds).ec == std::errc{})
      branch.age = std::chrono::seconds(seconds);
    list.push_back(std::move(branch));
  }
  return list;
}

}  // namespace xabridge::postgresql
