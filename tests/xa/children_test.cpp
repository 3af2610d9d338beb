// What a child process has of a socket that was kept from it; log-ins amid fork() and exit().

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <xabridge/rm/children.hpp>
#include <xabridge/rm/session.hpp>

#include "at_exit.hpp"
#include "catch.hpp"
#include "in_child.hpp"

using namespace xabridge::rm;

namespace {

struct Pair {
  int ours = -1, theirs = -1;
  Pair() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    ours = ends[0];
    theirs = ends[1];
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() {
    ::close(ours);
    ::close(theirs);
  }
  /// Did the peer hear something?
  [[nodiscard]] bool heard() const {
    char byte = 0;
    return ::recv(theirs, &byte, 1, MSG_DONTWAIT) == 1;
  }
};

int say(int socket) { return ::write(socket, "x", 1) == 1 ? 1 : 0; }

std::optional<int> connected(int socket) { return socket; }

int itself(int socket) { return socket; }

std::atomic<bool> exits{false};

/// A log-in at a server that answers again and again, and is never done.
class Trickle {
 public:
  Trickle() {
    while (!begun_) std::this_thread::yield();
  }
  ~Trickle() {
    over_ = true;
    thread_.join();
  }
  Trickle(const Trickle&) = delete;
  Trickle& operator=(const Trickle&) = delete;

 private:
  std::atomic<bool> begun_{false};
  std::atomic<bool> over_{false};
  std::thread thread_{[this] {
    const LogIn under_way;
    while (!over_) {
      LogIn::goes_on();
      begun_ = true;
    }
  }};
};

}  // namespace

TEST_CASE("a program started from here does not inherit the socket") {
  const Pair pair;
  CHECK((::fcntl(pair.ours, F_GETFD) & FD_CLOEXEC) == 0);
  keep_from_children(pair.ours);
  CHECK((::fcntl(pair.ours, F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("what a forked child still says on the socket reaches nobody") {
  const Pair pair;
  keep_from_children(pair.ours);
  (void)in_child([&] { return say(pair.ours); });
  CHECK_FALSE(pair.heard());
  CHECK(say(pair.ours) == 1);
  CHECK(pair.heard());
}

TEST_CASE("the peer sees the end when the process is done, though a child lives on") {
  Pair pair;
  keep_from_children(pair.ours);
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  ::close(std::exchange(pair.ours, -1));
  pollfd end{pair.theirs, POLLIN, 0};
  const int seen = ::poll(&end, 1, 10000);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  CHECK(seen == 1);
}

TEST_CASE("a child keeps what another part of the program has under the same number") {
  auto gone = std::make_unique<Pair>();
  keep_from_children(gone->ours);
  const int number = gone->ours;
  gone.reset();
  const Pair other;
  const int moved = other.ours == number ? number : ::dup2(other.ours, number);
  REQUIRE(moved == number);
  CHECK(in_child([&] { return say(number); }) == 1);
  CHECK(other.heard());
  if (other.ours != number) ::close(number);
}

TEST_CASE("a connection that a child may have got while it was made is made anew") {
  const Pair first;
  const Pair second;
  int made = 0;
  const auto connect = [&] {
    if (++made == 1) (void)in_child([] { return 0; });
    return connected(made == 1 ? first.ours : second.ours);
  };
  CHECK(connect_hidden(connect, itself) == second.ours);
  CHECK(made == 2);
}

TEST_CASE("who forks all the time gets a connection all the same") {
  const Pair pair;
  int made = 0;
  const auto connect = [&] {
    ++made;
    (void)in_child([] { return 0; });
    return connected(pair.ours);
  };
  CHECK(connect_hidden(connect, itself) == pair.ours);
  CHECK(made == 3);
}

TEST_CASE("a connection that fails is not tried again for the sake of children") {
  int made = 0;
  const auto connect = [&]() -> std::optional<int> {
    ++made;
    (void)in_child([] { return 0; });
    return std::nullopt;
  };
  CHECK_FALSE(connect_hidden(connect, itself));
  CHECK(made == 1);
}

TEST_CASE("fork() is over though a server answers a log-in in pieces without end") {
  const Trickle trickle;
  CHECK(in_child([] { return 7; }) == 7);
}

TEST_CASE("a log-in that waits for a fork waits no longer than its call may take") {
  const Trickle trickle;
  std::atomic<bool> forked{false};
  std::thread forks([&] {
    (void)in_child([] { return 0; });
    forked = true;
  });
  bool refused = false;
  while (!refused && !forked) {
    const CallDeadline limit(std::chrono::steady_clock::now() + std::chrono::milliseconds(20));
    const LogIn log_in;
    refused = log_in.refused() != nullptr;
  }
  CHECK(refused);
  forks.join();
  const LogIn log_in;
  CHECK(log_in.refused() == nullptr);
}

TEST_CASE("exit() waits for a log-in that is at work") {
  CHECK(xabridge::test::exited([] {
          auto& done = *new std::atomic<bool>(false);
          auto& begun = *new std::atomic<bool>(false);
          xabridge::test::last_word() = [&] { return done ? 0 : 1; };
          std::thread([&] {
            const LogIn under_way;
            begun = true;
            while (!exits) std::this_thread::yield();
            for (volatile long work = 50'000'000; work > 0;) work = work - 1;
            done = true;
          }).detach();
          while (!begun) std::this_thread::yield();
          (void)std::atexit([] { exits = true; });  // called first
        }) == 0);
}

TEST_CASE("exit() ends a log-in that waits for its server") {
  Pair pair;
  CHECK(xabridge::test::exited([&] {
          auto& done = *new std::atomic<bool>(false);
          auto& begun = *new std::atomic<bool>(false);
          xabridge::test::last_word() = [&] { return done ? 0 : 1; };
          std::thread([&] {
            const LogIn under_way;
            begun = true;
            pollfd answer{pair.ours, POLLIN, 0};
            done = ::poll(&answer, 1, 60000) == 1;
          }).detach();
          while (!begun) std::this_thread::yield();
        }) == 0);
}

TEST_CASE("no log-in begins once exit() has begun") {
  CHECK(xabridge::test::exited([] {
          { const LogIn first; }
          xabridge::test::last_word() = [] {
            const LogIn late;
            return late.refused() == nullptr ? 1 : 0;
          };
        }) == 0);
}
