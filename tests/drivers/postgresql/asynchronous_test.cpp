// send() and receive(): the same answers as the blocking calls, without waiting.

#include <chrono>
#include <xabridge/codes.hpp>

#include "fixture.hpp"
#include "slow_commit.hpp"

using namespace xabridge;
using namespace xabridge::test;
using rm::Patience;
using rm::Request;

namespace {

// Polls until the answer is there; XAER_INVAL when it does not come.
rm::Answer polled(rm::Session& session, Request request, const Xid& xid) {
  REQUIRE(session.send(request, xid));
  std::optional<rm::Answer> answer;
  eventually([&] { return (answer = session.receive(Patience::poll)).has_value(); });
  return answer ? *answer : rm::Answer(XAER_INVAL);
}

void begin_with_work(Corner& corner, rm::Session& session, const Xid& xid, int id) {
  REQUIRE(session.begin(xid).code == XA_OK);
  REQUIRE(sql(session, corner.add(id, 1)).ok);
}

}  // namespace

TEST_CASE("every call can be sent and answered later") {
  CHECK(postgresql::driver().sends());
  Corner corner;
  const SessionPtr session = corner.connect();
  const Xid xid = corner.xid();
  CHECK_ANSWER(polled(*session, Request::begin, xid), XA_OK);
  CHECK(sql(*session, corner.add(1, 1)).ok);
  CHECK_ANSWER(polled(*session, Request::end, xid), XA_OK);
  CHECK_ANSWER(polled(*session, Request::resume, xid), XA_OK);
  CHECK(sql(*session, corner.add(1, 1)).ok);
  CHECK_ANSWER(polled(*session, Request::end, xid), XA_OK);
  SECTION("prepared and committed") {
    CHECK_ANSWER(polled(*session, Request::prepare, xid), XA_OK);
    CHECK_ANSWER(polled(*session, Request::begin, xid), XAER_DUPID);
    CHECK_ANSWER(polled(*session, Request::commit_prepared, xid), XA_OK);
    CHECK_ANSWER(polled(*session, Request::commit_prepared, xid), XAER_NOTA);
    CHECK(corner.amount(1) == 102);
  }
  SECTION("prepared and rolled back") {
    CHECK_ANSWER(polled(*session, Request::prepare, xid), XA_OK);
    CHECK_ANSWER(polled(*session, Request::rollback_prepared, xid), XA_OK);
    CHECK(corner.amount(1) == 100);
  }
  SECTION("committed in one phase") {
    CHECK_ANSWER(polled(*session, Request::commit_one_phase, xid), XA_OK);
    CHECK(corner.amount(1) == 102);
  }
  SECTION("rolled back") {
    CHECK_ANSWER(polled(*session, Request::rollback, xid), XA_OK);
    CHECK(corner.amount(1) == 100);
  }
  SECTION("failed") {
    CHECK_FALSE(sql(*session, "SELECT 1/0").ok);
    CHECK_ANSWER(polled(*session, Request::resume, xid), XA_RBOTHER);
    CHECK_ANSWER(polled(*session, Request::end, xid), XA_RBOTHER);
    CHECK_ANSWER(polled(*session, Request::prepare, xid), XA_RBOTHER);
  }
  CHECK(session->reusable());
  CHECK(PQisnonblocking(static_cast<PGconn*>(session->native())) == 0);
  const Xid reading = corner.xid();
  CHECK_ANSWER(polled(*session, Request::begin, reading), XA_OK);
  CHECK_ANSWER(polled(*session, Request::prepare, reading), XA_RDONLY);
}

TEST_CASE("a poll does not wait for a server that is busy") {
  Corner corner;
  SlowCommit slow(corner.admin(), corner.table());
  const SessionPtr session = corner.connect();
  const Xid xid = corner.xid();
  begin_with_work(corner, *session, xid, 1);
  CHECK_ANSWER(session->end(xid), XA_OK);
  const auto request = GENERATE(Request::prepare, Request::commit_one_phase);
  REQUIRE(session->send(request, xid));
  for (int round = 0; round < 100; ++round)
    CHECK_FALSE(session->receive(Patience::poll).has_value());
  SECTION("and gives the answer when it comes") {
    slow.release();
    CHECK_ANSWER(session->receive(Patience::wait).value(), XA_OK);
  }
  SECTION("and notices that the connection is lost") {
    const std::string pid = session->server_id();
    corner.wait_until_blocked(*session);
    CHECK(sql(corner.admin(), "SELECT pg_terminate_backend(" + pid + ", 10000)").ok);
    std::optional<rm::Answer> answer;
    CHECK(eventually([&] { return (answer = session->receive(Patience::poll)).has_value(); }));
    REQUIRE(answer.has_value());
    CHECK_ANSWER(*answer, request == Request::prepare ? XAER_RMFAIL : XA_RBCOMMFAIL);
    CHECK_FALSE(answer->error->connection_usable);
  }
  if (request == Request::prepare) sql(corner.admin(), "ROLLBACK PREPARED '" + xid.to_gid() + "'");
}

TEST_CASE("one thread has many branches on their way") {
  Corner corner;
  SlowCommit slow(corner.admin(), corner.table());
  std::vector<SessionPtr> sessions;
  std::vector<Xid> xids;
  for (int id = 1; id <= 4; ++id) {
    sessions.push_back(corner.connect());
    xids.push_back(corner.xid());
    begin_with_work(corner, *sessions.back(), xids.back(), id);
    REQUIRE(sessions.back()->send(Request::prepare, xids.back()));
  }
  for (const SessionPtr& session : sessions) corner.wait_until_blocked(*session);
  slow.release();
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    CHECK_ANSWER(sessions[i]->receive(Patience::wait).value(), XA_OK);
    CHECK_ANSWER(sessions[i]->commit_prepared(xids[i]), XA_OK);
  }
  CHECK(corner.amount(4) == 101);
}

TEST_CASE("an interrupt reaches a call that is on its way") {
  Corner corner;
  SlowCommit slow(corner.admin(), corner.table());
  const SessionPtr session = corner.connect();
  const Xid xid = corner.xid();
  begin_with_work(corner, *session, xid, 1);
  REQUIRE(session->send(Request::prepare, xid));
  corner.wait_until_blocked(*session);
  session->interrupt();
  CHECK_ANSWER(session->receive(Patience::wait).value(), XA_RBTIMEOUT);
  CHECK_FALSE(session->reusable());
  CHECK(corner.amount(1) == 100);
}
