// Work at MySQL and MariaDB, in the connection that the switch's extras give for the current
// branch.
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>

#include "connect.hpp"
#include "work/common.hpp"

namespace xabridge::conformance::work {
namespace {

using Connection = std::unique_ptr<sql::Connection>;

constexpr const char* kNative = "'xa-conformance-native'";

struct Server {
  const xabridge_rm_extras_t* extras = nullptr;
  std::string open_string;
  std::mutex mutex;     // of the observer
  Connection observer;  // a user elsewhere
  Connection native;    // MariaDB: while it lives, nobody else can complete what it prepared
};

Server& server() {
  static Server one;
  return one;
}

/// The connection of the thread's last branch: what it keeps using when that is over.
sql::Connection*& last_connection() {
  thread_local sql::Connection* connection = nullptr;
  return connection;
}

/// The first value of the first row; `found` says whether there is one.
std::string execute(sql::Connection& connection, const std::string& sql, bool* found = nullptr) {
  const std::unique_ptr<sql::Statement> statement(connection.createStatement());
  if (!statement->execute(sql)) return {};
  const std::unique_ptr<sql::ResultSet> result(statement->getResultSet());
  const bool any = result->next();
  std::string value = any ? std::string(result->getString(1)) : std::string();
  while (result->next()) {
  }
  if (found != nullptr) *found = any;
  return value;
}

/// Keys may be any bytes of an XID.
std::string quoted(const std::string& text) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string literal = "X'";
  for (const char c : text) {
    literal += kDigits[static_cast<unsigned char>(c) >> 4U];
    literal += kDigits[static_cast<unsigned char>(c) & 15U];
  }
  return literal + "'";
}

std::string select(const char* key) {
  return "SELECT v FROM xa_conformance WHERE k = " + quoted(key);
}

Connection connect() {
  const auto settings = mysql::parse_settings(server().open_string).value();
  Connection connection = mysql::open_connection(settings, "").value();
  execute(*connection, "SET lock_wait_timeout = 5, innodb_lock_wait_timeout = 5");
  return connection;
}

std::string observe(const std::string& sql, bool* found = nullptr) {
  const std::scoped_lock lock(server().mutex);
  if (server().observer == nullptr || !server().observer->isValid()) server().observer = connect();
  return execute(*server().observer, sql, found);
}

sql::Connection& connection(int rmid) {
  auto* const found = static_cast<sql::Connection*>(server().extras->connection(rmid));
  if (found == nullptr) throw std::runtime_error(last_error(*server().extras, rmid));
  last_connection() = found;
  return *found;
}

int attach(const void* extras, const char* open_string) {
  if (extras == nullptr) return failed("the switch has no extras to get a connection from");
  server().extras = static_cast<const xabridge_rm_extras_t*>(extras);
  server().open_string = open_string;
  return guarded([] {
    observe(
        "CREATE TABLE IF NOT EXISTS xa_conformance (k VARCHAR(100) PRIMARY KEY, "
        "v VARCHAR(100)) ENGINE = InnoDB");
    observe(
        "CREATE TABLE IF NOT EXISTS xa_conformance_rows (id INT PRIMARY KEY, n INT) "
        "ENGINE = InnoDB");
    observe("INSERT IGNORE INTO xa_conformance_rows VALUES (1, 0), (2, 0)");
    return XA_CONFORMANCE_DONE;
  });
}

void detach() {
  (void)guarded([] {
    observe("DROP TABLE IF EXISTS xa_conformance, xa_conformance_rows");
    return XA_CONFORMANCE_DONE;
  });
}

int touch(int rmid) {
  return guarded([=] {
    execute(connection(rmid), "SELECT 1");
    return XA_CONFORMANCE_DONE;
  });
}

int write(int rmid, const char* key, const char* text) {
  return guarded([=] {
    execute(connection(rmid),
            "INSERT INTO xa_conformance VALUES (" + quoted(key) + ", " + quoted(text) + ")");
    return XA_CONFORMANCE_DONE;
  });
}

int read(int rmid, const char* key, char* text, long size) {
  return guarded([=] {
    bool found = false;
    copy(execute(connection(rmid), select(key), &found), text, size);
    return found ? XA_CONFORMANCE_DONE : XA_CONFORMANCE_ABSENT;
  });
}

int read_outside(const char* key, char* text, long size) {
  return guarded([=] {
    bool found = false;
    copy(observe(select(key), &found), text, size);
    return found ? XA_CONFORMANCE_DONE : XA_CONFORMANCE_ABSENT;
  });
}

// A real deadlock. The server rolls back the transaction that did less: the other one does more.
int doom(int rmid) {
  return guarded([=] {
    sql::Connection& ours = connection(rmid);
    const Connection other = connect();
    execute(*other, "START TRANSACTION");
    std::string rows = "INSERT INTO xa_conformance_rows VALUES (1000, 0)";
    for (int i = 1001; i < 1100; ++i) rows += ", (" + std::to_string(i) + ", 0)";
    execute(*other, rows);
    execute(*other, "UPDATE xa_conformance_rows SET n = n + 1 WHERE id = 2");
    execute(ours, "UPDATE xa_conformance_rows SET n = n + 1 WHERE id = 1");
    auto blocked = std::async(std::launch::async, [&] {
      execute(*other, "UPDATE xa_conformance_rows SET n = n + 1 WHERE id = 1");
    });
    int error = 0;
    try {
      execute(ours, "UPDATE xa_conformance_rows SET n = n + 1 WHERE id = 2");
    } catch (const sql::SQLException& failure) {
      error = failure.getErrorCode();
    }
    blocked.get();
    execute(*other, "ROLLBACK");
    constexpr int kDeadlock = 1213;
    return error == kDeadlock ? XA_CONFORMANCE_DONE
                              : failed("no deadlock, but error " + std::to_string(error));
  });
}

int refuse_later(int) {
  return cannot("MySQL and MariaDB have no constraint that is checked at prepare or commit");
}

int native_begin(int rmid) {
  return guarded([=] {
    void* const registered = server().extras->connection(rmid);
    if (registered != nullptr) last_connection() = static_cast<sql::Connection*>(registered);
    if (last_connection() == nullptr) return failed(last_error(*server().extras, rmid));
    execute(*last_connection(), "START TRANSACTION");
    return XA_CONFORMANCE_DONE;
  });
}

int native_end(int rmid) {
  return guarded([=] {
    execute(*last_connection(), "ROLLBACK");
    const int code = server().extras->release(rmid);
    // A static switch has nothing to release.
    return code == XA_OK || code == XAER_PROTO ? XA_CONFORMANCE_DONE
                                               : failed("release: " + std::to_string(code));
  });
}

int native_prepare() {
  return guarded([] {
    server().native = connect();
    for (const char* verb : {"XA START ", "XA END ", "XA PREPARE "}) {
      execute(*server().native, std::string(verb) + kNative);
      if (std::string(verb) == "XA START ")
        execute(*server().native, "INSERT INTO xa_conformance VALUES ('native', '')");
    }
    return XA_CONFORMANCE_DONE;
  });
}

int native_unprepare() {
  return guarded([] {
    execute(*server().native, std::string("XA ROLLBACK ") + kNative);
    server().native.reset();
    return XA_CONFORMANCE_DONE;
  });
}

int cut_session(const XID* xid, int rmid) {
  return guarded([=] {
    char id[32] = "";
    if (server().extras->session_of(xid, rmid, id, sizeof(id)) != XA_OK)
      return failed("the branch has no session");
    observe(std::string("KILL ") + id);
    const std::string query =
        std::string("SELECT COUNT(*) FROM information_schema.processlist WHERE id = ") + id;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (observe(query) != "0") {
      if (std::chrono::steady_clock::now() > deadline) return failed("the session did not end");
    }
    return XA_CONFORMANCE_DONE;
  });
}

int redirect(int port, char* changed, long size, char* host, long host_size, int* server_port) {
  return guarded([=] {
    return redirect_tcp(server().open_string, "3306", port, changed, size, host, host_size,
                        server_port);
  });
}

}  // namespace
}  // namespace xabridge::conformance::work

using namespace xabridge::conformance::work;

extern "C" __attribute__((visibility("default")))
const xa_conformance_work_t xa_conformance_work = {
    XA_CONFORMANCE_VERSION,
    "work at MySQL or MariaDB",
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
    nullptr,  // operator_commit: these servers forget a completed branch, see capability heur
    nullptr,
    cut_session,
    nullptr,  // keep_busy: MariaDB is, while the process that prepared lives; MySQL never is
    nullptr,
    redirect};
