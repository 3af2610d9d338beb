// An answer that cannot be received is none, also where libpq goes on calling the connection
// usable.

#include "failed_receive.hpp"

#include <cerrno>
#include <xabridge/codes.hpp>

#include "fixture.hpp"

using namespace xabridge;
using namespace xabridge::test;
using rm::Patience;
using rm::Request;

namespace {

// Waits for the answer in one call, or asks for it again and again.
rm::Answer ask(rm::Session& session, Request request, const Xid& xid, Patience patience) {
  if (patience == Patience::wait) return rm::perform(session, request, xid);
  REQUIRE(session.send(request, xid));
  std::optional<rm::Answer> answer;
  REQUIRE(eventually([&] { return (answer = session.receive(Patience::poll)).has_value(); }));
  return *std::move(answer);
}

int socket_of(rm::Session& session) { return PQsocket(static_cast<PGconn*>(session.native())); }

struct Branch {
  Corner corner;
  SessionPtr session = corner.connect("sslmode=disable");
  Xid xid = corner.xid();

  Branch() {
    REQUIRE(session->begin(xid).code == XA_OK);
    REQUIRE(sql(*session, corner.add(1, 1)).ok);
    REQUIRE(session->end(xid).code == XA_OK);
  }
  void prepared() { REQUIRE(session->prepare(xid).code == XA_OK); }
  // What the branch has left at the server, ended through another session.
  rm::Answer finish(Request request) {
    const SessionPtr other = corner.connect();
    rm::Answer answer;
    eventually([&] { return (answer = rm::perform(*other, request, xid)).code != XA_RETRY; });
    return answer;
  }
};

const int numbers[] = {ETIMEDOUT, ENOBUFS, EIO};

void check_given_up(rm::Session& session) {
  CHECK_FALSE(session.reusable());
  CHECK_FALSE(session.alive());
}

}  // namespace

TEST_CASE("the answer to a one-phase commit that cannot be received is asked for elsewhere") {
  const int number = GENERATE(from_range(std::begin(numbers), std::end(numbers)));
  const Patience patience = GENERATE(Patience::wait, Patience::poll);
  const int successes = GENERATE(0, 1);
  Branch b;
  // The check before COMMIT is sent reads first, and finds nothing.
  fail_receive(socket_of(*b.session), number, 1 + successes);
  const rm::Answer answer = ask(*b.session, Request::commit_one_phase, b.xid, patience);
  if (!receive_has_failed()) {  // all came in one piece
    CHECK_ANSWER(answer, XA_OK);
    return;
  }
  INFO(text_of(answer));
  CHECK((answer.code == XA_OK || (answer.code == XAER_RMFAIL && !answer.error->outcome_known)));
  CHECK(eventually([&] { return b.corner.amount(1) == 101; }));
  check_given_up(*b.session);
}

TEST_CASE("a vote that cannot be received is unknown, and not taken for one typed by hand") {
  const int number = GENERATE(from_range(std::begin(numbers), std::end(numbers)));
  const Patience patience = GENERATE(Patience::wait, Patience::poll);
  Branch b;
  fail_receive(socket_of(*b.session), number, 1);
  const rm::Answer answer = ask(*b.session, Request::prepare, b.xid, patience);
  REQUIRE(receive_has_failed());
  CHECK_ANSWER(answer, XAER_RMFAIL);
  REQUIRE(answer.error.has_value());
  CHECK_FALSE(answer.error->outcome_known);
  CHECK_FALSE(answer.error->connection_usable);
  CHECK_ANSWER(ask(*b.session, Request::rollback, b.xid, patience), XAER_RMFAIL);
  check_given_up(*b.session);
  CHECK(eventually([&] { return b.corner.listed(b.xid); }));
  CHECK_ANSWER(b.finish(Request::rollback_prepared), XA_OK);
}

TEST_CASE("any other answer that cannot be received is a lost connection") {
  const int number = GENERATE(from_range(std::begin(numbers), std::end(numbers)));
  const Patience patience = GENERATE(Patience::wait, Patience::poll);
  Branch b;
  const Xid next = b.corner.xid();
  const auto lost = [&](Request request, const Xid& xid, int successes) {
    fail_receive(socket_of(*b.session), number, successes);
    CHECK_ANSWER(ask(*b.session, request, xid, patience), XAER_RMFAIL);
    CHECK(receive_has_failed());
    check_given_up(*b.session);
  };
  SECTION("begin") {
    REQUIRE(b.session->rollback(b.xid).code == XA_OK);
    lost(Request::begin, next, 0);
  }
  SECTION("end, before anything is asked") { lost(Request::end, b.xid, 0); }
  SECTION("prepare, before anything is asked") { lost(Request::prepare, b.xid, 0); }
  SECTION("rollback") {
    lost(Request::rollback, b.xid, 0);
    CHECK_FALSE(b.corner.listed(b.xid));
  }
  SECTION("phase two, before anything is asked") {
    b.prepared();
    lost(Request::commit_prepared, b.xid, 0);
    CHECK_ANSWER(b.finish(Request::commit_prepared), XA_OK);
  }
  SECTION("phase two") {
    b.prepared();
    lost(Request::commit_prepared, b.xid, 1);
    CHECK(eventually([&] { return b.corner.amount(1) == 101; }));
  }
}

TEST_CASE("a question whose answer cannot be received is a lost connection") {
  Corner corner;
  const SessionPtr session = corner.connect("sslmode=disable");
  fail_receive(socket_of(*session), EIO);
  SECTION("list") { CHECK(session->prepared(true).error().xa_code == XAER_RMFAIL); }
  SECTION("identity") { CHECK(corner.server().identity(*session).error().xa_code == XAER_RMFAIL); }
  SECTION("is the server there") { CHECK_FALSE(session->alive()); }
  CHECK(receive_has_failed());
  check_given_up(*session);
}

TEST_CASE("results of the application that cannot be received end its branch") {
  Branch b;
  REQUIRE(b.session->resume(b.xid).code == XA_OK);
  REQUIRE(PQsendQuery(static_cast<PGconn*>(b.session->native()), "COMMIT") == 1);
  fail_receive(socket_of(*b.session), EIO);
  CHECK_ANSWER(b.session->end(b.xid), XAER_RMFAIL);
  CHECK(receive_has_failed());
  check_given_up(*b.session);
}
