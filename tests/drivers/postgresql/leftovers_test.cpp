// What one branch leaves on its connection, the next does not find; locks are gone at once.

#include <xabridge/codes.hpp>

#include "fixture.hpp"
#include "proxy.hpp"

using namespace xabridge;
using namespace xabridge::test;

namespace {

long locks_of(Corner& corner, rm::Session& session) {
  return std::stol(sql(corner.admin(),
                       "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' "
                       "AND pid = " +
                           session.server_id())
                       .value);
}

}  // namespace

TEST_CASE("session-level advisory locks go with the branch") {
  Corner corner;
  const SessionPtr session = corner.connect();
  const Xid xid = corner.xid();
  REQUIRE(session->begin(xid).code == XA_OK);
  CHECK(sql(*session, "SELECT pg_advisory_lock(x) FROM generate_series(" + session->server_id() +
                          ", " + session->server_id() + " + 2) x")
            .ok);
  SECTION("prepared") {
    CHECK(sql(*session, corner.add(1, 1)).ok);
    CHECK(locks_of(corner, *session) == 3);
    CHECK_ANSWER(session->prepare(xid), XA_OK);
  }
  SECTION("read-only in a way that is asked for") {
    CHECK_ANSWER(session->prepare(xid), XA_OK);  // the lock function returns void, as pg_notify
  }
  SECTION("committed in one phase") {
    CHECK(sql(*session, corner.add(1, 1)).ok);
    CHECK_ANSWER(session->commit_one_phase(xid), XA_OK);
  }
  SECTION("rolled back") { CHECK_ANSWER(session->rollback(xid), XA_OK); }
  SECTION("rolled back by hand") {
    CHECK(sql(*session, "ROLLBACK").ok);
    CHECK_ANSWER(session->rollback(xid), XA_OK);
  }
  SECTION("committed by hand") {
    CHECK(sql(*session, "COMMIT").ok);
    CHECK_ANSWER(session->rollback(xid), XA_HEURCOM);
  }
  SECTION("failed before prepare") {
    CHECK_FALSE(sql(*session, "SELECT 1/0").ok);
    CHECK_ANSWER(session->prepare(xid), XA_RBOTHER);
  }
  SECTION("refused at prepare") {
    CHECK(sql(*session, "NOTIFY x").ok);
    CHECK_ANSWER(session->prepare(xid), XA_RBOTHER);
  }
  CHECK(session->reusable());
  CHECK(locks_of(corner, *session) == 0);
}

TEST_CASE("the next branch finds a clean session") {
  Corner corner;
  const SessionPtr session = corner.connect();
  const std::string name = unique_name("x");
  const std::string hiding = unique_name("hide");
  // What a function does has the tag SELECT like anything else.
  REQUIRE(sql(corner.admin(), "CREATE FUNCTION " + hiding +
                                  "(what text) RETURNS int LANGUAGE plpgsql AS "
                                  "$$BEGIN EXECUTE what; RETURN 1; END$$")
              .ok);
  for (const bool hidden : {false, true})
    for (const std::string& statement :
         {std::string("SET search_path = pg_catalog"),
          std::string("SELECT set_config('search_path', 'pg_catalog', false)"),
          std::string("SET default_transaction_isolation = serializable"),
          std::string("SET default_transaction_read_only = off"), "LISTEN " + name,
          "CREATE TEMPORARY TABLE " + name + " (i int)",
          "DECLARE " + name + " CURSOR WITH HOLD FOR SELECT 1",
          "PREPARE " + name + " AS SELECT 1"}) {
      if (hidden && statement.starts_with("DECLARE")) continue;  // plpgsql refuses it
      INFO((hidden ? "hidden " : "") << statement);
      const Xid first = corner.xid();
      REQUIRE(session->begin(first).code == XA_OK);
      CHECK(sql(*session, hidden ? "SELECT " + hiding + "($$" + statement + "$$)" : statement).ok);
      CHECK_ANSWER(session->commit_one_phase(first), XA_OK);
      const Xid second = corner.xid();
      REQUIRE(session->begin(second).code == XA_OK);
      CHECK(sql(*session, "SHOW search_path").value == "\"$user\", public");
      CHECK(sql(*session, "SHOW transaction_isolation").value == "read committed");
      CHECK(sql(*session, "SHOW default_transaction_read_only").value == "on");
      CHECK(sql(*session, "SELECT count(*) FROM pg_listening_channels()").value == "0");
      CHECK(sql(*session, "SELECT count(*) FROM pg_class WHERE relname = '" + name + "'").value ==
            "0");
      CHECK(sql(*session, "SELECT count(*) FROM pg_cursors WHERE is_holdable").value == "0");
      CHECK(sql(*session, "SELECT count(*) FROM pg_prepared_statements").value == "0");
      CHECK_ANSWER(session->rollback(second), XA_OK);
    }
  CHECK(sql(corner.admin(), "DROP FUNCTION " + hiding + "(text)").ok);
}

