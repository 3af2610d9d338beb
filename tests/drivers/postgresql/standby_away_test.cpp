// A synchronous standby that is away: what waits for it is done at this server, and only there.

#include <chrono>
#include <future>
#include <xabridge/codes.hpp>

#include "fixture.hpp"
#include "private_cluster.hpp"

using namespace xabridge;
using namespace xabridge::test;
using namespace std::chrono_literals;
using rm::Request;

namespace {

using Clock = std::chrono::steady_clock;

// A server that waits for a standby that never comes, and a connection that does not.
struct Waiting {
  PrivateCluster cluster{"max_prepared_transactions=5 fsync=off"};
  std::string local = cluster.open_string() + " options='-c synchronous_commit=local'";
  Connection admin = open_raw(local);
  SessionPtr session = open_session(cluster.open_string());
  Xid xid = Xid::make(1, "away", "b").value();

  Waiting() {
    REQUIRE(sql(admin.get(), "CREATE TABLE t (i int)").ok);
    set_standby("nobody");
  }
  void work(rm::Session& in) {
    REQUIRE(in.begin(xid).code == XA_OK);
    REQUIRE(sql(in, "INSERT INTO t VALUES (1)").ok);
    REQUIRE(in.end(xid).code == XA_OK);
  }
  std::string rows() { return sql(admin.get(), "SELECT count(*) FROM t").value; }
  // Until this session's command waits for the standby.
  void wait_until_waiting(rm::Session& in) {
    const std::string event =
        "SELECT wait_event FROM pg_stat_activity WHERE pid = " + in.server_id();
    REQUIRE(eventually([&] { return sql(admin.get(), event).value == "SyncRep"; }));
  }
  void set_standby(const std::string& name) {
    REQUIRE(sql(admin.get(), "ALTER SYSTEM SET synchronous_standby_names = '" + name + "'").ok);
    REQUIRE(sql(admin.get(), "SELECT pg_reload_conf()").ok);
    for (PGconn* const heard : {admin.get(), static_cast<PGconn*>(session->native())})
      REQUIRE(
          eventually([&] { return sql(heard, "SHOW synchronous_standby_names").value == name; }));
  }
};

}  // namespace

TEST_CASE("a call that waits for a standby ends in time and is unknown") {
  Waiting w;
  const auto request =
      GENERATE(Request::prepare, Request::commit_one_phase, Request::commit_prepared);
  if (request == Request::commit_prepared) {
    const SessionPtr other = open_session(w.local);
    w.work(*other);
    REQUIRE(other->prepare(w.xid).code == XA_OK);
  } else {
    w.work(*w.session);
  }
  const auto start = Clock::now();
  {
    const rm::CallDeadline deadline(start + 300ms);
    const rm::Answer answer = rm::perform(*w.session, request, w.xid);
    CHECK_ANSWER(answer, XAER_RMFAIL);
    REQUIRE(answer.error.has_value());
    CHECK_FALSE(answer.error->outcome_known);
  }
  w.session = nullptr;
  CHECK(Clock::now() - start < 15s);
  if (request == Request::commit_prepared) {
    // The server goes on waiting, and nobody else may touch the branch.
    const SessionPtr again = open_session(w.local);
    CHECK_ANSWER(again->commit_prepared(w.xid), XA_RETRY);
  }
  w.session = open_session(w.cluster.open_string());
  w.set_standby("");
  if (request != Request::prepare) CHECK(eventually([&] { return w.rows() == "1"; }));
}

TEST_CASE("a commit that gives up waiting for a standby is committed") {
  Waiting w;
  w.work(*w.session);
  auto answer = std::async(std::launch::async, [&] { return w.session->commit_one_phase(w.xid); });
  w.wait_until_waiting(*w.session);
  SECTION("it was cancelled") { w.session->interrupt(); }
  SECTION("the session was ended") {
    REQUIRE(sql(w.admin.get(), "SELECT pg_terminate_backend(" + w.session->server_id() + ")").ok);
  }
  CHECK_ANSWER(answer.get(), XA_OK);
  CHECK(w.rows() == "1");
}

TEST_CASE("a vote that gives up waiting for a standby is no vote") {
  Waiting w;
  w.work(*w.session);
  auto vote = std::async(std::launch::async, [&] { return w.session->prepare(w.xid); });
  w.wait_until_waiting(*w.session);
  SECTION("it was cancelled") {
    w.session->interrupt();
    const rm::Answer answer = vote.get();
    CHECK_ANSWER(answer, XAER_RMERR);
    REQUIRE(answer.error.has_value());
    CHECK_FALSE(answer.error->outcome_known);
    CHECK(answer.error->message.find("standby") != std::string::npos);
  }
  SECTION("the session was ended") {
    REQUIRE(sql(w.admin.get(), "SELECT pg_terminate_backend(" + w.session->server_id() + ")").ok);
    CHECK_ANSWER(vote.get(), XAER_RMFAIL);
  }
  const SessionPtr other = open_session(w.local);
  CHECK_ANSWER(other->rollback_prepared(w.xid), XA_OK);
  CHECK(w.rows() == "0");
}
