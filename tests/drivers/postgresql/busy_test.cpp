// Trap 5, busy: a branch another session is completing right now is neither gone nor refused.

#include <future>
#include <xabridge/codes.hpp>

#include "fixture.hpp"
#include "private_cluster.hpp"

using namespace xabridge;
using namespace xabridge::test;

TEST_CASE("a branch that another session is completing is to be tried again") {
  // A standby that never comes holds COMMIT PREPARED open, with the branch locked.
  const PrivateCluster cluster(
      "max_prepared_transactions=5 fsync=off synchronous_standby_names=nobody");
  const std::string local = cluster.open_string() + " options='-c synchronous_commit=local'";
  const SessionPtr session = open_session(local);
  REQUIRE(sql(*session, "SET default_transaction_read_only = off").ok);
  REQUIRE(sql(*session, "CREATE TABLE t (i int)").ok);
  const auto xid = Xid::make(1, "busy", "b");
  REQUIRE(session->begin(*xid).code == XA_OK);
  REQUIRE(sql(*session, "INSERT INTO t VALUES (1)").ok);
  REQUIRE(session->end(*xid).code == XA_OK);
  REQUIRE(session->prepare(*xid).code == XA_OK);

  const SessionPtr slow = open_session(cluster.open_string());
  auto slow_answer = std::async(std::launch::async, [&] { return slow->commit_prepared(*xid); });
  const Connection watcher = open_raw(cluster.open_string());
  const std::string waiting =
      "SELECT wait_event FROM pg_stat_activity WHERE pid = " + slow->server_id();
  REQUIRE(eventually([&] { return sql(watcher.get(), waiting).value == "SyncRep"; }));

  const rm::Answer busy = session->commit_prepared(*xid);
  CHECK_ANSWER(busy, XA_RETRY);
  REQUIRE(busy.error.has_value());
  CHECK(busy.error->sqlstate == "55000");
  CHECK_ANSWER(session->rollback_prepared(*xid), XA_RETRY);

  slow->interrupt();  // gives up waiting for the standby; the commit itself is done
  CHECK_ANSWER(slow_answer.get(), XA_OK);
  // Another open string: to this one it was somebody else.
  CHECK_ANSWER(session->commit_prepared(*xid), XA_HEURCOM);
  CHECK(sql(watcher.get(), "SELECT count(*) FROM t").value == "1");
}