TEST_CASE("the number that an earlier branch was given last is not the next one's") {
  Corner corner;
  const SessionPtr session = corner.connect();
  const std::string name = unique_name("s");
  REQUIRE(sql(corner.admin(), "CREATE SEQUENCE " + name).ok);
  CHECK(sql(corner.admin(), "GRANT ALL ON SEQUENCE " + name + " TO PUBLIC").ok);
  const Xid first = corner.xid();
  REQUIRE(session->begin(first).code == XA_OK);
  CHECK(sql(*session, "SELECT nextval('" + name + "')").value == "1");
  CHECK_ANSWER(session->commit_one_phase(first), XA_OK);
  const Xid second = corner.xid();
  REQUIRE(session->begin(second).code == XA_OK);
  CHECK(sql(*session, "SELECT lastval()").sqlstate == "55000");
  CHECK_ANSWER(session->rollback(second), XA_OK);
  CHECK(sql(corner.admin(), "DROP SEQUENCE " + name).ok);
}

TEST_CASE("a session that listens does not wait in the pool") {
  Corner corner;
  const SessionPtr session = corner.connect();
  const Xid xid = corner.xid();
  REQUIRE(session->begin(xid).code == XA_OK);
  CHECK(sql(*session, "LISTEN " + unique_name("x")).ok);
  CHECK_ANSWER(session->commit_one_phase(xid), XA_OK);
  CHECK_FALSE(session->reusable());
}

TEST_CASE("native work commits by itself and what is left open is rolled back") {
  Corner corner;
  const SessionPtr session = corner.connect();
  REQUIRE(session->begin_native().code == XA_OK);
  CHECK(sql(*session, corner.add(1, 1)).ok);
  CHECK(sql(*session, "BEGIN; " + corner.add(1, 1) + "; COMMIT").tag == "COMMIT");
  CHECK(corner.amount(1) == 102);
  int expected = XA_OK;
  SECTION("nothing open") {}
  SECTION("settings and locks") {
    CHECK(sql(*session,
              "SET search_path = pg_catalog; SELECT pg_advisory_lock(" + session->server_id() + ")")
              .ok);
  }
  SECTION("an open transaction") {
    CHECK(sql(*session, "BEGIN").ok);
    CHECK(sql(*session, corner.add(1, 1)).ok);
    expected = XA_RBROLLBACK;
  }
  SECTION("a failed transaction") {
    CHECK(sql(*session, "BEGIN").ok);
    CHECK_FALSE(sql(*session, "SELECT 1/0").ok);
    expected = XA_RBROLLBACK;
  }
  CHECK_ANSWER(session->end_native(), expected);
  CHECK(session->reusable());
  CHECK(locks_of(corner, *session) == 0);
  CHECK(corner.amount(1) == 102);
  CHECK(sql(*session, "SHOW transaction_read_only").value == "on");  // for a stale pointer

  const Xid xid = corner.xid();
  CHECK_ANSWER(session->begin(xid), XA_OK);
  CHECK(sql(*session, "SHOW search_path").value == "\"$user\", public");
  CHECK(sql(*session, corner.add(1, 1)).ok);
  CHECK_ANSWER(session->end(xid), XA_OK);
  CHECK_ANSWER(session->prepare(xid), XA_OK);
  CHECK_ANSWER(session->commit_prepared(xid), XA_OK);
  CHECK(corner.amount(1) == 103);
}

TEST_CASE("native work keeps the read-only default of the role") {
  Corner corner;
  const SessionPtr session = corner.connect("options='-c default_transaction_read_only=on'");
  REQUIRE(session->begin_native().code == XA_OK);
  CHECK(sql(*session, corner.add(1, 1)).sqlstate == "25006");
  CHECK_ANSWER(session->end_native(), XA_OK);
}

TEST_CASE("an interrupt returns though the server takes no cancel request") {
  Corner corner;
  Proxy proxy(environment("XABRIDGE_TEST_POSTGRESQL"));
  const SessionPtr session = open_session(proxy.open_string());
  proxy.set(Proxy::Mode::stall);
  const auto start = std::chrono::steady_clock::now();
  session->interrupt();
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));
  CHECK_FALSE(session->reusable());
}
