// The ordinary life of a branch, and what PostgreSQL refuses at PREPARE TRANSACTION.
// Traps 1, 5 and 8: success that means rollback, duplicate names, refusals.

#include <xabridge/codes.hpp>

#include "fixture.hpp"

using namespace xabridge;
using namespace xabridge::test;

TEST_CASE("a branch is prepared and committed and its work is visible") {
  Corner corner;
  const SessionPtr session = corner.connect();
  const Xid xid = corner.xid();
  CHECK_ANSWER(session->begin(xid), XA_OK);
  CHECK(sql(*session, corner.add(1, -30)).ok);
  CHECK_ANSWER(session->end(xid), XA_OK);
  CHECK_ANSWER(session->prepare(xid), XA_OK);
  CHECK(session->reusable());
  CHECK(corner.listed(xid));
  CHECK(corner.amount(1) == 100);
  CHECK_ANSWER(session->commit_prepared(xid), XA_OK);
  CHECK(corner.amount(1) == 70);
  CHECK_FALSE(corner.listed(xid));
}

TEST_CASE("a prepared branch is rolled back") {
  Corner corner;
  const SessionPtr session = corner.connect();
  const Xid xid = corner.xid();
  CHECK_ANSWER(session->begin(xid), XA_OK);
  CHECK(sql(*session, corner.add(1, -30)).ok);
  CHECK_ANSWER(session->end(xid), XA_OK);
  CHECK_ANSWER(session->prepare(xid), XA_OK);
  CHECK_ANSWER(session->rollback_prepared(xid), XA_OK);
  CHECK(corner.amount(1) == 100);
}

TEST_CASE("a branch commits in one phase and the session serves the next one") {
  Corner corner;
  const SessionPtr session = corner.connect();
  for (int round = 1; round <= 3; ++round) {
    const Xid xid = corner.xid();
    CHECK_ANSWER(session->begin(xid), XA_OK);
    CHECK(sql(*session, corner.add(1, 1)).ok);
    CHECK_ANSWER(session->end(xid), XA_OK);
    CHECK_ANSWER(session->commit_one_phase(xid), XA_OK);
    CHECK(session->reusable());
    CHECK(corner.amount(1) == 100 + round);
  }
}

TEST_CASE("an unprepared branch is rolled back before and after its end") {
  Corner corner;
  const SessionPtr session = corner.connect();
  for (const bool ended : {false, true}) {
    const Xid xid = corner.xid();
    CHECK_ANSWER(session->begin(xid), XA_OK);
    CHECK(sql(*session, corner.add(1, 1)).ok);
    if (ended) CHECK_ANSWER(session->end(xid), XA_OK);
    CHECK_ANSWER(session->rollback(xid), XA_OK);
    CHECK(session->reusable());
    CHECK(corner.amount(1) == 100);
  }
}

TEST_CASE("a session that is closed rolls its branch back") {
  Corner corner;
  SessionPtr session = corner.connect();
  CHECK_ANSWER(session->begin(corner.xid()), XA_OK);
  CHECK(sql(*session, corner.add(1, 1)).ok);
  session.reset();
  // Waits for the lock the branch held, so the server has finished with it.
  CHECK(sql(corner.admin(), corner.add(1, 5)).ok);
  CHECK(corner.amount(1) == 105);
}

TEST_CASE("a branch cannot begin inside a local transaction") {
  Corner corner;
  const SessionPtr session = corner.connect();
  const Xid xid = corner.xid();
  CHECK(sql(*session, "BEGIN").ok);
  CHECK_ANSWER(session->begin(xid), XAER_OUTSIDE);
  CHECK(sql(*session, "ROLLBACK").ok);
  CHECK_ANSWER(session->begin(xid), XA_OK);
  CHECK_ANSWER(session->rollback(xid), XA_OK);
}

// Trap 1: the server answers PREPARE TRANSACTION and COMMIT with success, and means rollback.
TEST_CASE("a failed statement the application ignored dooms the branch") {
  Corner corner;
  const SessionPtr session = corner.connect();
  const Xid xid = corner.xid();
  CHECK_ANSWER(session->begin(xid), XA_OK);
  CHECK(sql(*session, corner.add(1, 1)).ok);
  CHECK(sql(*session, "INSERT INTO " + corner.table() + " VALUES (1, 1)").sqlstate == "23505");
  CHECK(sql(*session, corner.add(2, 1)).sqlstate == "25P02");

  SECTION("end says why") {
    CHECK(session->doomed() == XA_RBINTEGRITY);
    const rm::Answer answer = session->end(xid);
    CHECK(answer.code == XA_RBINTEGRITY);
    REQUIRE(answer.error.has_value());
    CHECK(answer.error->sqlstate == "23505");
    CHECK(answer.error->server_text.find("duplicate key") != std::string::npos);
    CHECK_ANSWER(session->rollback(xid), XA_OK);
  }
  SECTION("prepare does not take the server's success for a yes") {
    CHECK_ANSWER(session->prepare(xid), XA_RBINTEGRITY);
    CHECK_FALSE(corner.listed(xid));
  }
  SECTION("neither does commit in one phase") {
    CHECK_ANSWER(session->commit_one_phase(xid), XA_RBINTEGRITY);
  }
  CHECK(corner.amount(1) == 100);
  CHECK(session->reusable());
}

