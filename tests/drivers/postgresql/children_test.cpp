// Sessions and the children of the process that has them: a session ends with its process, and no
// child can use it.

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <xabridge/codes.hpp>

#include "fixture.hpp"

using namespace xabridge;
using namespace xabridge::test;

namespace {

// A process that has begun a branch and changed row 1, is dead, and has left a child.
enum class Left { forked, started };
pid_t die_and_leave_child(Corner& corner, const Xid& xid, Left how) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const pid_t victim = ::fork();
  if (victim == 0) {
    const SessionPtr session = corner.connect();
    if (session->begin(xid).code != XA_OK || !sql(*session, corner.add(1, 7)).ok) ::_exit(1);
    pid_t child = 0;
    if (how == Left::forked) {
      child = ::fork();
      if (child == 0)
        for (;;) ::pause();
    } else {
      FILE* const program = ::popen("sleep 600 >/dev/null 2>&1 & echo $!", "r");
      if (program == nullptr || ::fscanf(program, "%d", &child) != 1) ::_exit(1);
      ::pclose(program);
    }
    (void)!::write(ends[1], &child, sizeof child);
    ::kill(::getpid(), SIGKILL);
  }
  pid_t child = 0;
  REQUIRE(::waitpid(victim, nullptr, 0) == victim);
  REQUIRE(::read(ends[0], &child, sizeof child) == sizeof child);
  for (const int end : ends) ::close(end);
  return child;
}

}  // namespace

TEST_CASE("a session ends with its process, whatever its children do") {
  for (const Left how : {Left::forked, Left::started}) {
    Corner corner;
    const Xid xid = corner.xid();
    const pid_t child = die_and_leave_child(corner, xid, how);
    CHECK(::kill(child, 0) == 0);
    CHECK(sql(corner.admin(), "SET lock_timeout = '20s'").ok);
    CHECK(sql(corner.admin(), corner.add(1, 9)).ok);
    CHECK(corner.amount(1) == 109);
    ::kill(child, SIGKILL);
  }
}

TEST_CASE("what a child does with a session of its parent does not reach the server") {
  Corner corner;
  const Xid xid = corner.xid();
  SessionPtr session = corner.connect();
  CHECK_ANSWER(session->begin(xid), XA_OK);
  CHECK(sql(*session, corner.add(1, 7)).ok);
  const pid_t child = ::fork();
  if (child == 0) {
    const bool done = sql(*session, corner.add(2, 7)).ok;
    session.reset();  // says goodbye
    ::_exit(done ? 1 : 0);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK_ANSWER(session->end(xid), XA_OK);
  CHECK_ANSWER(session->commit_one_phase(xid), XA_OK);
  CHECK(corner.amount(1) == 107);
  CHECK(corner.amount(2) == 100);
}

TEST_CASE("a child has sessions of its own") {
  Corner corner;
  const SessionPtr session = corner.connect();
  const pid_t child = ::fork();
  if (child == 0) {
    const SessionPtr own = corner.connect();
    ::_exit(own->alive() && own->server_id() != session->server_id() ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(session->alive());
}
