// The server crashes and recovers: prepared branches stay, others are gone, sessions say so.

#include <csignal>
#include <xabridge/codes.hpp>

#include "fixture.hpp"
#include "private_cluster.hpp"
#include "server_life.hpp"
#include "slow_commit.hpp"

using namespace xabridge;
using namespace xabridge::test;

TEST_CASE("a prepared branch survives a crash of the server and an unprepared one does not") {
  const PrivateCluster cluster("max_prepared_transactions=5");
  const std::string where = cluster.open_string();
  REQUIRE(sql(open_raw(where).get(), "CREATE TABLE t (i int)").ok);
  const auto kept = Xid::make(1, "kept", "b");
  const auto gone = Xid::make(1, "gone", "b");
  const SessionPtr one = open_session(where);
  const SessionPtr two = open_session(where);
  REQUIRE(one->begin(*kept).code == XA_OK);
  REQUIRE(sql(*one, "INSERT INTO t VALUES (1)").ok);
  REQUIRE(one->end(*kept).code == XA_OK);
  REQUIRE(one->prepare(*kept).code == XA_OK);
  REQUIRE(two->begin(*gone).code == XA_OK);
  REQUIRE(sql(*two, "INSERT INTO t VALUES (2)").ok);

  cluster.crash();

  const rm::Answer lost = one->commit_prepared(*kept);
  CHECK_ANSWER(lost, XAER_RMFAIL);
  REQUIRE(lost.error.has_value());
  CHECK_FALSE(lost.error->connection_usable);
  CHECK_ANSWER(two->end(*gone), XAER_RMFAIL);

  const SessionPtr fresh = open_session(where);
  const auto list = fresh->prepared(true).value();
  REQUIRE(list.size() == 1);
  CHECK(list[0].xid == kept);
  CHECK_ANSWER(fresh->commit_prepared(*gone), XAER_NOTA);
  CHECK_ANSWER(fresh->commit_prepared(*kept), XA_OK);
  CHECK(sql(*fresh, "SELECT string_agg(i::text, ',') FROM t").value == "1");
}

// After a crash an id that never reached the disk may be another transaction's
// (docs/decisions/0006, trap 12).
TEST_CASE("a commit lost in a crash of the server stays unknown") {
  const PrivateCluster cluster("max_prepared_transactions=5 fsync=off");
  const std::string where = cluster.open_string();
  const Connection admin = open_raw(where);
  const auto run = [&] { return sql(open_raw(where).get(), "SELECT " XABRIDGE_SERVER_RUN).value; };
  const std::string run_before = run();
  CHECK(run_before == run());
  REQUIRE(sql(admin.get(), "CREATE TABLE t (i int); INSERT INTO t VALUES (1)").ok);
  SlowCommit slow(admin.get(), "t");
  const SessionPtr session = open_session(where);
  const auto xid = Xid::make(1, "crash", "b");
  REQUIRE(session->begin(*xid).code == XA_OK);
  REQUIRE(sql(*session, "UPDATE t SET i = 2").ok);
  REQUIRE(session->send(rm::Request::commit_one_phase, *xid));
  REQUIRE(eventually([&] {
    return sql(admin.get(),
               "SELECT wait_event_type FROM pg_stat_activity WHERE pid = " + session->server_id())
               .value == "Lock";
  }));
  SECTION("of one backend, which restarts all but the postmaster") {
    REQUIRE(kill(static_cast<pid_t>(std::stol(session->server_id())), SIGKILL) == 0);
  }
  SECTION("of all of it") { cluster.crash(); }
  const rm::Answer answer = session->receive(rm::Patience::wait).value();
  CHECK_ANSWER(answer, XAER_RMFAIL);
  REQUIRE(answer.error.has_value());
  CHECK_FALSE(answer.error->outcome_known);
  CHECK(answer.error->message.find("pg_xact_status") != std::string::npos);  // the id was known
  CHECK(run() != run_before);
}
