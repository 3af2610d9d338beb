// What a branch may hold besides rows, and what becomes of it at the vote, at the commit and in the
// next branch: the lines of README.md's table that have no test elsewhere.

#include <libpq/libpq-fs.h>

#include <xabridge/codes.hpp>

#include "fixture.hpp"
#include "foreign_server.hpp"

using namespace xabridge;
using namespace xabridge::test;

namespace {

struct Begun {
  Corner corner;
  SessionPtr session = corner.connect();
  Xid xid = corner.xid();
  Begun() { REQUIRE(session->begin(xid).code == XA_OK); }

  void write() { CHECK(sql(*session, corner.add(1, 1)).ok); }
  void check_refused(const char* sqlstate) {
    const rm::Answer answer = session->prepare(xid);
    CHECK_ANSWER(answer, XA_RBOTHER);
    REQUIRE(answer.error.has_value());
    CHECK(answer.error->sqlstate == sqlstate);
    CHECK_FALSE(corner.listed(xid));
    CHECK(corner.amount(1) == 100);
  }
  /// The statement fails, and the branch with it.
  void check_doomed(const std::string& statement, const char* sqlstate) {
    INFO(statement);
    const Xid fresh = corner.xid();
    CHECK_ANSWER(session->rollback(xid), XA_OK);
    xid = fresh;
    REQUIRE(session->begin(xid).code == XA_OK);
    write();
    CHECK(sql(*session, statement).sqlstate == sqlstate);
    check_refused(sqlstate);
    REQUIRE(session->begin(xid = corner.xid()).code == XA_OK);
  }
  std::string admin(const std::string& query) { return sql(corner.admin(), query).value; }
};

/// An object made by the administrator, for everyone, as long as the test.
class Made {
 public:
  Made(PGconn* admin, const std::string& create, std::string drop)
      : admin_(admin), drop_(std::move(drop)) {
    REQUIRE(sql(admin_, create).ok);
  }
  Made(const Made&) = delete;
  Made& operator=(const Made&) = delete;
  ~Made() {
    sql(admin_, "SET lock_timeout = '5s'");
    CHECK(sql(admin_, drop_).ok);
  }

 private:
  PGconn* admin_;
  std::string drop_;
};

int notifications(PGconn* connection) {
  PQconsumeInput(connection);
  int count = 0;
  while (PGnotify* const notify = PQnotifies(connection)) {
    ++count;
    PQfreemem(notify);
  }
  return count;
}

}  // namespace

TEST_CASE("a temporary table makes the branch vote no") {
  Begun b;
  const std::string name = unique_name("temporary");
  SECTION("made in the branch") {
    CHECK(sql(*b.session, "CREATE TEMPORARY TABLE " + name + " (i int)").ok);
  }
  SECTION("dropped at the end of it") {
    CHECK(sql(*b.session, "CREATE TEMPORARY TABLE " + name + " (i int) ON COMMIT DROP").ok);
  }
  SECTION("a temporary view") {
    CHECK(sql(*b.session, "CREATE TEMPORARY VIEW " + name + " AS SELECT 1").ok);
  }
  b.write();
  b.check_refused("0A000");
}

TEST_CASE("an ordinary cursor ends with the vote and one that is held makes it no") {
  Begun b;
  b.write();
  const std::string of = b.corner.table();
  SECTION("ordinary") {
    CHECK(sql(*b.session, "DECLARE c CURSOR FOR SELECT * FROM " + of + "; FETCH c").ok);
    CHECK_ANSWER(b.session->prepare(b.xid), XA_OK);
    CHECK_ANSWER(b.session->commit_prepared(b.xid), XA_OK);
    REQUIRE(b.session->begin(b.xid = b.corner.xid()).code == XA_OK);
    CHECK(sql(*b.session, "SELECT count(*) FROM pg_cursors").value == "0");
    CHECK_ANSWER(b.session->rollback(b.xid), XA_OK);
  }
  SECTION("held") {
    CHECK(sql(*b.session, "DECLARE c CURSOR WITH HOLD FOR SELECT * FROM " + of).ok);
    b.check_refused("0A000");
  }
}

TEST_CASE("an exported snapshot makes the branch vote no") {
  Begun b;
  b.write();
  CHECK(sql(*b.session, "SELECT pg_export_snapshot()").ok);
  b.check_refused("0A000");
}