TEST_CASE("a failure rolled back to a savepoint does not doom the branch") {
  Corner corner;
  const SessionPtr session = corner.connect();
  const Xid xid = corner.xid();
  CHECK_ANSWER(session->begin(xid), XA_OK);
  CHECK(sql(*session, corner.add(1, 1)).ok);
  CHECK(sql(*session, "SAVEPOINT s").ok);
  CHECK(sql(*session, "SELECT 1/0").sqlstate == "22012");
  CHECK(sql(*session, "ROLLBACK TO SAVEPOINT s").tag == "ROLLBACK");
  CHECK_ANSWER(session->end(xid), XA_OK);
  CHECK_ANSWER(session->prepare(xid), XA_OK);
  CHECK_ANSWER(session->commit_prepared(xid), XA_OK);
  CHECK(corner.amount(1) == 101);
}

// Trap 8: what only fails at PREPARE TRANSACTION.
TEST_CASE("a deferred constraint that fails at prepare rolls the branch back") {
  Corner corner;
  REQUIRE(sql(corner.admin(), "ALTER TABLE " + corner.table() + " ADD other int REFERENCES " +
                                  corner.table() + " DEFERRABLE INITIALLY DEFERRED")
              .ok);
  const SessionPtr session = corner.connect();
  const Xid xid = corner.xid();
  CHECK_ANSWER(session->begin(xid), XA_OK);
  CHECK(sql(*session, "INSERT INTO " + corner.table() + " VALUES (5, 1, 77)").ok);
  CHECK_ANSWER(session->end(xid), XA_OK);
  SECTION("in two phases") {
    const rm::Answer answer = session->prepare(xid);
    CHECK_ANSWER(answer, XA_RBINTEGRITY);
    REQUIRE(answer.error.has_value());
    CHECK(answer.error->sqlstate == "23503");
    CHECK(answer.error->server_text.find("violates foreign key") != std::string::npos);
  }
  SECTION("in one phase") { CHECK_ANSWER(session->commit_one_phase(xid), XA_RBINTEGRITY); }
  CHECK_FALSE(corner.listed(xid));
  CHECK(session->reusable());
  CHECK(corner.amount(5) == 0);
}

TEST_CASE("what PREPARE TRANSACTION does not allow rolls the branch back with the reason") {
  Corner corner;
  const SessionPtr session = corner.connect();
  const std::string name = unique_name("x");
  for (const std::string& statement :
       {"CREATE TEMPORARY TABLE " + name + " (i int)", "LISTEN " + name, "NOTIFY " + name,
        "DECLARE " + name + " CURSOR WITH HOLD FOR SELECT 1"}) {
    INFO(statement);
    const Xid xid = corner.xid();
    CHECK_ANSWER(session->begin(xid), XA_OK);
    CHECK(sql(*session, corner.add(1, 1)).ok);
    CHECK(sql(*session, statement).ok);
    CHECK_ANSWER(session->end(xid), XA_OK);
    const rm::Answer answer = session->prepare(xid);
    CHECK_ANSWER(answer, XA_RBOTHER);
    REQUIRE(answer.error.has_value());
    CHECK(answer.error->sqlstate == "0A000");
    CHECK_FALSE(answer.error->server_text.empty());
    CHECK(answer.error->connection_usable);
    CHECK(session->reusable());
    CHECK(corner.amount(1) == 100);
  }
}

// Trap 5.
TEST_CASE("a branch whose XID is prepared already does not begin") {
  Corner corner;
  const SessionPtr session = corner.connect();
  const Xid xid = corner.xid();
  CHECK_ANSWER(session->begin(xid), XA_OK);
  CHECK(sql(*session, corner.add(1, 1)).ok);
  CHECK_ANSWER(session->end(xid), XA_OK);
  CHECK_ANSWER(session->prepare(xid), XA_OK);
  CHECK_ANSWER(session->begin(xid), XAER_DUPID);
  CHECK(session->reusable());
  CHECK_ANSWER(session->commit_prepared(xid), XA_OK);
  CHECK_ANSWER(session->begin(xid), XA_OK);
  CHECK_ANSWER(session->rollback(xid), XA_OK);
  CHECK(corner.amount(1) == 101);
}

