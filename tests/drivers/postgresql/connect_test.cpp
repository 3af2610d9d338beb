// Connecting: what is refused and why, TLS, tags, identity.

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <future>
#include <xabridge/codes.hpp>

#include "fixture.hpp"
#include "proxy.hpp"

using namespace xabridge;
using namespace xabridge::test;

namespace {

// The value of `key`, replaced or added.
std::string with(const std::string& open_string, const std::string& key, const std::string& value) {
  const auto at = (" " + open_string).find(" " + key + "=");
  if (at == std::string::npos) return open_string + " " + key + "=" + value;
  const auto end = open_string.find(' ', at);
  return open_string.substr(0, at) + key + "=" + value +
         (end == std::string::npos ? "" : open_string.substr(end));
}

std::string here() { return environment("XABRIDGE_TEST_POSTGRESQL"); }

Error refused(const std::string& open_string) {
  auto server = postgresql::driver().parse(open_string);
  REQUIRE(server.ok());
  const auto session = (*server)->connect("test");
  REQUIRE_FALSE(session.ok());
  return session.error();
}

bool says(const Error& error, const std::string& words) {
  INFO(error.to_string());
  return error.to_string().find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("a wrong password is refused without being shown") {
  const Error error = refused(with(here(), "password", "correct-horse-battery"));
  CHECK(error.xa_code == XAER_RMERR);
  CHECK(says(error, "password authentication failed"));
  CHECK(says(error, "passwordfile"));
  CHECK_FALSE(says(error, "correct-horse-battery"));
}

TEST_CASE("a missing database is named") {
  const Error error = refused(with(here(), "dbname", "no_such_database"));
  CHECK(error.xa_code == XAER_RMERR);
  CHECK(says(error, "database \"no_such_database\" does not exist"));
  CHECK(says(error, "check dbname"));
}

TEST_CASE("a server that is not there is RMFAIL and says where it was looked for") {
  const Error port = refused(with(here(), "port", "1"));
  CHECK(port.xa_code == XAER_RMFAIL);
  CHECK(says(port, "Connection refused"));
  CHECK(says(port, "listen_addresses"));
  const Error host = refused(with(here(), "host", "no-such-host.invalid"));
  CHECK(host.xa_code == XAER_RMFAIL);
  CHECK(says(host, "no-such-host.invalid"));
  const Error socket = refused(with(here(), "host", "/nowhere"));
  CHECK(socket.xa_code == XAER_RMFAIL);
  CHECK(says(socket, "/nowhere"));
}

TEST_CASE("a role or database that may not be used now is not to be created") {
  const Connection admin = open_raw(environment("XABRIDGE_TEST_POSTGRESQL_ADMIN"));
  const std::string name = unique_name("limited");
  REQUIRE(sql(admin.get(), "CREATE ROLE " + name + " LOGIN PASSWORD 'p'").ok);
  REQUIRE(sql(admin.get(), "CREATE DATABASE " + name).ok);
  const std::string user = with(with(here(), "user", name), "password", "p");
  const auto check = [&](const std::string& change, const std::string& open_string, int code,
                         const std::string& server, const std::string& advice) {
    REQUIRE(sql(admin.get(), change).ok);
    const Error error = refused(open_string);
    CHECK(error.xa_code == code);
    CHECK(says(error, server));
    CHECK(says(error, advice));
    CHECK_FALSE(says(error, "create the"));
  };
  check("ALTER ROLE " + name + " CONNECTION LIMIT 0", user, XAER_RMFAIL,
        "too many connections for role", "ALTER ROLE ... CONNECTION LIMIT");
  check("ALTER ROLE " + name + " NOLOGIN", user, XAER_RMERR, "is not permitted to log in",
        "ALTER ROLE ... LOGIN");
  const std::string database = with_database(here(), name);
  check("ALTER DATABASE " + name + " CONNECTION LIMIT 0", database, XAER_RMFAIL,
        "too many connections for database", "ALTER DATABASE ... CONNECTION LIMIT");
  check("REVOKE CONNECT ON DATABASE " + name + " FROM PUBLIC", database, XAER_RMERR,
        "permission denied for database", "GRANT CONNECT");
  check("ALTER DATABASE " + name + " ALLOW_CONNECTIONS false", database, XAER_RMFAIL,
        "not currently accepting connections", "ALLOW_CONNECTIONS");
  CHECK(sql(admin.get(), "DROP DATABASE " + name).ok);
  CHECK(sql(admin.get(), "DROP ROLE " + name).ok);
}

TEST_CASE("a connection pooler is refused before anything is changed behind it") {
  Proxy pooler(here());
  pooler.set(Proxy::Mode::disguise);
  const Error error = refused(pooler.open_string() + " sslmode=disable");
  CHECK(error.xa_code == XAER_RMERR);
  CHECK(says(error, "connection pooler"));
  CHECK(says(error, "pool_size"));
  CHECK_FALSE(pooler.asked("SET "));
  CHECK_FALSE(pooler.asked("set_config"));
  // Asked by one that is let in.
  pooler.set(Proxy::Mode::relay);
  CHECK(open_session(pooler.open_string() + " sslmode=disable")->alive());
  CHECK(pooler.asked("SET "));
}

TEST_CASE("an impossible sslmode is refused") {
  CHECK(says(refused(with(here(), "sslmode", "perhaps")), "perhaps"));
}

TEST_CASE("a password is read from a file at each connect") {
  const std::string all = here();
  const auto at = all.find("password=") + 9;
  const std::string password = all.substr(at, all.find(' ', at) - at);
  std::string path = (std::string(std::getenv("TMPDIR") ? std::getenv("TMPDIR") : "/tmp")) +
                     "/xabridge-password-XXXXXX";
  const int fd = mkstemp(path.data());
  REQUIRE(fd >= 0);
  std::ofstream(path) << password << '\n';
  const std::string key = "password=" + password;
  std::string open_string = all;
  open_string.replace(open_string.find(key), key.size(), "passwordfile=" + path);
  auto server = postgresql::driver().parse(open_string);
  REQUIRE(server.ok());
  CHECK((*server)->connect("test").ok());
  std::ofstream(path) << "wrong\n";
  CHECK_FALSE((*server)->connect("test").ok());
  close(fd);
  unlink(path.c_str());
  const auto gone = (*server)->connect("test");
  REQUIRE_FALSE(gone.ok());
  CHECK(says(gone.error(), path));
}

TEST_CASE("TLS with a verified server works and a wrong authority is refused") {
  const std::string ca = environment("XABRIDGE_TEST_TLS_CA");
  const SessionPtr session =
      open_session(with(with(here(), "sslmode", "verify-full"), "sslrootcert", ca));
  CHECK(PQsslInUse(static_cast<PGconn*>(session->native())) == 1);
  const Error error =
      refused(with(with(here(), "sslmode", "verify-full"), "sslrootcert", "/etc/hostname"));
  CHECK(error.xa_code == XAER_RMERR);
  CHECK(says(error, "sslrootcert"));
}

TEST_CASE("sessions are counted by the tag of their owner") {
  Corner corner;
  const std::string tag = unique_name("tag");
  const SessionPtr control = corner.connect("", "control");
  const auto count = [&] { return *corner.server().sessions_tagged(*control, tag).value(); };
  CHECK(count() == 0);
  SessionPtr one = corner.connect("", tag);
  const SessionPtr two = corner.connect("application_name=billing", tag);
  const SessionPtr longer = corner.connect("", tag + "x");
  CHECK(count() == 2);
  CHECK(sql(*two, "SHOW application_name").value == tag + " billing");
  one.reset();
  CHECK(eventually([&] { return count() == 1; }));
}

TEST_CASE("a session of an owner that waits for a lock is not counted") {
  Corner corner;
  const std::string tag = unique_name("tag");
  const SessionPtr control = corner.connect("", "control");
  const auto count = [&] { return *corner.server().sessions_tagged(*control, tag).value(); };
  // A dead owner's branch, and its other session that will not notice before it has the row.
  SessionPtr dead = corner.connect("", "dead");
  const SessionPtr waiter = corner.connect("", tag);
  const Xid prepared = corner.xid();
  const Xid waiting = corner.xid();
  CHECK_ANSWER(dead->begin(prepared), XA_OK);
  CHECK(sql(*dead, corner.add(1, 1)).ok);
  CHECK_ANSWER(dead->end(prepared), XA_OK);
  CHECK_ANSWER(dead->prepare(prepared), XA_OK);
  CHECK_ANSWER(waiter->begin(waiting), XA_OK);
  CHECK(count() == 1);
  auto blocked = std::async(std::launch::async, [&] { return sql(*waiter, corner.add(1, 1)).ok; });
  corner.wait_until_blocked(*waiter);
  CHECK(count() == 0);
  CHECK_ANSWER(control->rollback_prepared(prepared), XA_OK);
  CHECK(blocked.get());
  CHECK(eventually([&] { return count() == 1; }));
}

TEST_CASE("a tag longer than the server keeps is found all the same") {
  Corner corner;
  const std::string tag = unique_name("tag") + std::string(80, 'x');
  const SessionPtr control = corner.connect("", "control");
  const SessionPtr one = corner.connect("", tag);
  CHECK(*corner.server().sessions_tagged(*control, tag).value() == 1);
}

TEST_CASE("two ways to one database have one identity and two databases have two") {
  const auto identity_of = [](const std::string& open_string) {
    auto server = postgresql::driver().parse(open_string).value();
    const auto session = server->connect("test").value();
    return server->identity(*session).value();
  };
  const std::string tcp = identity_of(here());
  CHECK(tcp == identity_of(with(here(), "host", environment("XABRIDGE_TEST_POSTGRESQL_SOCKET"))));
  CHECK(tcp == identity_of(environment("XABRIDGE_TEST_POSTGRESQL_OTHER")));
  CHECK(tcp != identity_of(with_database(here(), "xabridge2")));
}

TEST_CASE("target_session_attrs finds the primary though sessions are read-only by default") {
  CHECK(open_session(with(here(), "target_session_attrs", "read-write"))->alive());
  CHECK(open_session(with(here(), "target_session_attrs", "primary"))->alive());
}
