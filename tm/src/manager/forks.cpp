// Counts in the child's fork handler.
#include "forks.hpp"

#include <pthread.h>

#include <atomic>

namespace xabridge::tm {
namespace {

std::atomic<unsigned> count{0};

// While the library is loaded: pthread_atfork() waits for a fork that is under way, and a child
// made meanwhile would find the static's guard taken for ever.
[[maybe_unused]] const unsigned registered_when_loaded = forks();

}  // namespace

unsigned forks() noexcept {
  static const int registered =
      ::pthread_atfork(nullptr, nullptr, [] { count.fetch_add(1, std::memory_order_relaxed); });
  static_cast<void>(registered);
  return count.load(std::memory_order_relaxed);
}

}  // namespace xabridge::tm
