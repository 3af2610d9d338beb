// Upkeep: the thread that closes sessions when they have been idle too long.
//
// One for each switch, started when the first session may expire and ended when none may any more.
// It sleeps until the next one does. After fork() the child has an Upkeep of its own
// (Switch::impl()).
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

namespace xabridge::rm {

class Upkeep {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr Clock::time_point never = Clock::time_point::max();

  /// `sweep` closes what has expired, and says when the next will. What it uses is never destroyed.
  explicit Upkeep(std::function<Clock::time_point()> sweep);

  /// There will be something to close at `when`. Not under a lock that `sweep` takes.
  void expect(Clock::time_point when) noexcept;

 private:
  struct Shared {
    explicit Shared(std::function<Clock::time_point()> function) : sweep(std::move(function)) {}
    const std::function<Clock::time_point()> sweep;
    std::mutex mutex;
    std::condition_variable earlier;
    std::atomic<Clock::time_point> next{never};  // changes under the mutex
    bool running = false;                        // guarded by it
  };
  static void work(const std::shared_ptr<Shared>& shared) noexcept;

  const std::shared_ptr<Shared> shared_;
};

}  // namespace xabridge::rm
