// A server, or one of its processes, that is stopped in the middle of a call: the call ends when
// its deadline is over, says what is known, and its session is closed without waiting.

#include "frozen.hpp"

#include <chrono>
#include <xabridge/codes.hpp>

#include "private_cluster.hpp"

using namespace xabridge;
using namespace xabridge::test;
using namespace std::chrono_literals;
using rm::Patience;
using rm::Request;

namespace {

using Clock = std::chrono::steady_clock;

const PrivateCluster& cluster() {
  static const PrivateCluster instance("max_prepared_transactions=50 fsync=off");
  return instance;
}

// What is done within must not wait for the server: far less than any limit but the deadline's.
class InTime {
 public:
  ~InTime() { CHECK(Clock::now() - start_ < 15s); }

 private:
  const Clock::time_point start_ = Clock::now();
  const rm::CallDeadline deadline_{Clock::now() + 300ms};
};

struct Branch {
  Connection admin = open_raw(cluster().open_string());
  std::string table = unique_name("t");
  std::unique_ptr<rm::Server> server = postgresql::driver().parse(cluster().open_string()).value();
  SessionPtr session = server->connect("test").value();
  SessionPtr other = server->connect("test").value();
  Xid xid = Xid::make(1, unique_name("g"), "b").value();

  explicit Branch(const std::string& state) {
    REQUIRE(sql(admin.get(), "CREATE TABLE " + table + " (i int)").ok);
    if (state == "none") return;
    REQUIRE(session->begin(xid).code == XA_OK);
    REQUIRE(sql(*session, "INSERT INTO " + table + " VALUES (1)").ok);
    if (state == "active") return;
    REQUIRE(session->end(xid).code == XA_OK);
    if (state == "prepared") REQUIRE(session->prepare(xid).code == XA_OK);
  }
  std::string rows() { return sql(admin.get(), "SELECT count(*) FROM " + table).value; }
  bool listed() {
    return sql(admin.get(), "SELECT 1 FROM pg_prepared_xacts WHERE gid = '" + xid.to_gid() + "'")
               .value == "1";
  }
  rm::Answer finish(Request request) {
    rm::Answer answer;
    eventually([&] { return (answer = rm::perform(*other, request, xid)).code != XA_RETRY; });
    return answer;
  }
};

rm::Answer ask(rm::Session& session, Request request, const Xid& xid, Patience patience) {
  if (patience == Patience::wait) return rm::perform(session, request, xid);
  REQUIRE(session.send(request, xid));
  std::optional<rm::Answer> answer;
  REQUIRE(eventually([&] { return (answer = session.receive(Patience::poll)).has_value(); }));
  return *std::move(answer);
}

void check_late(const rm::Answer& answer, bool outcome_known) {
  CHECK_ANSWER(answer, XAER_RMFAIL);
  REQUIRE(answer.error.has_value());
  CHECK(answer.error->outcome_known == outcome_known);
  CHECK_FALSE(answer.error->connection_usable);
  CHECK(answer.error->message.find("in time") != std::string::npos);
}

// Asks with one process stopped, or with all, and closes the session before they go on.
void ask_frozen(Branch& b, Request request, bool outcome_known) {
  const bool all = GENERATE(false, true);
  const Patience patience = GENERATE(Patience::wait, Patience::poll);
  const Frozen frozen = all ? Frozen(cluster().folder()) : Frozen(*b.session);
  const InTime in_time;
  check_late(ask(*b.session, request, b.xid, patience), outcome_known);
  CHECK_FALSE(b.session->reusable());
  check_late(b.session->rollback(b.xid), true);
  b.session.reset();
}

}  // namespace

TEST_CASE("begin at a frozen server") {
  Branch b("none");
  ask_frozen(b, Request::begin, true);
}

TEST_CASE("the vote of a frozen server is unknown, and comes to light") {
  Branch b("ended");
  ask_frozen(b, Request::prepare, false);
  // It reads what was sent when it goes on.
  CHECK(eventually([&] { return b.listed(); }));
  CHECK_ANSWER(b.finish(Request::rollback_prepared), XA_OK);
  CHECK(b.rows() == "0");
}

TEST_CASE("a one-phase commit at a frozen server is unknown") {
  Branch b("ended");
  ask_frozen(b, Request::commit_one_phase, false);
  // Committed, or rolled back because the server cannot send the answer; not left open.
  CHECK(eventually([&] { return sql(b.admin.get(), "DROP TABLE " + b.table).ok; }));
}

