// Children of the test's process, made by fork().
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>

#include "catch.hpp"

/// What `body` returns in a child; -1 when the child was killed, or cannot be waited for. No Catch2
/// in there: it must not report twice, nor in another thread beside the test's.
template <class Body>
int in_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  if (::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

/// A process that has begun `work`, is dead, and has left a child of its own, whose pid this is.
/// `work` returns what the process keeps until it dies; something false: it failed.
enum class Left { forked, started };
template <class Work>
pid_t die_and_leave_child(Left how, Work work) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const pid_t victim = ::fork();
  if (victim == 0) {
    const auto kept = work();
    if (!kept) ::_exit(1);
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
