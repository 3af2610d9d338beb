// Things that go wrong under a branch: lost connections, deadlocks, serialization, interrupts.

#include <future>
#include <xabridge/codes.hpp>

#include "fixture.hpp"

using namespace xabridge;
using namespace xabridge::test;

namespace {

void begin_with_work(Corner& corner, rm::Session& session, const Xid& xid, int id = 1) {
  REQUIRE(session.begin(xid).code == XA_OK);
  REQUIRE(sql(session, corner.add(id, 1)).ok);
}

// Ends the server process of a session, and returns when it is gone.
void terminate(Corner& corner, rm::Session& session) {
  const std::string pid = session.server_id();
  REQUIRE(sql(corner.admin(), "SELECT pg_terminate_backend(" + pid + ")").value == "t");
  REQUIRE(eventually([&] {
    return sql(corner.admin(), "SELECT count(*) FROM pg_stat_activity WHERE pid = " + pid).value ==
           "0";
  }));
}

void check_lost(const rm::Answer& answer, bool outcome_known) {
  CHECK_ANSWER(answer, XAER_RMFAIL);
  REQUIRE(answer.error.has_value());
  CHECK_FALSE(answer.error->connection_usable);
  CHECK(answer.error->outcome_known == outcome_known);
}

}  // namespace

TEST_CASE("a connection killed under a branch is RMFAIL and known to be rolled back") {
  Corner corner;
  const SessionPtr session = corner.connect();
  const Xid xid = corner.xid();
  begin_with_work(corner, *session, xid);
  terminate(corner, *session);
  SECTION("at end") {
    const rm::Answer answer = session->end(xid);
    check_lost(answer, true);
    CHECK(answer.error->server_text.find("administrator command") != std::string::npos);
  }
  SECTION("at prepare") { check_lost(session->prepare(xid), true); }
  SECTION("at commit in one phase: nothing was sent") {
    const rm::Answer answer = session->commit_one_phase(xid);
    CHECK_ANSWER(answer, XA_RBCOMMFAIL);
    REQUIRE(answer.error.has_value());
    CHECK_FALSE(answer.error->connection_usable);
  }
  SECTION("at rollback") { check_lost(session->rollback(xid), true); }
  CHECK_FALSE(session->reusable());
  CHECK_FALSE(session->alive());
  CHECK(corner.amount(1) == 100);
}

TEST_CASE("a connection killed at rest is RMFAIL in every call that needs it") {
  Corner corner;
  const Xid xid = corner.xid();
  const SessionPtr session = corner.connect();
  terminate(corner, *session);
  SECTION("begin") { check_lost(session->begin(xid), true); }
  SECTION("commit of a prepared branch") { check_lost(session->commit_prepared(xid), true); }
  SECTION("rollback of a prepared branch") { check_lost(session->rollback_prepared(xid), true); }
  SECTION("list") {
    const auto list = session->prepared(true);
    REQUIRE_FALSE(list.ok());
    CHECK(list.error().xa_code == XAER_RMFAIL);
    CHECK_FALSE(list.error().connection_usable);
  }
  CHECK_FALSE(session->alive());
}

TEST_CASE("a reply lost during prepare is unknown and during commit the server is asked") {
  Corner corner;
  const bool one_phase = GENERATE(true, false);
  // A deferred trigger that waits for a lock holds COMMIT and PREPARE TRANSACTION open.
  const std::string function = unique_name("f");
  REQUIRE(sql(corner.admin(), "CREATE FUNCTION " + function +
                                  "() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM "
                                  "pg_advisory_xact_lock(hashtext('" +
                                  function + "')); RETURN NULL; END$$")
              .ok);
  REQUIRE(sql(corner.admin(), "CREATE CONSTRAINT TRIGGER slow AFTER UPDATE ON " + corner.table() +
                                  " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION " +
                                  function + "()")
              .ok);
  REQUIRE(sql(corner.admin(), "SELECT pg_advisory_lock(hashtext('" + function + "'))").ok);

  const SessionPtr session = corner.connect();
  const Xid xid = corner.xid();
  begin_with_work(corner, *session, xid);
  CHECK_ANSWER(session->end(xid), XA_OK);
  auto answer = std::async(std::launch::async, [&] {
    return one_phase ? session->commit_one_phase(xid) : session->prepare(xid);
  });
  corner.wait_until_blocked(*session);
  terminate(corner, *session);
  if (one_phase)
    CHECK_ANSWER(answer.get(), XA_RBCOMMFAIL);
  else
    check_lost(answer.get(), false);
  CHECK_FALSE(session->reusable());
  CHECK(corner.amount(1) == 100);
  CHECK(sql(corner.admin(), "SELECT pg_advisory_unlock_all()").ok);
  CHECK(sql(corner.admin(), "DROP FUNCTION " + function + " CASCADE").ok);
}

