// A server that is a standby: it lets everybody in and refuses every branch, in its own words.

#include <xabridge/codes.hpp>

#include "fixture.hpp"
#include "private_cluster.hpp"

using namespace xabridge;
using namespace xabridge::test;

TEST_CASE("a server that is read-only for now is to be tried again in another session") {
  const PrivateCluster cluster("max_prepared_transactions=5 fsync=off");
  const Connection admin = open_raw(cluster.open_string());
  REQUIRE(sql(admin.get(), "CREATE TABLE t (i int)").ok);
  const auto demote = [&](const std::string& value) {
    REQUIRE(sql(admin.get(), "ALTER SYSTEM SET default_transaction_read_only = " + value).ok);
    REQUIRE(sql(admin.get(), "SELECT pg_reload_conf()").ok);
    REQUIRE(eventually(
        [&] { return sql(admin.get(), "SHOW default_transaction_read_only").value == value; }));
  };
  demote("on");
  REQUIRE(sql(admin.get(), "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE").ok);
  const auto server = postgresql::driver().parse(cluster.open_string()).value();
  const SessionPtr session = server->connect("test").value();
  const auto xid = Xid::make(1, "demoted", "b").value();
  CHECK_ANSWER(session->begin(xid), XA_OK);
  CHECK(sql(*session, "INSERT INTO t VALUES (1)").sqlstate == "25006");
  CHECK_ANSWER(session->end(xid), XA_RBTRANSIENT);
  CHECK_ANSWER(session->rollback(xid), XA_OK);
  CHECK_FALSE(session->reusable());
  REQUIRE(sql(admin.get(), "ALTER SYSTEM RESET default_transaction_read_only").ok);
  REQUIRE(sql(admin.get(), "SELECT pg_reload_conf()").ok);
  const auto promoted = [&] {
    return sql(open_raw(cluster.open_string()).get(), "SHOW default_transaction_read_only").value ==
           "off";
  };
  REQUIRE(eventually(promoted));
  const SessionPtr next = server->connect("test").value();
  CHECK_ANSWER(next->begin(xid), XA_OK);
  CHECK(sql(*next, "INSERT INTO t VALUES (1)").ok);
  CHECK_ANSWER(next->end(xid), XA_OK);
  CHECK_ANSWER(next->commit_one_phase(xid), XA_OK);
}

TEST_CASE("a branch at a standby is refused with the server's words and what to do") {
  const PrivateCluster cluster("max_prepared_transactions=5 fsync=off");
  const std::string path = cluster.folder() + "/data";
  {
    const Connection admin = open_raw(cluster.open_string());
    REQUIRE(sql(admin.get(), "CREATE TABLE t (i int)").ok);
    // Who may write there can be had of the server only.
    REQUIRE(sql(admin.get(), "COPY (SELECT 1) TO '" + path + "/standby.signal'").ok);
  }
  cluster.crash();
  const auto server = postgresql::driver().parse(cluster.open_string()).value();
  const auto xid = Xid::make(1, "standby", "b").value();
  {
    const SessionPtr session = server->connect("test").value();
    const rm::Answer answer = session->begin(xid);
    CHECK_ANSWER(answer, XAER_RMFAIL);
    REQUIRE(answer.error.has_value());
    CHECK(answer.error->server_text.find("during recovery") != std::string::npos);
    CHECK(answer.error->message.find("target_session_attrs=primary") != std::string::npos);
    CHECK_FALSE(session->reusable());
  }
  CHECK_FALSE(open_session(cluster.open_string())->begin(xid).error->message.empty());
  REQUIRE(sql(open_raw(cluster.open_string()).get(), "SELECT pg_promote()").value == "t");
  const SessionPtr primary = server->connect("test").value();
  CHECK_ANSWER(primary->begin(xid), XA_OK);
  CHECK(sql(*primary, "INSERT INTO t VALUES (1)").ok);
  CHECK_ANSWER(primary->end(xid), XA_OK);
  CHECK_ANSWER(primary->commit_one_phase(xid), XA_OK);
}
