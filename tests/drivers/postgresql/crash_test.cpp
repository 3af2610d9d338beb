// The server crashes and recovers: prepared branches stay, others are gone, sessions say so.

#include <xabridge/codes.hpp>

#include "fixture.hpp"
#include "private_cluster.hpp"

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
