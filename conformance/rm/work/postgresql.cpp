// Work at PostgreSQL, in the connection that the switch's extras give for the current branch.
#include <libpq-fe.h>

#include <mutex>
#include <stdexcept>
#include <vector>
#include <xabridge/xid.hpp>

#include "handles.hpp"
#include "options.hpp"
#include "work/common.hpp"

namespace xabridge::conformance::work {
namespace {

using postgresql::Connection;
using postgresql::ResultSet;

constexpr const char* kNoXid = "xa-conformance: no XID";

struct Server {
  const xabridge_rm_extras_t* extras = nullptr;
  std::string open_string;
  std::mutex mutex;     // of the observer
  Connection observer;  // a user elsewhere
};

Server& server() {
  static Server one;
  return one;
}

/// The connection of the thread's last branch: what it keeps using when that is over.
PGconn*& last_connection() {
  thread_local PGconn* connection = nullptr;
  return connection;
}

ResultSet execute(PGconn* connection, const std::string& sql,
                  const std::vector<std::string>& parameters = {}) {
  std::vector<const char*> values;
  for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
  ResultSet result(PQexecParams(connection, sql.c_str(), static_cast<int>(values.size()), nullptr,
                                values.data(), nullptr, nullptr, 0));
  const auto status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
    throw std::runtime_error(PQerrorMessage(connection));
  return result;
}

ResultSet observe(const std::string& sql, const std::vector<std::string>& parameters = {}) {
  const std::scoped_lock lock(server().mutex);
  // A restarted server ended it.
  if (server().observer == nullptr || PQstatus(server().observer.get()) != CONNECTION_OK ||
      PQresultStatus(ResultSet(PQexec(server().observer.get(), "SELECT 1")).get()) !=
          PGRES_TUPLES_OK) {
    auto options = postgresql::Options::parse(server().open_string).value();
    server().observer = options.connect("xa-conformance").value();
    PQsetNoticeProcessor(
        server().observer.get(), [](void*, const char*) {}, nullptr);
    execute(server().observer.get(), "SET lock_timeout = '5s'");
  }
  return execute(server().observer.get(), sql, parameters);
}

void observe_if_possible(const std::string& sql) {
  try {
    observe(sql);
  } catch (const std::runtime_error&) {
    // Nothing to undo.
  }
}

PGconn* connection(int rmid) {
  auto* const found = static_cast<PGconn*>(server().extras->connection(rmid));
  if (found == nullptr) throw std::runtime_error(last_error(*server().extras, rmid));
  last_connection() = found;
  return found;
}

int value(const ResultSet& rows, char* to, long size) {
  if (PQntuples(rows.get()) == 0) return XA_CONFORMANCE_ABSENT;
  return copy(PQgetvalue(rows.get(), 0, 0), to, size);
}

int attach(const void* extras, const char* open_string) {
  if (extras == nullptr) return failed("the switch has no extras to get a connection from");
  server().extras = static_cast<const xabridge_rm_extras_t*>(extras);
  server().open_string = open_string;
  return guarded([] {
    observe("CREATE TABLE IF NOT EXISTS xa_conformance (k text PRIMARY KEY, v text)");
    observe(
        "CREATE TABLE IF NOT EXISTS xa_conformance_deferred "
        "(n int UNIQUE DEFERRABLE INITIALLY DEFERRED)");
    observe_if_possible(std::string("ROLLBACK PREPARED '") + kNoXid + "'");
    return XA_CONFORMANCE_DONE;
  });
}

void detach() {
  observe_if_possible("DROP TABLE IF EXISTS xa_conformance, xa_conformance_deferred");
}

int touch(int rmid) {
  return guarded([=] {
    execute(connection(rmid), "SELECT 1");
    return XA_CONFORMANCE_DONE;
  });
}

int write(int rmid, const char* key, const char* text) {
  return guarded([=] {
    execute(connection(rmid), "INSERT INTO xa_conformance VALUES ($1, $2)", {key, text});
    return XA_CONFORMANCE_DONE;
  });
}

int read(int rmid, const char* key, char* text, long size) {
  return guarded([=] {
    return value(execute(connection(rmid), "SELECT v FROM xa_conformance WHERE k = $1", {key}),
                 text, size);
  });
}

int read_outside(const char* key, char* text, long size) {
  return guarded([=] {
    return value(observe("SELECT v FROM xa_conformance WHERE k = $1", {key}), text, size);
  });
}

int doom(int rmid) {
  return guarded([=] {
    PGconn* const used = connection(rmid);
    const ResultSet failed_statement(PQexec(used, "SELECT 1 / 0"));
    return PQtransactionStatus(used) == PQTRANS_INERROR ? XA_CONFORMANCE_DONE
                                                        : failed("the transaction did not fail");
  });
}

int refuse_later(int rmid) {
  return guarded([=] {
    execute(connection(rmid), "INSERT INTO xa_conformance_deferred VALUES (1), (1)");
    return XA_CONFORMANCE_DONE;
  });
}

int native_begin(int rmid) {
  return guarded([=] {
    void* const registered = server().extras->connection(rmid);
    if (registered != nullptr) last_connection() = static_cast<PGconn*>(registered);
    if (last_connection() == nullptr) return failed(last_error(*server().extras, rmid));
    execute(last_connection(), "BEGIN");
    return XA_CONFORMANCE_DONE;
  });
}

int native_end(int rmid) {
  return guarded([=] {
    execute(last_connection(), "ROLLBACK");
    const int code = server().extras->release(rmid);
    // A static switch has nothing to release.
    return code == XA_OK || code == XAER_PROTO ? XA_CONFORMANCE_DONE
                                               : failed("release: " + std::to_string(code));
  });
}

int native_prepare() {
  return guarded([] {
    observe("BEGIN");
    observe(std::string("PREPARE TRANSACTION '") + kNoXid + "'");
    return XA_CONFORMANCE_DONE;
  });
}

int native_unprepare() {
  return guarded([] {
    observe(std::string("ROLLBACK PREPARED '") + kNoXid + "'");
    return XA_CONFORMANCE_DONE;
  });
}

int operator_commit(const XID* xid) {
  return guarded([=] {
    observe("COMMIT PREPARED '" + Xid::from(xid)->to_gid() + "'");
    return XA_CONFORMANCE_DONE;
  });
}

int operator_rollback(const XID* xid) {
  return guarded([=] {
    observe("ROLLBACK PREPARED '" + Xid::from(xid)->to_gid() + "'");
    return XA_CONFORMANCE_DONE;
  });
}

int cut_session(const XID* xid, int rmid) {
  return guarded([=] {
    char pid[32] = "";
    if (server().extras->session_of(xid, rmid, pid, sizeof(pid)) != XA_OK)
      return failed("the branch has no session");
    // Returns when it is gone.
    const ResultSet row = observe("SELECT pg_terminate_backend($1::int, 5000)", {pid});
    return PQgetvalue(row.get(), 0, 0)[0] == 't' ? XA_CONFORMANCE_DONE
                                                 : failed("the session did not end");
  });
}

int redirect(int port, char* changed, long size, char* host, long host_size, int* server_port) {
  return guarded([=] {
    return redirect_tcp(server().open_string, "5432", port, changed, size, host, host_size,
                        server_port);
  });
}

}  // namespace
}  // namespace xabridge::conformance::work

using namespace xabridge::conformance::work;

extern "C" __attribute__((visibility("default")))
const xa_conformance_work_t xa_conformance_work = {
    XA_CONFORMANCE_VERSION,
    "work at PostgreSQL",
    [] { return reason().c_str(); },
    attach,
    detach,
    touch,
    write,
    read,
    doom,
    refuse_later,
    read_outside,
    native_begin,
    native_end,
    native_prepare,
    native_unprepare,
    operator_commit,
    operator_rollback,
    cut_session,
    nullptr,  // keep_busy: what is prepared, PostgreSQL completes whenever it is asked
    nullptr,
    redirect};