TEST_CASE("a name that is prepared meanwhile is refused and the first branch untouched") {
  Corner corner;
  const SessionPtr one = corner.connect();
  const SessionPtr two = corner.connect();
  const Xid xid = corner.xid();
  CHECK_ANSWER(one->begin(xid), XA_OK);
  CHECK_ANSWER(two->begin(xid), XA_OK);
  CHECK(sql(*one, corner.add(1, 1)).ok);
  CHECK(sql(*two, corner.add(2, 1)).ok);
  CHECK_ANSWER(one->prepare(xid), XA_OK);
  const rm::Answer answer = two->prepare(xid);
  CHECK_ANSWER(answer, XA_RBPROTO);
  REQUIRE(answer.error.has_value());
  CHECK(answer.error->sqlstate == "42710");
  CHECK_ANSWER(one->commit_prepared(xid), XA_OK);
  CHECK(corner.amount(1) == 101);
  CHECK(corner.amount(2) == 100);
}

// The look for a prepared namesake is no part of the branch: it would have fixed the snapshot.
TEST_CASE("the first statement of a branch is the application's") {
  Corner corner;
  const SessionPtr session =
      corner.connect("options='-c default_transaction_isolation=repeatable\\\\ read'");
  const Xid xid = corner.xid();
  CHECK_ANSWER(session->begin(xid), XA_OK);
  CHECK(sql(corner.admin(), corner.add(1, 5)).ok);
  SECTION("and takes the snapshot") {
    CHECK(sql(*session, "SELECT amount FROM " + corner.table() + " WHERE id = 1").value == "105");
  }
  SECTION("and may choose the isolation level") {
    CHECK(sql(*session, "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE").ok);
  }
  CHECK_ANSWER(session->rollback(xid), XA_OK);
}

TEST_CASE("the isolation level the role has is the branch's") {
  Corner corner;
  const SessionPtr session =
      corner.connect("options='-c default_transaction_isolation=serializable'");
  const Xid xid = corner.xid();
  CHECK_ANSWER(session->begin(xid), XA_OK);
  CHECK(sql(*session, "SHOW transaction_isolation").value == "serializable");
  CHECK(sql(*session, "SHOW transaction_read_only").value == "off");
  CHECK_ANSWER(session->rollback(xid), XA_OK);
  const SessionPtr plain = corner.connect();
  CHECK_ANSWER(plain->begin(xid), XA_OK);
  CHECK(sql(*plain, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").ok);
  CHECK(sql(*plain, "SHOW transaction_isolation").value == "repeatable read");
  CHECK_ANSWER(plain->rollback(xid), XA_OK);
}

TEST_CASE("a role that is read-only by default keeps read-only branches") {
  Corner corner;
  const SessionPtr session = corner.connect("options='-c default_transaction_read_only=on'");
  const Xid xid = corner.xid();
  CHECK_ANSWER(session->begin(xid), XA_OK);
  CHECK(sql(*session, corner.add(1, 1)).sqlstate == "25006");
  CHECK_ANSWER(session->end(xid), XA_RBPROTO);
  CHECK_ANSWER(session->rollback(xid), XA_OK);
}

TEST_CASE("settings made in one branch are gone in the next") {
  Corner corner;
  const SessionPtr session = corner.connect();
  const Xid first = corner.xid();
  CHECK_ANSWER(session->begin(first), XA_OK);
  CHECK(sql(*session, "SET search_path = pg_catalog").ok);
  CHECK(sql(*session, "SET default_transaction_read_only = off").ok);
  CHECK_ANSWER(session->end(first), XA_OK);
  CHECK_ANSWER(session->commit_one_phase(first), XA_OK);
  const Xid second = corner.xid();
  CHECK_ANSWER(session->begin(second), XA_OK);
  CHECK(sql(*session, "SHOW search_path").value == "\"$user\", public");
  CHECK(sql(*session, "SHOW default_transaction_read_only").value == "on");
  CHECK(sql(*session, "SHOW client_connection_check_interval").value == "2s");
  CHECK(sql(*session, corner.add(1, 1)).ok);
  CHECK_ANSWER(session->rollback(second), XA_OK);
}

TEST_CASE("a role taken in one branch is given back and the configured one kept") {
  Corner corner;
  const std::string admin = environment("XABRIDGE_TEST_POSTGRESQL_ADMIN");
  for (const auto& [options, role] :
       {std::pair{std::string(), std::string("xabridge_admin")},
        std::pair{std::string(" options='-c role=xabridge'"), std::string("xabridge")}}) {
    const SessionPtr session = open_session(admin + options);
    const Xid first = corner.xid();
    CHECK_ANSWER(session->begin(first), XA_OK);
    CHECK(sql(*session, "SET ROLE xabridge_other").ok);
    CHECK_ANSWER(session->end(first), XA_OK);
    CHECK_ANSWER(session->commit_one_phase(first), XA_OK);
    const Xid second = corner.xid();
    CHECK_ANSWER(session->begin(second), XA_OK);
    CHECK(sql(*session, "SELECT current_user").value == role);
    CHECK_ANSWER(session->rollback(second), XA_OK);
  }
}
