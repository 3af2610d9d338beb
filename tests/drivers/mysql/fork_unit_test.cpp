// A child made amid the parent's first session.

#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>
#include <xabridge/rm/children.hpp>

#include "in_child.hpp"
#include "session_mark.hpp"

namespace xabridge::mysql::test {
namespace {

const std::string kTag = "xabridge/0123456789abcdef";

std::atomic<bool> waits_for_first{false};
std::atomic<bool> fork_is_near{false};
std::atomic<bool> first_is_made{false};
std::atomic<int> first_thread{0};

bool waits_for_lock(int thread) {
  const std::string path = "/proc/self/task/" + std::to_string(thread) + "/syscall";
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  std::array<char, 32> text{};
  const bool told = ::read(file, text.data(), text.size() - 1) > 0;
  ::close(file);
  return told && std::atol(text.data()) == SYS_futex;
}

// Handlers that were registered first are called last: the driver's has its locks by now.
__attribute__((constructor(101))) void come_last() {
  (void)::pthread_atfork(
      [] {
        if (!waits_for_first) return;
        fork_is_near = true;
        while (!first_is_made && !waits_for_lock(first_thread)) std::this_thread::yield();
      },
      nullptr, nullptr);
}

}  // namespace

TEST_CASE("a child made amid its parent's first session has sessions of its own") {
  { const rm::LogIn another; }  // from here on, at the latest, forks wait for log-ins
  std::thread first([] {
    first_thread = ::gettid();
    while (!fork_is_near) std::this_thread::yield();
    const SessionMark mark(kTag);
    first_is_made = true;
  });
  while (first_thread == 0) std::this_thread::yield();
  waits_for_first = true;
  CHECK(in_child([] {
          ::alarm(20);
          const SessionMark mark(kTag);
          return 0;
        }) == 0);
  first.join();
}

}  // namespace xabridge::mysql::test
