// One branch in one session: what the server answers while the application behaves, fails or
// cheats.
#include <cppconn/prepared_statement.h>

#include <future>

#include "fixture.hpp"

namespace xabridge::mysql::test {

TEST_CASE("a branch committed in two phases is visible to others only after the second") {
  Fixture f;
  auto session = f.session();
  const Xid xid = f.xid();
  REQUIRE(session->begin(xid).code == XA_OK);
  REQUIRE(f.work(*session, f.set(1, 5)) == 0);
  REQUIRE(session->end(xid).code == XA_OK);
  REQUIRE(session->prepare(xid).code == XA_OK);
  CHECK(f.v(1) == 0);
  CHECK(f.listed(xid));
  // MySQL frees the session at prepare, MariaDB's stays with the branch until phase two.
  CHECK(session->reusable() == !on_mariadb());
  REQUIRE(session->commit_prepared(xid).code == XA_OK);
  CHECK(f.v(1) == 5);
  CHECK(!f.listed(xid));
  CHECK(session->reusable());
}

TEST_CASE("a branch rolled back leaves nothing in whatever phase it was") {
  Fixture f;
  auto session = f.session();
  const Xid xid = f.xid();
  REQUIRE(session->begin(xid).code == XA_OK);
  REQUIRE(f.work(*session, f.set(1, 5)) == 0);
  SECTION("still active") { REQUIRE(session->rollback(xid).code == XA_OK); }
  SECTION("ended") {
    REQUIRE(session->end(xid).code == XA_OK);
    REQUIRE(session->rollback(xid).code == XA_OK);
  }
  SECTION("prepared") {
    REQUIRE(session->end(xid).code == XA_OK);
    REQUIRE(session->prepare(xid).code == XA_OK);
    REQUIRE(session->rollback_prepared(xid).code == XA_OK);
  }
  CHECK(f.v(1) == 0);
  CHECK(!f.listed(xid));
  CHECK(session->reusable());
  REQUIRE(session->begin(xid).code == XA_OK);  // the XID is free again
  REQUIRE(session->rollback(xid).code == XA_OK);
}

TEST_CASE("one-phase commit commits and frees the session") {
  Fixture f;
  auto session = f.session();
  const Xid xid = f.xid();
  REQUIRE(session->begin(xid).code == XA_OK);
  REQUIRE(f.work(*session, f.set(1, 6)) == 0);
  REQUIRE(session->end(xid).code == XA_OK);
  REQUIRE(session->commit_one_phase(xid).code == XA_OK);
  CHECK(f.v(1) == 6);
  CHECK(session->reusable());
}

TEST_CASE("one-phase commit of a prepared branch is refused before it can harm the binary log") {
  Fixture f;
  auto session = f.session();
  const Xid xid = f.xid();
  REQUIRE(session->begin(xid).code == XA_OK);
  CHECK(session->commit_one_phase(xid).code == XAER_PROTO);
  REQUIRE(f.work(*session, f.set(1, 6)) == 0);
  REQUIRE(session->end(xid).code == XA_OK);
  REQUIRE(session->prepare(xid).code == XA_OK);
  CHECK(session->commit_one_phase(xid).code == XAER_PROTO);
  CHECK(f.listed(xid));
  REQUIRE(session->rollback_prepared(xid).code == XA_OK);
}

TEST_CASE("an XID in use is refused and the session stays good") {
  Fixture f;
  auto first = f.session();
  auto second = f.session();
  const Xid xid = f.xid();
  REQUIRE(first->begin(xid).code == XA_OK);
  const auto answer = second->begin(xid);
  CHECK(answer.code == XAER_DUPID);
  CHECK(answer.error->vendor_code == 1440);
  CHECK(second->reusable());
  REQUIRE(first->rollback(xid).code == XA_OK);
}

TEST_CASE("a second branch in a session that has one is an error of ours and drops the session") {
  Fixture f;
  auto session = f.session();
  REQUIRE(session->begin(f.xid()).code == XA_OK);
  const auto answer = session->begin(f.xid());
  CHECK(answer.code == XAER_RMERR);
  CHECK(!answer.error->connection_usable);
  CHECK(!session->reusable());
}

TEST_CASE("a formatID the servers cannot keep is refused before it is sent") {
  Fixture f;
  auto session = f.session();
  const auto answer = session->begin(*Xid::make(2147483648L, "g", "b"));
  CHECK(answer.code == XAER_INVAL);
  CHECK(session->reusable());
  const Xid largest = *Xid::make(2147483647L, unique_name("g"), "b");
  REQUIRE(session->begin(largest).code == XA_OK);
  REQUIRE(session->rollback(largest).code == XA_OK);
}

TEST_CASE("COMMIT or ROLLBACK or DDL typed by hand is refused and the branch goes on") {
  Fixture f;
  auto session = f.session();
  const Xid xid = f.xid();
  REQUIRE(session->begin(xid).code == XA_OK);
  REQUIRE(f.work(*session, f.set(1, 7)) == 0);
  CHECK(f.work(*session, "COMMIT") == 1399);
  CHECK(f.work(*session, "ROLLBACK") == 1399);
  CHECK(f.work(*session, "START TRANSACTION") == 1399);
  CHECK(f.work(*session, "SET autocommit = 1") == 1399);
  CHECK(f.work(*session, "CREATE TABLE " + unique_name("u") + " (i INT)") == 1399);
  // The Connector swallows the refusal of its own calls; the branch must not care.
  auto* connection = static_cast<sql::Connection*>(session->native());
  connection->commit();
  connection->rollback();
  CHECK(f.v(1) == 0);
  REQUIRE(session->end(xid).code == XA_OK);
  REQUIRE(session->commit_one_phase(xid).code == XA_OK);
  CHECK(f.v(1) == 7);
}

TEST_CASE("a failed statement the application ignored undoes itself and nothing else") {
  Fixture f;
  auto session = f.session();
  const Xid xid = f.xid();
  REQUIRE(session->begin(xid).code == XA_OK);
  REQUIRE(f.work(*session, f.set(1, 8)) == 0);
  CHECK(f.work(*session, "INSERT INTO " + f.table + " VALUES (2, 9)") == 1062);
  REQUIRE(session->end(xid).code == XA_OK);
  REQUIRE(session->prepare(xid).code == XA_OK);
  REQUIRE(session->commit_prepared(xid).code == XA_OK);
  CHECK(f.v(1) == 8);
  CHECK(f.v(2) == 0);
}

TEST_CASE("a stray write through a kept connection is never committed") {
  Fixture f;
  auto session = f.session();
  const Xid xid = f.xid();
  REQUIRE(session->begin(xid).code == XA_OK);
  REQUIRE(f.work(*session, f.set(1, 1)) == 0);
  REQUIRE(session->end(xid).code == XA_OK);
  SECTION("after the commit: it is reported once and rolled back at the second find") {
    REQUIRE(session->commit_one_phase(xid).code == XA_OK);
    REQUIRE(f.work(*session, f.set(2, 99)) == 0);
    REQUIRE(rm::set_branch_isolation(GENERATE("", "SERIALIZABLE")));
    const auto first = session->begin(f.xid());
    CHECK(first.code == XAER_OUTSIDE);
    CHECK(first.error->connection_usable);
    CHECK(first.error->message.find("after its transaction has finished") != std::string::npos);
    CHECK(session->reusable());  // or whoever owns that work could not end it
    const auto second = session->begin(f.xid());
    CHECK(second.code == XAER_OUTSIDE);
    CHECK(!second.error->connection_usable);
    CHECK(!session->reusable());
    REQUIRE(rm::set_branch_isolation(""));
    session.reset();
  }
  SECTION("between prepare and commit: it is rolled back and the branch is committed") {
    REQUIRE(session->prepare(xid).code == XA_OK);
    CHECK(f.work(*session, f.set(2, 99)) == (on_mariadb() ? 1399 : 0));
    REQUIRE(session->commit_prepared(xid).code == XA_OK);
    CHECK(session->reusable());
  }
  CHECK(f.v(1) == 1);
  CHECK(eventually([&] { return f.observer.failure(f.set(2, 3)) == 0; }));
  CHECK(f.v(2) == 3);
}

TEST_CASE("work outside any branch that is ended after it was reported is no obstacle") {
  Fixture f;
  auto session = f.session();
  REQUIRE(f.work(*session, f.set(2, 99)) == 0);
  for (int round = 0; round < 2; ++round) {
    const Xid xid = f.xid();
    CHECK(session->begin(xid).code == XAER_OUTSIDE);
    CHECK(session->reusable());
    REQUIRE(f.work(*session, round == 0 ? "ROLLBACK" : "COMMIT") == 0);
    REQUIRE(session->begin(xid).code == XA_OK);
    REQUIRE(session->end(xid).code == XA_OK);
    REQUIRE(session->rollback(xid).code == XA_OK);
    CHECK(session->reusable());
    CHECK(f.v(2) == (round == 0 ? 0 : 98));
    REQUIRE(f.work(*session, f.set(2, 98)) == 0);
  }
  CHECK(f.work(*session, "ROLLBACK") == 0);
}

TEST_CASE("a session on which somebody switched autocommit on is not used again") {
  Fixture f;
  auto session = f.session();
  REQUIRE(session->reusable());
  static_cast<sql::Connection*>(session->native())->setAutoCommit(true);
  CHECK(!session->reusable());
}

TEST_CASE("a deadlock dooms the branch and the reason is kept where the server tells it") {
  Fixture f;
  auto winner = f.session();
  auto victim = f.session();
  const Xid a = f.xid();
  const Xid b = f.xid();
  REQUIRE(winner->begin(a).code == XA_OK);
  REQUIRE(victim->begin(b).code == XA_OK);
  // The server picks the branch that changed fewer rows.
  REQUIRE(f.work(*winner, "INSERT INTO " + f.table + " VALUES (11, 0), (12, 0), (13, 0)") == 0);
  REQUIRE(f.work(*winner, f.set(1, 1)) == 0);
  REQUIRE(f.work(*victim, f.set(2, 2)) == 0);
  auto blocked =
      std::async(std::launch::async, [&] { return Fixture::work(*victim, f.set(1, 2)); });
  REQUIRE(eventually([&] {
    return f.observer.value("SELECT COUNT(*) FROM information_schema.processlist WHERE id = " +
                            victim->server_id() + " AND command = 'Query'") == "1";
  }));
  REQUIRE(f.work(*winner, f.set(2, 1)) == 0);
  CHECK(blocked.get() == 1213);

  const int doomed = on_mariadb() ? XA_RBROLLBACK : XA_RBDEADLOCK;
  const auto answer = victim->end(b);
  CHECK(answer.code == doomed);
  CHECK(answer.error->vendor_code == (on_mariadb() ? 1399 : 1614));
  CHECK(victim->doomed() == doomed);
  REQUIRE(victim->rollback(b).code == XA_OK);
  CHECK(victim->reusable());
  REQUIRE(winner->end(a).code == XA_OK);
  REQUIRE(winner->commit_one_phase(a).code == XA_OK);
  CHECK(f.v(2) == 1);
}

TEST_CASE("a lock wait timeout undoes one statement and the branch can still be committed") {
  Fixture f;
  auto holder = f.session();
  auto waiter = f.session();
  const Xid a = f.xid();
  const Xid b = f.xid();
  REQUIRE(f.work(*waiter, "SET innodb_lock_wait_timeout = 1") == 0);
  REQUIRE(holder->begin(a).code == XA_OK);
  REQUIRE(waiter->begin(b).code == XA_OK);
  REQUIRE(f.work(*holder, f.set(1, 1)) == 0);
  REQUIRE(f.work(*waiter, f.set(2, 2)) == 0);
  CHECK(f.work(*waiter, f.set(1, 2)) == 1205);
  REQUIRE(waiter->end(b).code == XA_OK);
  REQUIRE(waiter->prepare(b).code == XA_OK);
  REQUIRE(waiter->commit_prepared(b).code == XA_OK);
  REQUIRE(holder->rollback(a).code == XA_OK);
  CHECK(f.v(1) == 0);
  CHECK(f.v(2) == 2);
}

TEST_CASE("results left unread doom the branch instead of mixing up answers") {
  Fixture f;
  auto session = f.session();
  const Xid xid = f.xid();
  const std::string procedure = unique_name("p");
  f.observer.run("CREATE PROCEDURE " + procedure + "() BEGIN SELECT 1; SELECT 2; END");
  REQUIRE(session->begin(xid).code == XA_OK);
  REQUIRE(f.work(*session, f.set(1, 4)) == 0);
  auto* connection = static_cast<sql::Connection*>(session->native());
  const std::unique_ptr<sql::Statement> statement(connection->createStatement());
  statement->execute("CALL " + procedure + "()");
  const auto answer = session->end(xid);
  CHECK(answer.code == XA_RBPROTO);
  CHECK(answer.error->message.find("read all results") != std::string::npos);
  CHECK(!session->reusable());
  session.reset();
  f.observer.run("DROP PROCEDURE " + procedure);
  CHECK(f.v(1) == 0);
}

TEST_CASE("statements the application keeps beyond the session do no harm") {
  Fixture f;
  auto session = f.session();
  const Xid xid = f.xid();
  REQUIRE(session->begin(xid).code == XA_OK);
  auto* connection = static_cast<sql::Connection*>(session->native());
  const std::unique_ptr<sql::Statement> statement(connection->createStatement());
  const std::unique_ptr<sql::PreparedStatement> prepared(
      connection->prepareStatement("SELECT v FROM " + f.table + " WHERE id = ?"));
  prepared->setInt(1, 1);
  const std::unique_ptr<sql::ResultSet> rows(prepared->executeQuery());
  REQUIRE(session->end(xid).code == XA_OK);
  REQUIRE(session->commit_one_phase(xid).code == XA_OK);
  session.reset();
  CHECK_THROWS_AS(statement->execute("SELECT 1"), sql::SQLException);
}

}  // namespace xabridge::mysql::test