TEST_CASE("the victim of a deadlock answers RBDEADLOCK") {
  Corner corner;
  const SessionPtr one = corner.connect();
  const SessionPtr two = corner.connect();
  const Xid x = corner.xid();
  const Xid y = corner.xid();
  begin_with_work(corner, *one, x, 1);
  begin_with_work(corner, *two, y, 2);
  auto crossing = std::async(std::launch::async, [&] { return sql(*one, corner.add(2, 1)); });
  corner.wait_until_blocked(*one);
  const Sql second = sql(*two, corner.add(1, 1));
  const Sql first = second.ok ? crossing.get() : Sql{};
  rm::Session& victim = second.ok ? *one : *two;
  CHECK((second.ok ? first : second).sqlstate == "40P01");
  CHECK(victim.doomed() == XA_RBDEADLOCK);
  CHECK_ANSWER(victim.end(second.ok ? x : y), XA_RBDEADLOCK);
  CHECK_ANSWER(victim.rollback(second.ok ? x : y), XA_OK);
  if (!second.ok) CHECK(crossing.get().ok);
}

TEST_CASE("a serialization failure answers RBTRANSIENT") {
  Corner corner;
  const SessionPtr session = corner.connect();
  const Xid xid = corner.xid();
  CHECK_ANSWER(session->begin(xid), XA_OK);
  CHECK(sql(*session, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").ok);
  CHECK(sql(*session, "SELECT amount FROM " + corner.table()).ok);
  CHECK(sql(corner.admin(), corner.add(1, 5)).ok);
  CHECK(sql(*session, corner.add(1, 1)).sqlstate == "40001");
  CHECK_ANSWER(session->end(xid), XA_RBTRANSIENT);
  CHECK_ANSWER(session->rollback(xid), XA_OK);
  CHECK(corner.amount(1) == 105);
}

TEST_CASE("a write skew found only at prepare answers RBTRANSIENT") {
  Corner corner;
  const SessionPtr one = corner.connect("options='-c default_transaction_isolation=serializable'");
  const SessionPtr two = corner.connect("options='-c default_transaction_isolation=serializable'");
  const Xid x = corner.xid();
  const Xid y = corner.xid();
  const std::string read = "SELECT sum(amount) FROM " + corner.table();
  CHECK_ANSWER(one->begin(x), XA_OK);
  CHECK_ANSWER(two->begin(y), XA_OK);
  CHECK(sql(*one, read).ok);
  CHECK(sql(*two, read).ok);
  CHECK(sql(*one, corner.add(1, 1)).ok);
  CHECK(sql(*two, corner.add(2, 1)).ok);
  CHECK_ANSWER(one->end(x), XA_OK);
  CHECK_ANSWER(two->end(y), XA_OK);
  CHECK_ANSWER(one->prepare(x), XA_OK);
  CHECK_ANSWER(two->prepare(y), XA_RBTRANSIENT);
  CHECK_ANSWER(one->commit_prepared(x), XA_OK);
  CHECK(corner.amount(1) == 101);
  CHECK(corner.amount(2) == 100);
}

TEST_CASE("an interrupted statement ends and its branch answers RBTIMEOUT") {
  Corner corner;
  const SessionPtr holder = corner.connect();
  const SessionPtr session = corner.connect();
  const Xid h = corner.xid();
  const Xid xid = corner.xid();
  begin_with_work(corner, *holder, h, 1);
  CHECK_ANSWER(session->begin(xid), XA_OK);
  auto blocked = std::async(std::launch::async, [&] { return sql(*session, corner.add(1, 1)); });
  corner.wait_until_blocked(*session);
  session->interrupt();
  CHECK(blocked.get().sqlstate == "57014");
  CHECK_ANSWER(session->end(xid), XA_RBTIMEOUT);
  CHECK_ANSWER(session->rollback(xid), XA_OK);
  CHECK_FALSE(session->reusable());
  CHECK_ANSWER(holder->rollback(h), XA_OK);
}

TEST_CASE("an interrupt that finds no statement dooms the branch all the same") {
  Corner corner;
  const SessionPtr session = corner.connect();
  const Xid xid = corner.xid();
  begin_with_work(corner, *session, xid);
  session->interrupt();
  const rm::Answer answer = session->end(xid);
  CHECK_ANSWER(answer, XA_RBTIMEOUT);
  CHECK_ANSWER(session->rollback(xid), XA_OK);
  CHECK_FALSE(session->reusable());
}