TEST_CASE("rollback at a frozen server is done when it goes on") {
  Branch b("ended");
  ask_frozen(b, Request::rollback, true);
  CHECK(eventually([&] { return sql(b.admin.get(), "DROP TABLE " + b.table).ok; }));
}

TEST_CASE("phase two at a frozen server is unknown, and done when it goes on") {
  Branch b("prepared");
  const bool commit = GENERATE(true, false);
  ask_frozen(b, commit ? Request::commit_prepared : Request::rollback_prepared, false);
  CHECK(eventually([&] { return !b.listed(); }));
  CHECK(b.rows() == (commit ? "1" : "0"));
  if (!commit) return;
  // The same open string knows that it was its own command that arrived.
  CHECK_ANSWER(b.finish(Request::commit_prepared), XA_OK);
}

TEST_CASE("the end of a branch whose statement is running in a frozen process") {
  Branch b("active");
  REQUIRE(PQsendQuery(static_cast<PGconn*>(b.session->native()), "SELECT pg_sleep(600)") == 1);
  const Frozen frozen(cluster().folder());
  const InTime in_time;
  const auto request =
      GENERATE(Request::end, Request::prepare, Request::commit_one_phase, Request::rollback);
  const rm::Answer answer = rm::perform(*b.session, request, b.xid);
  CHECK_ANSWER(answer, request == Request::commit_one_phase ? XA_RBCOMMFAIL : XAER_RMFAIL);
  REQUIRE(answer.error.has_value());
  CHECK(answer.error->outcome_known);
  CHECK_FALSE(b.session->reusable());
  b.session.reset();
}

TEST_CASE("a session that a frozen process reads nothing from is closed without waiting") {
  Branch b("active");
  const Frozen frozen(*b.session);
  auto* const connection = static_cast<PGconn*>(b.session->native());
  PQsetnonblocking(connection, 1);
  const std::string much = "SELECT '" + std::string(10'000'000, 'x') + "'";
  REQUIRE(PQsendQuery(connection, much.c_str()) == 1);
  const InTime in_time;
  SECTION("at once") {}
  SECTION("after its end") { CHECK_ANSWER(b.session->end(b.xid), XAER_RMFAIL); }
  SECTION("when the application would wait") {
    // As PQsendQuery in blocking mode leaves it when it is interrupted by an exception.
    CHECK_ANSWER(b.session->rollback(b.xid), XAER_RMFAIL);
  }
  b.session.reset();
}

TEST_CASE("questions to a frozen server") {
  Branch b("none");
  const Frozen frozen(cluster().folder());
  const InTime in_time;
  const auto is_late = [](const auto& result) {
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().xa_code == XAER_RMFAIL);
    CHECK_FALSE(result.error().connection_usable);
    CHECK(result.error().message.find("in time") != std::string::npos);
  };
  SECTION("what is prepared") { is_late(b.session->prepared(true)); }
  SECTION("who is connected") { is_late(b.server->sessions_tagged(*b.session, "tag")); }
  SECTION("what database it is") { is_late(b.server->identity(*b.session)); }
  SECTION("is it there") { CHECK_FALSE(b.session->alive()); }
  SECTION("can it do XA") {
    const auto findings = b.server->preflight(*b.session);
    REQUIRE(findings.size() == 1);
    CHECK(findings.front().severity == XABRIDGE_FINDING_ERROR);
  }
  SECTION("native work begins") { CHECK_ANSWER(b.session->begin_native(), XAER_RMFAIL); }
  SECTION("a new connection") {
    const auto connected = b.server->connect("test");
    REQUIRE_FALSE(connected.ok());
    CHECK(connected.error().xa_code == XAER_RMFAIL);
    CHECK(connected.error().server_text.find("timeout expired") != std::string::npos);
  }
  SECTION("an interrupt") { b.session->interrupt(); }
  SECTION("many interrupts") {
    for (int round = 0; round < 50; ++round) b.session->interrupt();
  }
  CHECK_FALSE(b.session->alive());
  b.session.reset();
}

TEST_CASE("native work ends at a frozen server") {
  Branch b("none");
  REQUIRE(b.session->begin_native().code == XA_OK);
  REQUIRE(sql(*b.session, "BEGIN; INSERT INTO " + b.table + " VALUES (1)").ok);
  {
    const Frozen frozen(*b.session);
    const InTime in_time;
    CHECK_ANSWER(b.session->end_native(), XAER_RMFAIL);
    b.session.reset();
  }
  CHECK(eventually([&] { return sql(b.admin.get(), "DROP TABLE " + b.table).ok; }));
}
