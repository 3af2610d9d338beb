// Writes that a server refuses because it is read-only, for good or for now.

#include <xabridge/codes.hpp>

#include "fixture.hpp"

using namespace xabridge;
using namespace xabridge::test;

namespace {

bool says(const rm::Answer& answer, const std::string& words) {
  INFO(text_of(answer));
  return answer.error && answer.error->to_string().find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("a session of a read-only default is given up when it refuses a write") {
  Corner corner;
  const SessionPtr session = corner.connect("options='-c default_transaction_read_only=on'");
  const Xid xid = corner.xid();
  REQUIRE(session->begin(xid).code == XA_OK);
  CHECK(sql(*session, corner.add(1, 1)).sqlstate == "25006");
  CHECK(session->doomed() == XA_RBPROTO);
  SECTION("ended") {
    const rm::Answer answer = session->end(xid);
    CHECK_ANSWER(answer, XA_RBPROTO);
    CHECK(says(answer, "read-only transaction"));
    CHECK_ANSWER(session->rollback(xid), XA_OK);
  }
  SECTION("rolled back") { CHECK_ANSWER(session->rollback(xid), XA_OK); }
  SECTION("committed in one phase") { CHECK_ANSWER(session->commit_one_phase(xid), XA_RBPROTO); }
  CHECK_FALSE(session->reusable());
  CHECK(corner.amount(1) == 100);
}

TEST_CASE("a branch that the application made read-only is not to be repeated") {
  Corner corner;
  const SessionPtr session = corner.connect();
  const Xid xid = corner.xid();
  REQUIRE(session->begin(xid).code == XA_OK);
  REQUIRE(sql(*session, "SET TRANSACTION READ ONLY").ok);
  CHECK(sql(*session, corner.add(1, 1)).sqlstate == "25006");
  CHECK_ANSWER(session->end(xid), XA_RBPROTO);
  CHECK_ANSWER(session->rollback(xid), XA_OK);
}

TEST_CASE("a commit that is refused as read-only is rolled back and known to be") {
  Corner corner;
  const std::string name = unique_name("late");
  REQUIRE(sql(corner.admin(), "CREATE TABLE " + name + " (i int)").ok);
  REQUIRE(sql(corner.admin(), "GRANT ALL ON " + name + " TO PUBLIC").ok);
  REQUIRE(sql(corner.admin(), "CREATE FUNCTION " + name +
                                  "() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO " +
                                  name + " VALUES (1); RETURN NULL; END$$")
              .ok);
  REQUIRE(sql(corner.admin(), "CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON " + corner.table() +
                                  " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION " +
                                  name + "()")
              .ok);
  const SessionPtr session = corner.connect();
  const Xid xid = corner.xid();
  REQUIRE(session->begin(xid).code == XA_OK);
  REQUIRE(sql(*session, corner.add(1, 1)).ok);
  REQUIRE(sql(*session, "SET TRANSACTION READ ONLY").ok);
  CHECK_ANSWER(session->end(xid), XA_OK);
  const bool one_phase = GENERATE(true, false);
  const rm::Answer answer = one_phase ? session->commit_one_phase(xid) : session->prepare(xid);
  CHECK(is_rollback(answer.code));
  CHECK(says(answer, "cannot execute INSERT in a read-only transaction"));
  CHECK(answer.error->sqlstate == "25006");
  CHECK(answer.error->outcome_known);
  CHECK_FALSE(session->reusable());
  CHECK(corner.amount(1) == 100);
  CHECK(sql(corner.admin(), "DROP FUNCTION " + name + " CASCADE").ok);
  CHECK(sql(corner.admin(), "DROP TABLE " + name).ok);
}

TEST_CASE("the server's reason for ending a session is in the answer with its code") {
  Corner corner;
  const SessionPtr session = corner.connect();
  const Xid xid = corner.xid();
  REQUIRE(session->begin(xid).code == XA_OK);
  REQUIRE(sql(*session, corner.add(1, 1)).ok);
  const std::string pid = session->server_id();
  const std::string end = "SELECT pg_terminate_backend(" + pid + ", 10000)";
  REQUIRE(sql(corner.admin(), end).ok);
  SECTION("at rest") {}
  SECTION("met by a statement") { CHECK_FALSE(sql(*session, "SELECT 1").ok); }
  const rm::Answer answer = session->end(xid);
  CHECK_ANSWER(answer, XAER_RMFAIL);
  REQUIRE(answer.error.has_value());
  CHECK(answer.error->sqlstate == "57P01");
  CHECK(says(answer, "administrator command"));
  CHECK_FALSE(session->reusable());
}