TEST_CASE("a notification inside a function makes a branch that writes vote no") {
  Begun b;
  const std::string name = unique_name("notify");
  const Made function(b.corner.admin(),
                      "CREATE FUNCTION " + name +
                          "() RETURNS int LANGUAGE plpgsql AS $$BEGIN NOTIFY " + name +
                          "; RETURN 1; END$$",
                      "DROP FUNCTION " + name);
  const Connection listener = open_raw(environment("XABRIDGE_TEST_POSTGRESQL"));
  REQUIRE(sql(listener.get(), "LISTEN " + name).ok);
  CHECK(sql(*b.session, "SELECT " + name + "()").ok);
  SECTION("beside a write") {
    b.write();
    b.check_refused("0A000");
    CHECK(notifications(listener.get()) == 0);
  }
  // The one thing a vote cannot see.
  SECTION("alone it is sent at the vote") {
    CHECK_ANSWER(b.session->prepare(b.xid), XA_RDONLY);
    CHECK(eventually([&] { return notifications(listener.get()) == 1; }));
  }
  SECTION("rolled back it is not sent") {
    CHECK_ANSWER(b.session->rollback(b.xid), XA_OK);
    CHECK(sql(listener.get(), "SELECT 1").ok);
    CHECK(notifications(listener.get()) == 0);
  }
}

TEST_CASE("a large object is part of the branch") {
  Begun b;
  auto* const connection = static_cast<PGconn*>(b.session->native());
  const Oid oid = lo_creat(connection, INV_READ | INV_WRITE);
  REQUIRE(oid != InvalidOid);
  const int open = lo_open(connection, oid, INV_WRITE);
  CHECK(lo_write(connection, open, "text", 4) == 4);  // and left open
  const std::string count =
      "SELECT count(*) FROM pg_largeobject_metadata WHERE oid = " + std::to_string(oid);
  CHECK_ANSWER(b.session->prepare(b.xid), XA_OK);
  CHECK(b.admin(count) == "0");
  SECTION("committed") {
    CHECK_ANSWER(b.session->commit_prepared(b.xid), XA_OK);
    CHECK(b.admin(count) == "1");
    // The server locks the table of large objects as for a write, also for who reads one.
    REQUIRE(b.session->begin(b.xid = b.corner.xid()).code == XA_OK);
    const int reading = lo_open(connection, oid, INV_READ);
    char text[8];
    CHECK(lo_read(connection, reading, text, sizeof text) == 4);
    CHECK_ANSWER(b.session->prepare(b.xid), XA_OK);
    CHECK_ANSWER(b.session->commit_prepared(b.xid), XA_OK);
    CHECK(sql(b.corner.admin(), "SELECT lo_unlink(" + std::to_string(oid) + ")").ok);
  }
  SECTION("rolled back") {
    CHECK_ANSWER(b.session->rollback_prepared(b.xid), XA_OK);
    CHECK(b.admin(count) == "0");
  }
}

TEST_CASE("a number of a sequence is used up whatever becomes of the branch") {
  Begun b;
  const std::string name = unique_name("sequence");
  const Made sequence(b.corner.admin(), "CREATE SEQUENCE " + name, "DROP SEQUENCE " + name);
  CHECK(sql(b.corner.admin(), "GRANT ALL ON SEQUENCE " + name + " TO PUBLIC").ok);
  const std::string next = "SELECT nextval('" + name + "')";
  CHECK(sql(*b.session, next).value == "1");
  SECTION("rolled back") { CHECK_ANSWER(b.session->rollback(b.xid), XA_OK); }
  SECTION("prepared") {
    CHECK_ANSWER(b.session->prepare(b.xid), XA_OK);  // it counts as a write
    CHECK_ANSWER(b.session->rollback_prepared(b.xid), XA_OK);
  }
  CHECK(b.admin(next) == "2");
  // Made by a function or not, a second number may cost no transaction id; the lock tells.
  REQUIRE(b.session->begin(b.xid = b.corner.xid()).code == XA_OK);
  CHECK(sql(*b.session, next).value == "3");
  CHECK_ANSWER(b.session->prepare(b.xid), XA_OK);
  CHECK_ANSWER(b.session->commit_prepared(b.xid), XA_OK);
}

TEST_CASE("a foreign table of postgres_fdw") {
  Begun b;
  const ForeignTable foreign(b.corner, *b.session);
  const std::string read = "SELECT * FROM " + foreign.name() + " WHERE id = 2";
  const std::string change = "UPDATE " + foreign.name() + " SET amount = 7 WHERE id = 2";
  SECTION("only read is finished at the vote") {
    CHECK(sql(*b.session, read).ok);
    CHECK_ANSWER(b.session->prepare(b.xid), XA_RDONLY);
  }
  SECTION("written to makes the branch vote no") {
    CHECK(sql(*b.session, change).ok);
    b.check_refused("0A000");
    CHECK(b.corner.amount(2) == 100);
  }
  SECTION("read beside a write here makes the branch vote no") {
    b.write();
    CHECK(sql(*b.session, read).ok);
    b.check_refused("0A000");
  }
  SECTION("is committed with a branch committed in one phase") {
    b.write();
    CHECK(sql(*b.session, change).ok);
    CHECK_ANSWER(b.session->commit_one_phase(b.xid), XA_OK);
    CHECK(b.corner.amount(2) == 7);
    CHECK(b.corner.amount(1) == 101);
  }
}

