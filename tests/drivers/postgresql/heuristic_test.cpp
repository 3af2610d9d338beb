// A prepared branch that somebody else completed is reported as what became of it, and as success
// only where it may have been us.

#include <xabridge/codes.hpp>

#include "fixture.hpp"
#include "prepared_branches.hpp"
#include "proxy.hpp"

using namespace xabridge;
using namespace xabridge::test;

namespace {

rm::Answer complete(rm::Session& session, const Xid& xid, bool commit) {
  return commit ? session.commit_prepared(xid) : session.rollback_prepared(xid);
}

std::string command(bool commit, const Xid& xid) {
  return std::string(commit ? "COMMIT" : "ROLLBACK") + " PREPARED '" + xid.to_gid() + "'";
}

void prepare_on(Corner& corner, rm::Session& session, const Xid& xid) {
  REQUIRE(session.begin(xid).code == XA_OK);
  REQUIRE(sql(session, corner.add(1, 1)).ok);
  REQUIRE(session.prepare(xid).code == XA_OK);
}

}  // namespace

TEST_CASE("a branch an operator completed is reported as what it became") {
  for (const bool wanted : {true, false})
    for (const bool done : {true, false})
      for (const bool other_session : {true, false}) {
        INFO(wanted << done << other_session);
        Corner corner;
        SessionPtr session = corner.connect();
        const Xid xid = corner.xid();
        prepare_on(corner, *session, xid);
        CHECK(sql(corner.admin(), command(done, xid)).ok);
        if (other_session) session = corner.connect();
        const rm::Answer answer = complete(*session, xid, wanted);
        CHECK_ANSWER(answer, done ? XA_HEURCOM : XA_HEURRB);
        REQUIRE(answer.error.has_value());
        CHECK(answer.error->sqlstate == "42704");
        CHECK(answer.error->message.find("somebody else") != std::string::npos);
        CHECK(corner.amount(1) == (done ? 101 : 100));
        CHECK(session->reusable());
        // Said once; remembering it until xa_forget is not the session's.
        CHECK_ANSWER(complete(*session, xid, wanted), XAER_NOTA);
      }
}

TEST_CASE("a branch another process prepared is only known to be gone") {
  Corner corner;
  const SessionPtr session = corner.connect();
  const Xid xid = corner.xid();
  prepare_on(corner, *session, xid);
  CHECK(sql(corner.admin(), command(true, xid)).ok);
  const SessionPtr stranger = open_session(environment("XABRIDGE_TEST_POSTGRESQL"));
  CHECK_ANSWER(stranger->commit_prepared(xid), XAER_NOTA);
}

TEST_CASE("a final command whose reply was lost is not taken for somebody else's") {
  Corner corner;
  Proxy proxy(environment("XABRIDGE_TEST_POSTGRESQL"));
  const auto server = postgresql::driver().parse(proxy.open_string()).value();
  const bool commit = GENERATE(true, false);
  SessionPtr session = server->connect("test").value();
  const Xid xid = corner.xid();
  prepare_on(corner, *session, xid);
  proxy.set(Proxy::Mode::lose_replies);
  const rm::Answer lost = complete(*session, xid, commit);
  CHECK_ANSWER(lost, XAER_RMFAIL);
  CHECK(proxy.cut() == 1);
  CHECK(eventually([&] { return !corner.listed(xid); }));
  session = server->connect("test").value();
  SECTION("when asked for the same again") { CHECK_ANSWER(complete(*session, xid, commit), XA_OK); }
  SECTION("and not for the opposite") {
    CHECK_ANSWER(complete(*session, xid, !commit), commit ? XA_HEURCOM : XA_HEURRB);
  }
  CHECK(corner.amount(1) == (commit ? 101 : 100));
}

TEST_CASE("a final command that was lost on its way does not hide what somebody else did") {
  Corner corner;
  Proxy proxy(environment("XABRIDGE_TEST_POSTGRESQL"));
  const auto server = postgresql::driver().parse(proxy.open_string()).value();
  const bool commit = GENERATE(true, false);
  SessionPtr session = server->connect("test").value();
  const Xid xid = corner.xid();
  prepare_on(corner, *session, xid);
  proxy.set(Proxy::Mode::lose_requests);
  CHECK_ANSWER(complete(*session, xid, commit), XAER_RMFAIL);
  CHECK(corner.listed(xid));
  session = server->connect("test").value();
  SECTION("the opposite") {
    CHECK(sql(corner.admin(), command(!commit, xid)).ok);
    CHECK_ANSWER(complete(*session, xid, commit), commit ? XA_HEURRB : XA_HEURCOM);
  }
  SECTION("nothing") { CHECK_ANSWER(complete(*session, xid, commit), XA_OK); }
}

TEST_CASE("a command that was refused cannot have arrived later") {
  Corner corner;
  const SessionPtr session = corner.connect();
  const Xid xid = corner.xid();
  prepare_on(corner, *session, xid);
  CHECK(sql(*session, "BEGIN").ok);
  CHECK_ANSWER(session->commit_prepared(xid), XAER_RMFAIL);  // 25001: an answer, and it was no
  CHECK(sql(corner.admin(), command(true, xid)).ok);
  const SessionPtr second = corner.connect();
  CHECK_ANSWER(second->commit_prepared(xid), XA_HEURCOM);
}

TEST_CASE("what is known of prepared branches is bounded and the oldest goes first") {
  postgresql::PreparedBranches known(2);
  const auto a = *Xid::make(1, "a", "b");
  const auto b = *Xid::make(1, "b", "b");
  const auto c = *Xid::make(1, "c", "b");
  known.prepared(a, {"s", "1", 1, 1, "1"});
  known.prepared(b, {"s", "1", 1, 1, "2"});
  known.prepared(a, {"s", "1", 1, 1, "3"});  // the same name again: younger now
  known.prepared(c, {"s", "1", 1, 1, "4"});
  CHECK(known.size() == 2);
  CHECK_FALSE(known.sending(b, postgresql::Final::commit).has_value());
  CHECK_FALSE(known.sending(a, postgresql::Final::commit)->may_have_arrived);
  CHECK(known.sending(a, postgresql::Final::commit)->may_have_arrived);
  CHECK_FALSE(known.sending(a, postgresql::Final::rollback)->may_have_arrived);
  known.answered(c, postgresql::Final::commit);  // nothing was sent
  CHECK_FALSE(known.sending(c, postgresql::Final::commit)->may_have_arrived);
  known.finished(a);
  known.finished(a);
  CHECK(known.size() == 1);
}
