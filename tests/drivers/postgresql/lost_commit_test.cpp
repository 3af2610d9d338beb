// The reply to a one-phase COMMIT is lost: the server is asked what became of it.

#include "lost_commit.hpp"

#include <chrono>
#include <future>
#include <xabridge/codes.hpp>

#include "fixture.hpp"
#include "foreign_server.hpp"
#include "proxy.hpp"
#include "slow_commit.hpp"

using namespace xabridge;
using namespace xabridge::test;

namespace {

// A branch through the proxy whose COMMIT hangs in the server. The id has passed the proxy.
struct Hanging {
  Corner corner;
  SlowCommit slow{corner.admin(), corner.table()};
  Proxy proxy{environment("XABRIDGE_TEST_POSTGRESQL")};
  SessionPtr session = open_session(proxy.open_string());
  std::string backend = session->server_id();  // libpq forgets it with the connection
  Xid xid = corner.xid();
  std::future<rm::Answer> answer;

  Hanging() {
    REQUIRE(session->begin(xid).code == XA_OK);
    REQUIRE(sql(*session, corner.add(1, 1)).ok);
    REQUIRE(session->end(xid).code == XA_OK);
    const long before = proxy.replied();
    answer = std::async(std::launch::async, [this] { return session->commit_one_phase(xid); });
    corner.wait_until_blocked(*session);
    REQUIRE(eventually([&] { return proxy.replied() > before; }));
  }
};

}  // namespace

TEST_CASE("a commit whose reply was lost is found committed") {
  Hanging h;
  SECTION("after the fact") {
    h.proxy.set(Proxy::Mode::lose_replies);
    h.slow.release();
  }
  SECTION("having waited for it") {
    h.proxy.set(Proxy::Mode::cut_client);
    REQUIRE(eventually([&] { return h.proxy.cut() == 1; }));
    h.slow.release();
  }
  CHECK_ANSWER(h.answer.get(), XA_OK);
  CHECK(h.proxy.cut() == 1);
  CHECK(h.corner.amount(1) == 101);
  CHECK_FALSE(h.session->reusable());
}

TEST_CASE("a commit whose reply was lost is found rolled back") {
  Hanging h;
  h.proxy.set(Proxy::Mode::cut_client);
  REQUIRE(eventually([&] { return h.proxy.cut() == 1; }));
  CHECK(sql(h.corner.admin(), "SELECT pg_terminate_backend(" + h.backend + ")").ok);
  const rm::Answer answer = h.answer.get();
  CHECK_ANSWER(answer, XA_RBCOMMFAIL);
  REQUIRE(answer.error.has_value());
  CHECK(answer.error->outcome_known);
  CHECK(h.corner.amount(1) == 100);
}

TEST_CASE("a commit that goes on for too long is unknown within a bound") {
  const auto start = std::chrono::steady_clock::now();
  Hanging h;
  h.proxy.set(Proxy::Mode::cut_client);
  const rm::Answer answer = h.answer.get();
  CHECK_ANSWER(answer, XAER_RMFAIL);
  REQUIRE(answer.error.has_value());
  CHECK_FALSE(answer.error->outcome_known);
  CHECK(answer.error->message.find("pg_xact_status") != std::string::npos);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));
}

TEST_CASE("a branch that changed nothing is never reported as committed without a reply") {
  Corner corner;
  Proxy proxy(environment("XABRIDGE_TEST_POSTGRESQL"));
  const SessionPtr session = open_session(proxy.open_string());
  const Xid xid = corner.xid();
  REQUIRE(session->begin(xid).code == XA_OK);
  CHECK(sql(*session, "SELECT 1").ok);
  CHECK_ANSWER(session->end(xid), XA_OK);
  proxy.set(Proxy::Mode::lose_replies);
  const rm::Answer answer = session->commit_one_phase(xid);
  INFO(text_of(answer));
  CHECK((answer.code == XA_RBCOMMFAIL || answer.code == XAER_RMFAIL));
}

// The branch has no transaction id in this database, and the foreign server commits all the same.
TEST_CASE("a lost reply is unknown when only a foreign table was written") {
  Corner corner;
  SlowCommit slow(corner.admin(), corner.table());
  Proxy proxy(environment("XABRIDGE_TEST_POSTGRESQL"));
  const SessionPtr session = open_session(proxy.open_string());
  const ForeignTable foreign(corner, *session);
  const Xid xid = corner.xid();
  REQUIRE(session->begin(xid).code == XA_OK);
  REQUIRE(sql(*session, "UPDATE " + foreign.name() + " SET amount = amount + 1 WHERE id = 1").ok);
  REQUIRE(session->end(xid).code == XA_OK);
  auto committing = std::async(std::launch::async, [&] { return session->commit_one_phase(xid); });
  REQUIRE(eventually([&] {
    return sql(corner.admin(),
               "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'postgres_fdw' "
               "AND wait_event_type = 'Lock'")
               .value == "t";
  }));
  proxy.set(Proxy::Mode::cut_client);
  const rm::Answer answer = committing.get();
  CHECK_ANSWER(answer, XAER_RMFAIL);
  REQUIRE(answer.error.has_value());
  CHECK_FALSE(answer.error->outcome_known);
  CHECK(answer.error->message.find("foreign tables") != std::string::npos);
  slow.release();
  CHECK(eventually([&] { return corner.amount(1) == 101; }));
}

TEST_CASE("a transaction id is believed only in the life of the server that gave it") {
  using postgresql::Fate;
  const std::string where = environment("XABRIDGE_TEST_POSTGRESQL");
  const Connection raw = open_raw(where);
  const std::string id = sql(raw.get(), "SELECT txid_current()").value;  // and it is committed
  const ResultSet row(
      PQexec(raw.get(), "SELECT " XABRIDGE_SERVER_HISTORY ", " XABRIDGE_SERVER_RUN));
  auto life = postgresql::ServerLife::read(row.get(), 0);
  const auto options = postgresql::Options::parse(where).value();
  const auto fate = [&] {
    return postgresql::fate_of(options, postgresql::Endpoint::of(raw.get()), life, id,
                               postgresql::Clock::now() + std::chrono::seconds(5));
  };
  CHECK(fate() == Fate::committed);
  SECTION("another run") { life.run += "9"; }
  SECTION("another history") { life.history += "9"; }
  SECTION("a life nobody could read") { life = {}; }
  CHECK(fate() == Fate::unknown);
}
