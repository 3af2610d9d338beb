// Connections the application left in the middle of something: end() neither hangs nor says yes.

#include <xabridge/codes.hpp>

#include "fixture.hpp"

using namespace xabridge;
using namespace xabridge::test;

namespace {

struct Begun {
  Corner corner;
  SessionPtr session = corner.connect();
  Xid xid = corner.xid();
  PGconn* connection = static_cast<PGconn*>(session->native());
  Begun() {
    REQUIRE(session->begin(xid).code == XA_OK);
    REQUIRE(sql(*session, corner.add(1, 1)).ok);
  }
};

}  // namespace

TEST_CASE("unfinished business on the connection rolls the branch back") {
  Begun b;
  SECTION("a result that was not read") {
    CHECK(PQsendQuery(b.connection, b.corner.add(2, 1).c_str()) == 1);
  }
  SECTION("a statement that is running") {
    CHECK(PQsendQuery(b.connection, "SELECT pg_sleep(600)") == 1);
  }
  SECTION("COPY FROM") {
    CHECK_FALSE(sql(b.connection, "COPY " + b.corner.table() + " FROM STDIN").ok);
    CHECK(PQputCopyData(b.connection, "5\t1\n", 4) == 1);
  }
  SECTION("COPY TO of more than any buffer holds") {
    CHECK_FALSE(sql(b.connection, "COPY (SELECT generate_series(1, 100000000)) TO STDOUT").ok);
  }
  SECTION("a pipeline without a synchronisation point") {
    CHECK(PQenterPipelineMode(b.connection) == 1);
    CHECK(PQsendQueryParams(b.connection, b.corner.add(2, 1).c_str(), 0, nullptr, nullptr, nullptr,
                            nullptr, 0) == 1);
  }
  SECTION("a pipeline with a running statement") {
    CHECK(PQenterPipelineMode(b.connection) == 1);
    CHECK(PQsendQueryParams(b.connection, "SELECT pg_sleep(600)", 0, nullptr, nullptr, nullptr,
                            nullptr, 0) == 1);
    CHECK(PQpipelineSync(b.connection) == 1);
  }
  SECTION("rows in single row mode") {
    CHECK(PQsendQuery(b.connection, "SELECT generate_series(1, 10000)") == 1);
    CHECK(PQsetSingleRowMode(b.connection) == 1);
    PQclear(PQgetResult(b.connection));
  }
  const rm::Answer answer = b.session->end(b.xid);
  CHECK_ANSWER(answer, XA_RBPROTO);
  CHECK_ANSWER(b.session->rollback(b.xid), XA_OK);
  CHECK(b.corner.amount(1) == 100);
  CHECK(b.corner.amount(2) == 100);
  CHECK(b.session->alive());
  CHECK_FALSE(b.session->reusable());  // a cancel may still be on its way
}

TEST_CASE("modes that only have to be left do no harm") {
  Begun b;
  SECTION("an empty pipeline") { CHECK(PQenterPipelineMode(b.connection) == 1); }
  SECTION("non-blocking mode") { CHECK(PQsetnonblocking(b.connection, 1) == 0); }
  SECTION("the null after the last result not fetched") {
    CHECK(PQsendQuery(b.connection, b.corner.add(2, 1).c_str()) == 1);
    const ResultSet result(PQgetResult(b.connection));
    CHECK(PQresultStatus(result.get()) == PGRES_COMMAND_OK);
  }
  CHECK_ANSWER(b.session->end(b.xid), XA_OK);
  CHECK_ANSWER(b.session->prepare(b.xid), XA_OK);
  CHECK_ANSWER(b.session->commit_prepared(b.xid), XA_OK);
  CHECK(b.session->reusable());
  CHECK(b.corner.amount(1) == 101);
}

TEST_CASE("rollback without end also stops a running statement") {
  Begun b;
  CHECK(PQsendQuery(b.connection, "SELECT pg_sleep(600)") == 1);
  CHECK_ANSWER(b.session->rollback(b.xid), XA_OK);
  CHECK(b.corner.amount(1) == 100);
}
