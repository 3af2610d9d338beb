// Which branches are finished at prepare: those that changed nothing, and no other.

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
  void check_read_only() {
    CHECK_ANSWER(session->end(xid), XA_OK);
    CHECK_ANSWER(session->prepare(xid), XA_RDONLY);
    CHECK_FALSE(corner.listed(xid));
    CHECK(session->reusable());
    CHECK_ANSWER(session->commit_prepared(xid), XAER_NOTA);
  }
  void check_prepared() {
    CHECK_ANSWER(session->end(xid), XA_OK);
    CHECK_ANSWER(session->prepare(xid), XA_OK);
    CHECK(corner.listed(xid));
  }
};

}  // namespace

TEST_CASE("a branch that only read is finished at prepare") {
  Begun b;
  PGconn* const connection = static_cast<PGconn*>(b.session->native());
  SECTION("nothing at all") {}
  SECTION("a query") { CHECK(sql(*b.session, "SELECT * FROM " + b.corner.table()).ok); }
  SECTION("a prepared statement") {
    CHECK(sql(*b.session, "PREPARE q AS SELECT 1; EXECUTE q; DEALLOCATE q").ok);
    PQclear(PQprepare(connection, "r", "SELECT 1", 0, nullptr));
    PQclear(PQexecPrepared(connection, "r", 0, nullptr, nullptr, nullptr, 0));
  }
  SECTION("a cursor") {
    CHECK(sql(*b.session, "DECLARE c CURSOR FOR SELECT 1; FETCH c; MOVE c; CLOSE c").ok);
  }
  SECTION("a savepoint rolled back after a failure") {
    CHECK(sql(*b.session, "SAVEPOINT s").ok);
    CHECK_FALSE(sql(*b.session, "SELECT 1/0").ok);
    CHECK(sql(*b.session, "ROLLBACK TO s; RELEASE s").ok);
  }
  SECTION("settings") { CHECK(sql(*b.session, "SET work_mem = '8MB'; SHOW work_mem").ok); }
  b.check_read_only();
}

TEST_CASE("a branch that wrote is prepared however it wrote") {
  Begun b;
  PGconn* const connection = static_cast<PGconn*>(b.session->native());
  SECTION("plainly") { CHECK(sql(*b.session, b.corner.add(1, 1)).ok); }
  SECTION("in a query") {
    CHECK(sql(*b.session, "WITH w AS (" + b.corner.add(1, 1) + " RETURNING 1) SELECT * FROM w").ok);
  }
  SECTION("in a function") {
    const std::string name = unique_name("f");
    REQUIRE(sql(b.corner.admin(), "CREATE FUNCTION " + name + "() RETURNS int LANGUAGE sql AS $$" +
                                      b.corner.add(1, 1) + " RETURNING 1$$")
                .ok);
    CHECK(sql(*b.session, "SELECT " + name + "()").ok);
    CHECK(sql(b.corner.admin(), "DROP FUNCTION " + name).ok);
  }
  SECTION("by locking rows") {
    CHECK(sql(*b.session, "SELECT 1 FROM " + b.corner.table() + " FOR UPDATE").ok);
  }
  SECTION("in a savepoint and released") {
    CHECK(sql(*b.session, "SAVEPOINT s; " + b.corner.add(1, 1) + "; RELEASE s").ok);
  }
  SECTION("by COPY") {
    CHECK_FALSE(sql(connection, "COPY " + b.corner.table() + " FROM STDIN").ok);
    CHECK(PQputCopyData(connection, "5\t1\n", 4) == 1);
    CHECK(PQputCopyEnd(connection, nullptr) == 1);
    while (PGresult* const result = PQgetResult(connection)) PQclear(result);
  }
  // No result of these calls passes by: only the server can tell.
  SECTION("a large object through the client library's own calls") {
    const Oid oid = lo_creat(connection, INV_WRITE);
    CHECK(oid != InvalidOid);
    b.check_prepared();
    CHECK_ANSWER(b.session->commit_prepared(b.xid), XA_OK);
    const std::string id = std::to_string(oid);
    CHECK(sql(b.corner.admin(), "SELECT count(*) FROM pg_largeobject_metadata WHERE oid = " + id)
              .value == "1");
    CHECK(sql(b.corner.admin(), "SELECT lo_unlink(" + id + ")").ok);
    return;
  }
  b.check_prepared();
}

TEST_CASE("what PREPARE TRANSACTION refuses is refused though nothing was written") {
  Begun b;
  const std::string name = unique_name("x");
  SECTION("NOTIFY") { CHECK(sql(*b.session, "NOTIFY " + name).ok); }
  SECTION("pg_notify") { CHECK(sql(*b.session, "SELECT pg_notify('" + name + "', '')").ok); }
  SECTION("LISTEN") { CHECK(sql(*b.session, "LISTEN " + name).ok); }
  SECTION("WITH HOLD") {
    CHECK(sql(*b.session, "DECLARE " + name + " CURSOR WITH HOLD FOR SELECT 1").ok);
  }
  CHECK_ANSWER(b.session->end(b.xid), XA_OK);
  const rm::Answer answer = b.session->prepare(b.xid);
  CHECK_ANSWER(answer, XA_RBOTHER);
  REQUIRE(answer.error.has_value());
  CHECK(answer.error->sqlstate == "0A000");
  CHECK_FALSE(b.corner.listed(b.xid));
}

TEST_CASE("a write to a foreign table is not committed at prepare") {
  Begun b;
  const ForeignTable foreign(b.corner, *b.session);
  SECTION("that was read only") {
    CHECK(sql(*b.session, "SELECT * FROM " + foreign.name()).ok);
    b.check_read_only();
  }
  // Nothing but the lock tells of it: the tag is SELECT, and no transaction id is assigned.
  SECTION("in a query") {
    CHECK(sql(*b.session, "WITH w AS (UPDATE " + foreign.name() +
                              " SET amount = 1 WHERE id = 1 RETURNING 1) SELECT * FROM w")
              .ok);
    const rm::Answer answer = b.session->prepare(b.xid);
    CHECK_ANSWER(answer, XA_RBOTHER);  // postgres_fdw cannot prepare
    CHECK(b.corner.amount(1) == 100);
  }
}

TEST_CASE("a failed statement is a rollback though nothing was written") {
  Begun b;
  CHECK_FALSE(sql(*b.session, "SELECT 1/0").ok);
  CHECK_ANSWER(b.session->prepare(b.xid), XA_RBOTHER);
  CHECK(b.session->reusable());
}
