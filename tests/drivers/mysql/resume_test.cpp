// A branch whose work is ended, taken up again and ended for good, in one session and from changing
// threads; and branches that can only be rolled back by then.
#include <future>
#include <xabridge/codes.hpp>

#include "fixture.hpp"

namespace xabridge::mysql::test {
namespace {

/// Makes `victim` lose a deadlock against `winner`; both have an active branch.
void lose_deadlock(Fixture& f, MysqlSession& winner, MysqlSession& victim) {
  // The server picks the branch that changed fewer rows.
  REQUIRE(Fixture::work(winner, "INSERT INTO " + f.table + " VALUES (11, 0), (12, 0), (13, 0)") ==
          0);
  REQUIRE(Fixture::work(winner, f.set(1, 1)) == 0);
  REQUIRE(Fixture::work(victim, f.set(2, 2)) == 0);
  auto blocked = std::async(std::launch::async, [&] { return Fixture::work(victim, f.set(1, 2)); });
  REQUIRE(eventually([&] {
    return f.observer.value("SELECT COUNT(*) FROM information_schema.processlist WHERE id = " +
                            victim.server_id() + " AND command = 'Query'") == "1";
  }));
  REQUIRE(Fixture::work(winner, f.set(2, 1)) == 0);
  CHECK(blocked.get() == 1213);
}

}  // namespace

TEST_CASE("a branch goes on after its work was ended or suspended and keeps what it did") {
  Fixture f;
  auto session = f.session();
  const Xid xid = f.xid();
  REQUIRE(session->begin(xid).code == XA_OK);
  CHECK(session->resume(xid).code == XA_OK);  // it never stopped
  REQUIRE(f.work(*session, f.set(1, 3)) == 0);
  for (int round = 0; round < 2; ++round) {
    REQUIRE(session->end(xid).code == XA_OK);
    CHECK(session->end(xid).code == XA_OK);  // of a suspended association
    CHECK(f.work(*session, f.set(2, 9)) == 1399);
    REQUIRE(session->resume(xid).code == XA_OK);
    REQUIRE(f.work(*session, "UPDATE " + f.table + " SET v = v + 4 WHERE id = 1") == 0);
  }
  REQUIRE(session->end(xid).code == XA_OK);
  CHECK(f.v(1) == 0);
  SECTION("committed in one phase") { CHECK(session->commit_one_phase(xid).code == XA_OK); }
  SECTION("committed in two phases") {
    REQUIRE(session->prepare(xid).code == XA_OK);
    CHECK(session->commit_prepared(xid).code == XA_OK);
  }
  SECTION("rolled back") {
    CHECK(session->rollback(xid).code == XA_OK);
    REQUIRE(session->reusable());
    CHECK(f.v(1) == 0);
    return;
  }
  CHECK(f.v(1) == 11);
  CHECK(f.v(2) == 0);
  CHECK(session->reusable());
}

TEST_CASE("a branch is rolled back while its work goes on for the second time") {
  Fixture f;
  auto session = f.session();
  const Xid xid = f.xid();
  REQUIRE(session->begin(xid).code == XA_OK);
  REQUIRE(session->end(xid).code == XA_OK);
  REQUIRE(session->resume(xid).code == XA_OK);
  REQUIRE(f.work(*session, f.set(1, 3)) == 0);
  CHECK(session->rollback(xid).code == XA_OK);
  CHECK(session->reusable());
  CHECK(f.v(1) == 0);
  CHECK(!f.listed(xid));
}

TEST_CASE("a doomed branch says so at every end and resume and is rolled back") {
  Fixture f;
  auto winner = f.session();
  auto victim = f.session();
  const Xid a = f.xid();
  const Xid b = f.xid();
  REQUIRE(winner->begin(a).code == XA_OK);
  REQUIRE(victim->begin(b).code == XA_OK);
  const bool resumed = GENERATE(false, true);
  if (resumed) {
    REQUIRE(victim->end(b).code == XA_OK);
    REQUIRE(victim->resume(b).code == XA_OK);
  }
  lose_deadlock(f, *winner, *victim);
  const int doomed = on_mariadb() ? XA_RBROLLBACK : XA_RBDEADLOCK;
  CHECK(victim->end(b).code == doomed);
  const auto again = victim->end(b);
  CHECK(again.code == doomed);
  REQUIRE(again.error);
  const auto resume = victim->resume(b);
  CHECK(resume.code == doomed);
  REQUIRE(resume.error);
  SECTION("on request") { CHECK(victim->rollback(b).code == XA_OK); }
  SECTION("instead of a prepare") { CHECK(is_rollback(victim->prepare(b).code)); }
  SECTION("instead of a commit") { CHECK(is_rollback(victim->commit_one_phase(b).code)); }
  CHECK(victim->reusable());
  CHECK(!f.listed(b));
  REQUIRE(winner->rollback(a).code == XA_OK);
  CHECK(f.v(2) == 0);
}

TEST_CASE("a branch whose session is lost while nobody works in it cannot go on") {
  Fixture f;
  auto session = f.session();
  const Xid xid = f.xid();
  REQUIRE(session->begin(xid).code == XA_OK);
  REQUIRE(f.work(*session, f.set(1, 3)) == 0);
  REQUIRE(session->end(xid).code == XA_OK);
  SECTION("killed") {
    f.kill(*session);
    const auto answer = session->resume(xid);
    CHECK(answer.code == XAER_RMFAIL);
    CHECK(!answer.error->connection_usable);
  }
  SECTION("ended by hand") {
    REQUIRE(f.work(*session, "XA ROLLBACK " + xid.to_mysql()) == 0);
    const auto answer = session->resume(xid);
    CHECK(is_rollback(answer.code));
    CHECK(!answer.error->connection_usable);
  }
  CHECK(!session->reusable());
  CHECK(f.v(1) == 0);
}

TEST_CASE("every call on a session may come from another thread") {
  Fixture f;
  auto session = f.session();
  const auto elsewhere = [](auto call) { return std::async(std::launch::async, call).get(); };
  for (int round = 1; round <= 3; ++round) {
    const Xid xid = f.xid();
    const auto code = [&](auto call) { return elsewhere([&] { return call().code; }); };
    REQUIRE(code([&] { return session->begin(xid); }) == XA_OK);
    REQUIRE(elsewhere([&] { return Fixture::work(*session, f.set(1, round)); }) == 0);
    REQUIRE(code([&] { return session->end(xid); }) == XA_OK);
    REQUIRE(code([&] { return session->resume(xid); }) == XA_OK);
    REQUIRE(code([&] { return session->end(xid); }) == XA_OK);
    REQUIRE(code([&] { return session->prepare(xid); }) == XA_OK);
    REQUIRE(code([&] { return session->commit_prepared(xid); }) == XA_OK);
    REQUIRE(elsewhere([&] { return session->reusable() && session->alive(); }));
    CHECK(f.v(1) == round);
  }
  elsewhere([&] {
    session.reset();
    return true;
  });
}

}  // namespace xabridge::mysql::test
