// Can this PostgreSQL keep what two-phase commit promises? One finding per question, each with its
// fix.
//
// ERROR: branches cannot be prepared or completed here. WARNING: they can, but something promised
// may not hold, or will not for long.

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

#include "server.hpp"
#include "session.hpp"

namespace xabridge::postgresql {
namespace {

using rm::Finding;

constexpr int oldest_supported_version = 120000;
constexpr long old_branch_seconds = 300;

struct Facts {
  int version = 0;
  bool same_backend = false;  // the session's pid is the one that answers
  bool standby = false;
  bool read_write = false;
  long max_prepared = 0;
  long max_connections = 0;
  long pool_size = 0;
  std::string fsync;
  std::string full_page_writes;
  std::string synchronous_commit;
  long prepared_count = 0;
  long oldest_seconds = 0;
  bool local_socket = false;
  std::string tls;  // empty: not encrypted
};

constexpr const char* facts_query =
    "SELECT pg_backend_pid(), pg_is_in_recovery()::int,"
    " current_setting('max_prepared_transactions'), current_setting('max_connections'),"
    " current_setting('fsync'), current_setting('full_page_writes'),"
    " current_setting('synchronous_commit'),"
    " (SELECT count(*) FROM pg_catalog.pg_prepared_xacts),"
    " (SELECT coalesce(floor(extract(epoch FROM clock_timestamp() - min(prepared))), 0)::bigint"
    " FROM pg_catalog.pg_prepared_xacts)";

long number(const PGresult* row, int column) {
  const std::string_view text = PQgetvalue(row, 0, column);
  long value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string tls_of(PGconn* connection) {
  if (PQsslInUse(connection) == 0) return {};
  const char* const protocol = PQsslAttribute(connection, "protocol");
  const char* const cipher = PQsslAttribute(connection, "cipher");
  return std::string(protocol == nullptr ? "TLS" : protocol) + " " +
         (cipher == nullptr ? "" : cipher);
}

Facts read_facts(Session& session, const PGresult* row) {
  auto* const connection = static_cast<PGconn*>(session.native());
  Facts facts;
  facts.version = PQserverVersion(connection);
  facts.same_backend = number(row, 0) == PQbackendPID(connection);
  facts.standby = number(row, 1) != 0;
  facts.read_write = session.read_write();
  facts.max_prepared = number(row, 2);
  facts.max_connections = number(row, 3);
  facts.fsync = PQgetvalue(row, 0, 4);
  facts.full_page_writes = PQgetvalue(row, 0, 5);
  facts.synchronous_commit = PQgetvalue(row, 0, 6);
  facts.prepared_count = number(row, 7);
  facts.oldest_seconds = number(row, 8);
  const char* const host = PQhost(connection);
  facts.local_socket = host != nullptr && (*host == '/' || *host == '@');
  facts.tls = tls_of(connection);
  return facts;
}

Finding ok(std::string subject, std::string text) {
  return {XABRIDGE_FINDING_OK, std::move(subject), std::move(text), {}};
}
Finding warning(std::string subject, std::string text, std::string fix) {
  return {XABRIDGE_FINDING_WARNING, std::move(subject), std::move(text), std::move(fix)};
}
Finding failure(std::string subject, std::string text, std::string fix) {
  return {XABRIDGE_FINDING_ERROR, std::move(subject), std::move(text), std::move(fix)};
}

Finding check_version(const Facts& f) {
  const std::string text =
      "PostgreSQL " + std::to_string(f.version / 10000) + "." + std::to_string(f.version % 10000);
  if (f.version >= oldest_supported_version) return ok("server version", text);
  return failure("server version", text, "use PostgreSQL 12 or newer");
}

Finding check_direct(const Facts& f) {
  if (f.same_backend) return ok("connection", "leads to the server itself");
  return failure("connection", "goes through a connection pooler",
                 "connect to PostgreSQL directly: a branch needs a server session of its own, and "
                 "the driver has a pool");
}

Finding check_primary(const Facts& f) {
  if (!f.standby) return ok("role", "primary");
  return failure("role", "the server is a standby, it cannot prepare transactions",
                 "connect to the primary; with several hosts add target_session_attrs=primary");
}

Finding check_read_write(const Facts& f) {
  if (f.read_write) return ok("default_transaction_read_only", "off");
  return failure("default_transaction_read_only",
                 "is on for this role or database: statements of a branch that write are refused, "
                 "unless the application says SET TRANSACTION READ WRITE first; prepared branches "
                 "can be committed and rolled back",
                 "ALTER ROLE ... RESET default_transaction_read_only, or another user");
}

Finding check_max_prepared(const Facts& f) {
  const char* const subject = "max_prepared_transactions";
  const long useful = std::min(f.pool_size, f.max_connections);
  const std::string change =
      "ALTER SYSTEM SET max_prepared_transactions = " + std::to_string(f.max_connections) +
      ", or the same line in postgresql.conf, and restart PostgreSQL";
  if (f.max_prepared == 0)
    return failure(subject, "is 0: PREPARE TRANSACTION is switched off", change);
  if (f.prepared_count >= f.max_prepared)
    return failure(subject,
                   "all " + std::to_string(f.max_prepared) +
                       " are taken by prepared transactions: no branch can be prepared now",
                   "find out whose they are (pg_prepared_xacts: gid, owner, database) and have "
                   "their transaction managers recover them; if all are in use, " +
                       change);
  const std::string text = "is " + std::to_string(f.max_prepared);
  if (f.max_prepared >= useful) return ok(subject, text);
  return warning(subject,
                 text + ", fewer than the " + std::to_string(useful) +
                     " branches this pool can have at once: prepare will fail under load",
                 change);
}

Finding check_connections(const Facts& f) {
  if (f.pool_size <= f.max_connections)
    return ok("max_connections", "is " + std::to_string(f.max_connections));
  return warning(
      "max_connections",
      "is " + std::to_string(f.max_connections) + ", pool_size is " + std::to_string(f.pool_size),
      "lower pool_size, or raise max_connections and restart PostgreSQL");
}

Finding check_on(const char* subject, const std::string& value, const char* consequence) {
  if (value == "on") return ok(subject, "on");
  return warning(subject, "is " + value + ": " + consequence,
                 "set " + std::string(subject) + " = on in postgresql.conf and reload PostgreSQL");
}

Finding check_synchronous_commit(const Facts& f) {
  if (f.synchronous_commit != "off") return ok("synchronous_commit", f.synchronous_commit);
  return warning(
      "synchronous_commit",
      "is off: a transaction that used only this database, committed in one phase, can be "
      "lost in a crash (prepared ones cannot)",
      "set synchronous_commit = on for this role, this database or the server");
}

Finding check_in_doubt(const Facts& f) {
  const std::string count = std::to_string(f.prepared_count);
  if (f.prepared_count == 0 || f.oldest_seconds < old_branch_seconds)
    return ok("prepared transactions", count + " in this cluster now");
  return warning("prepared transactions",
                 count + " in this cluster, the oldest for " + std::to_string(f.oldest_seconds) +
                     " seconds: it keeps its locks and holds back VACUUM",
                 "find out whose it is (pg_prepared_xacts: gid, owner, database) and have its "
                 "transaction manager recover it");
}

Finding check_tls(const Facts& f) {
  if (!f.tls.empty()) return ok("TLS", f.tls);
  if (f.local_socket) return ok("TLS", "not used: the connection is a local socket");
  return warning("TLS", "the connection is not encrypted",
                 "add sslmode=verify-full sslrootcert=<CA file> to the open string");
}

}  // namespace

std::vector<Finding> Server::preflight(rm::Session& control) {
  auto& session = static_cast<Session&>(control);
  auto rows = session.query("preflight", facts_query);
  if (!rows)
    return {failure("connection", rows.error().to_string(), "check that the server is running")};
  Facts facts = read_facts(session, rows->get());
  facts.pool_size = static_cast<long>(pool_size());
  return {
      check_version(facts),
      check_direct(facts),
      check_primary(facts),
      check_read_write(facts),
      check_max_prepared(facts),
      check_connections(facts),
      check_on("fsync", facts.fsync, "prepared branches and commits can be lost in a crash"),
      check_on("full_page_writes", facts.full_page_writes,
               "a crash can damage pages beyond repair"),
      check_synchronous_commit(facts),
      check_in_doubt(facts),
      check_tls(facts),
  };
}

}  // namespace xabridge::postgresql
