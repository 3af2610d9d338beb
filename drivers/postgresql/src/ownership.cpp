// The query behind Holding, and its words.

#include "ownership.hpp"

#include <charconv>
#include <string_view>

namespace xabridge::postgresql {

// Not the view: it has the owner's name only, and none when the role was dropped. The function has
// the number as well. "May take a role" is a privilege of its own since version 16.
const char* const select_holdings =
    "SELECT x.gid, floor(extract(epoch FROM clock_timestamp() - x.prepared))::bigint,"
    " o.rolname, x.ownerid, d.datname, session_user, d.datname = current_database(),"
    " CASE WHEN o.rolname = current_user OR"
    " (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN ''"
    " WHEN o.rolname IS NOT NULL AND pg_catalog.pg_has_role(session_user, x.ownerid,"
    " CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END)"
    " THEN quote_ident(o.rolname)"
    " WHEN (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = session_user) THEN 'none'"
    " END"
    " FROM pg_catalog.pg_prepared_xact() AS x"
    " LEFT JOIN pg_catalog.pg_roles o ON o.oid = x.ownerid"
    " LEFT JOIN pg_catalog.pg_database d ON d.oid = x.dbid";

Holding read_holding(const PGresult* result, int row) {
  const auto text = [&](int column) { return std::string(PQgetvalue(result, row, column)); };
  Holding branch;
  branch.name = text(0);
  branch.age = text(1);
  branch.owner = text(2);
  branch.owner_oid = text(3);
  branch.database = text(4);
  branch.user = text(5);
  branch.here = text(6) == "t";
  if (PQgetisnull(result, row, 7) == 0) branch.role = text(7);
  return branch;
}

std::string Holding::obstacle() const {
  if (here && role) return {};
  if (owner.empty()) {
    const std::string place = here ? "" : "in database \"" + database + "\" of this cluster, ";
    return "it was prepared " + place + "by a role that was dropped since (oid " + owner_oid +
           "): only a superuser can complete it, in database \"" + database + "\"";
  }
  if (!here)
    return "it was prepared in database \"" + database + "\" of this cluster, by role \"" + owner +
           "\": use an open string with dbname=" + database + " and user=" + owner;
  return "it was prepared by role \"" + owner + "\", and \"" + user +
         "\" is neither that role, nor a member that may SET ROLE to it, nor a superuser: use an "
         "open string with user=" +
         owner + ", or GRANT \"" + owner + "\" TO \"" + user + "\"";
}

rm::InDoubt Holding::listed() const {
  rm::InDoubt branch;
  branch.name = name;
  branch.xid = Xid::from_gid(name);
  branch.owner = owner.empty() ? "dropped (oid " + owner_oid + ")" : owner;
  long seconds = 0;
  if (std::from_chars(age.data(), age.data() + age.size(), seconds).ec == std::errc{})
    branch.age = std::chrono::seconds(seconds);
  return branch;
}

}  // namespace xabridge::postgresql