TEST_CASE("dblink works beside the branch and its connections end with it") {
  Begun b;
  REQUIRE(sql(b.corner.admin(), "CREATE EXTENSION IF NOT EXISTS dblink").ok);
  const std::string to = "$$" + environment("XABRIDGE_TEST_POSTGRESQL") + "$$";
  const std::string update = "$$" + b.corner.add(2, 1) + "$$";
  SECTION("what it does is committed at once") {
    CHECK(sql(*b.session, "SELECT dblink_exec(" + to + ", " + update + ")").ok);
    CHECK_ANSWER(b.session->rollback(b.xid), XA_OK);
    CHECK(b.corner.amount(2) == 101);
    CHECK(b.session->reusable());
  }
  SECTION("a named connection makes the session serve no other branch") {
    CHECK(sql(*b.session, "SELECT dblink_connect('mine', " + to + ")").ok);
    CHECK(sql(*b.session, "SELECT dblink_exec('mine', " + update + ")").ok);
    b.write();
    CHECK_ANSWER(b.session->prepare(b.xid), XA_OK);
    CHECK_ANSWER(b.session->commit_prepared(b.xid), XA_OK);
    CHECK_FALSE(b.session->reusable());
  }
  SECTION("also after a branch that did nothing else") {
    CHECK(sql(*b.session, "SELECT * FROM dblink_connect(" + to + ")").ok);
    CHECK_ANSWER(b.session->prepare(b.xid), XA_RDONLY);
    CHECK_FALSE(b.session->reusable());
  }
}

TEST_CASE("no function or procedure ends or prepares the branch") {
  Begun b;
  const std::string name = unique_name("ending");
  const Made procedure(b.corner.admin(),
                       "CREATE PROCEDURE " + name + "() LANGUAGE plpgsql AS $$BEGIN COMMIT; END$$",
                       "DROP PROCEDURE " + name);
  const std::string gid = unique_name("gid");
  b.corner.also_clean(gid);
  b.check_doomed("CALL " + name + "()", "2D000");
  b.check_doomed("DO $$BEGIN ROLLBACK; END$$", "2D000");
  for (const std::string& statement :
       {"PREPARE TRANSACTION ''" + gid + "''", "COMMIT PREPARED ''" + gid + "''"})
    b.check_doomed("DO $$BEGIN EXECUTE '" + statement + "'; END$$", "0A000");
  CHECK_ANSWER(b.session->rollback(b.xid), XA_OK);
}

TEST_CASE("what cannot run inside a transaction dooms the branch") {
  Begun b;
  b.check_doomed("VACUUM " + b.corner.table(), "25001");
  b.check_doomed("CREATE INDEX CONCURRENTLY ON " + b.corner.table() + " (amount)", "25001");
  b.check_doomed("COMMIT PREPARED 'x'", "25001");
  CHECK_ANSWER(b.session->rollback(b.xid), XA_OK);
}

TEST_CASE("settings last until the branch ends") {
  Begun b;
  const std::string first = "SHOW work_mem";
  const std::string before = sql(*b.session, first).value;
  SECTION("SET") { CHECK(sql(*b.session, "SET work_mem = '8765kB'").ok); }
  SECTION("SET LOCAL") { CHECK(sql(*b.session, "SET LOCAL work_mem = '8765kB'").ok); }
  SECTION("in a query") {
    CHECK(sql(*b.session, "SELECT set_config('work_mem', '8765kB', false)").ok);
  }
  SECTION("SET CONSTRAINTS") { CHECK(sql(*b.session, "SET CONSTRAINTS ALL DEFERRED").ok); }
  b.write();
  CHECK_ANSWER(b.session->prepare(b.xid), XA_OK);
  CHECK_ANSWER(b.session->commit_prepared(b.xid), XA_OK);
  REQUIRE(b.session->begin(b.xid = b.corner.xid()).code == XA_OK);
  CHECK(sql(*b.session, first).value == before);
  CHECK_ANSWER(b.session->rollback(b.xid), XA_OK);
}
