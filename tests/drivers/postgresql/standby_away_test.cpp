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

const PrivateCluster& cluster() {
  static const PrivateCluster instance(
      "max_prepared_transactions=50 fsync=off synchronous_standby_names=nobody");
  return instance;
}

// A server that waits for a standby that never comes, and a connection that does not.
struct Waiting {
  std::string local = cluster().open_string() + " options='-c synchronous_commit=local'";
  Connection admin = open_raw(local);
  SessionPtr session = open_session(cluster().open_string());
  Xid xid = Xid::make(1, unique_name("away"), "b").value();
  std::string table = unique_name("t");

  Waiting() {
    REQUIRE(sql(admin.get(), "CREATE TABLE " + table + " (i int)").ok);
    REQUIRE(eventually([this] { return waits(); }));
  }
  void work(rm::Session& in) {
    REQUIRE(in.begin(xid).code == XA_OK);
    REQUIRE(sql(in, "INSERT INTO " + table + " VALUES (1)").ok);
    REQUIRE(in.end(xid).code == XA_OK);
  }
  std::string rows() { return sql(admin.get(), "SELECT count(*) FROM " + table).value; }
  // Until this session's command waits for the standby.
  void wait_until_waiting(rm::Session& in) {
    REQUIRE(eventually([&] { return waiting(in.server_id()); }));
  }
  bool waiting(const std::string& pid) {
    return sql(admin.get(), "SELECT wait_event FROM pg_stat_activity WHERE pid = " + pid).value ==
           "SyncRep";
  }
  // All who wait for the standby give that up, until nobody is left.
  void give_up_waiting() {
    const std::string waiting = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    REQUIRE(eventually([&] {
      sql(admin.get(), "SELECT pg_cancel_backend(pid) " + waiting);
      return sql(admin.get(), "SELECT count(*) " + waiting).value == "0";
    }));
  }
  // A server that has just started may not know yet that it has a standby.
  bool waits() {
    const Connection probe = open_raw(cluster().open_string());
    const std::string pid = std::to_string(PQbackendPID(probe.get()));
    REQUIRE(PQsendQuery(probe.get(), "DROP TABLE IF EXISTS probe; CREATE TABLE probe ()") == 1);
    REQUIRE(eventually([&] {
      REQUIRE(PQconsumeInput(probe.get()) == 1);
      return PQisBusy(probe.get()) == 0 || waiting(pid);
    }));
    const bool found = PQisBusy(probe.get()) != 0;
    give_up_waiting();
    return found;
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
  const std::string pid = w.session->server_id();
  const auto start = Clock::now();
  auto call = std::async(std::launch::async, [&] {
    const rm::CallDeadline deadline(start + 2s);
    const rm::Answer answer = rm::perform(*w.session, request, w.xid);
    w.session.reset();
    return answer;
  });
  const bool waited =
      eventually([&] { return w.waiting(pid) || call.wait_for(0s) == std::future_status::ready; });
  const bool waiting = w.waiting(pid);  // not on a machine that took longer to get there
  CHECK(waited);
  const rm::Answer answer = call.get();
  CHECK_ANSWER(answer, XAER_RMFAIL);
  REQUIRE(answer.error.has_value());
  CHECK_FALSE(answer.error->outcome_known);
  CHECK(Clock::now() - start < 20s);
  if (!waiting) return;
  if (request == Request::commit_prepared) {
    // The server goes on waiting, and nobody else may touch the branch.
    const SessionPtr again = open_session(w.local);
    CHECK_ANSWER(again->commit_prepared(w.xid), XA_RETRY);
  }
  w.give_up_waiting();
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
