// How long sessions of the adapter's pool stay at the server, and what they have seen of it.

#include <array>
#include <functional>
#include <xabridge/codes.hpp>
#include <xabridge/rm/adapter.hpp>

#include "fixture.hpp"

using namespace xabridge;
using namespace xabridge::test;

namespace {

std::string pid_of(rm::Switch& rm, const Xid& xid) {
  std::array<char, 32> text{};
  REQUIRE(rm.session_of(&xid.raw(), 1, text.data(), text.size()) == XA_OK);
  return text.data();
}

bool at_the_server(Corner& corner, const std::string& pid) {
  return sql(corner.admin(), "SELECT count(*) FROM pg_stat_activity WHERE pid = " + pid).value ==
         "1";
}

/// A database of its own, as long as it lives; read-only by default until told otherwise.
class ReadOnlyDatabase {
 public:
  explicit ReadOnlyDatabase(Corner& corner) : admin_(corner.admin()) {
    REQUIRE(sql(admin_, "CREATE DATABASE " + name).ok);
    const Connection inside =
        open_raw(with_database(environment("XABRIDGE_TEST_POSTGRESQL_ADMIN"), name));
    REQUIRE(sql(inside.get(), "CREATE TABLE t (v int); GRANT ALL ON t TO PUBLIC").ok);
    set(true);
  }
  ReadOnlyDatabase(const ReadOnlyDatabase&) = delete;
  ReadOnlyDatabase& operator=(const ReadOnlyDatabase&) = delete;
  ~ReadOnlyDatabase() { sql(admin_, "DROP DATABASE " + name + " WITH (FORCE)"); }

  void set(bool on) {
    REQUIRE(sql(admin_, "ALTER DATABASE " + name + " SET default_transaction_read_only = " +
                            (on ? "on" : "off"))
                .ok);
  }
  [[nodiscard]] SessionPtr connect() const {
    return open_session(with_database(environment("XABRIDGE_TEST_POSTGRESQL"), name));
  }
  const std::string name = unique_name("readonly");

 private:
  PGconn* admin_;
};

}  // namespace

TEST_CASE("a session that is not used any more leaves the server") {
  Corner corner;
  rm::Switch& rm = *new rm::Switch(postgresql::driver(), TMNOFLAGS);
  const Xid xid = corner.xid();
  const std::string info = environment("XABRIDGE_TEST_POSTGRESQL") + " max_idle=1";
  REQUIRE(rm.open(info.c_str(), 1, 0) == XA_OK);
  REQUIRE(rm.start(&xid.raw(), 1, 0) == XA_OK);
  const std::string pid = pid_of(rm, xid);
  REQUIRE(rm.end(&xid.raw(), 1, TMSUCCESS) == XA_OK);
  REQUIRE(rm.commit(&xid.raw(), 1, TMONEPHASE) == XA_OK);
  CHECK(eventually([&] { return !at_the_server(corner, pid); }));
  CHECK(rm.close("", 1, 0) == XA_OK);
}

TEST_CASE("a session that was made while the database was read-only is not used for long") {
  Corner corner;
  ReadOnlyDatabase database(corner);
  const SessionPtr session = database.connect();
  CHECK_FALSE(session->outdated());
  const Xid xid = corner.xid();
  CHECK_ANSWER(session->begin(xid), XA_OK);
  CHECK(sql(*session, "INSERT INTO t VALUES (1)").sqlstate == "25006");
  CHECK_ANSWER(session->end(xid), XA_RBTRANSIENT);
  CHECK_ANSWER(session->rollback(xid), XA_OK);
  CHECK(session->outdated());
  database.set(false);
  const SessionPtr fresh = database.connect();
  CHECK_ANSWER(fresh->begin(xid), XA_OK);
  CHECK(sql(*fresh, "INSERT INTO t VALUES (1)").ok);
  CHECK_ANSWER(fresh->end(xid), XA_OK);
  CHECK_ANSWER(fresh->rollback(xid), XA_OK);
  CHECK_FALSE(fresh->outdated());
}

TEST_CASE("what the application made read-only itself says nothing about the server") {
  Corner corner;
  const SessionPtr session = corner.connect();
  const Xid xid = corner.xid();
  CHECK_ANSWER(session->begin(xid), XA_OK);
  CHECK(sql(*session, "SET TRANSACTION READ ONLY").ok);
  CHECK(sql(*session, corner.add(1, 1)).sqlstate == "25006");
  CHECK_ANSWER(session->end(xid), XA_RBPROTO);
  CHECK_ANSWER(session->rollback(xid), XA_OK);
  CHECK_FALSE(session->outdated());
}
TEST_CASE("connections that dblink has opened do not reach the next branch") {
  Corner corner;
  const std::string database = unique_name("dblink");
  REQUIRE(sql(corner.admin(), "CREATE DATABASE " + database).ok);
  {
    const Connection inside =
        open_raw(with_database(environment("XABRIDGE_TEST_POSTGRESQL_ADMIN"), database));
    REQUIRE(sql(inside.get(), "CREATE SCHEMA \"it's\"; GRANT ALL ON SCHEMA \"it's\" TO PUBLIC").ok);
    const SessionPtr before =
        open_session(with_database(environment("XABRIDGE_TEST_POSTGRESQL"), database));
    REQUIRE(sql(inside.get(), "CREATE EXTENSION dblink SCHEMA \"it's\"").ok);
    const SessionPtr session =
        open_session(with_database(environment("XABRIDGE_TEST_POSTGRESQL"), database));
    const auto call = [&](const std::string& function) {
      return sql(*session, "SELECT \"it's\".dblink_" + function);
    };
    const std::string target = "'" + environment("XABRIDGE_TEST_POSTGRESQL") + "')";
    const auto branch = [&](const std::function<void()>& work) {
      const Xid xid = corner.xid();
      CHECK_ANSWER(session->begin(xid), XA_OK);
      work();
      CHECK_ANSWER(session->rollback(xid), XA_OK);
    };
    branch([&] {
      CHECK(call("connect('named', " + target).ok);
      CHECK(call("connect('other', " + target).ok);
      CHECK(call("connect(" + target).ok);
    });
    branch([&] {
      CHECK(call("get_connections() IS NULL").value == "t");
      CHECK(call("exec('SELECT 1')").sqlstate == "08003");
    });
    branch([&] { CHECK(call("connect('named', " + target).ok); });
    branch([&] { CHECK(call("get_connections() IS NULL").value == "t"); });
    // Sessions that are there go on when the extension goes.
    REQUIRE(sql(inside.get(), "DROP EXTENSION dblink").ok);
    branch([&] { CHECK(sql(*session, "SELECT 1").ok); });
  }
  CHECK(sql(corner.admin(), "DROP DATABASE " + database + " WITH (FORCE)").ok);
}
