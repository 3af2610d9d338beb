// A thread of control of its own, which runs closures one after another and is not waited for
// longer than a limit: a call that hangs must not hang the program.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

namespace xabridge::conformance {

/// The closure did not return within the limit. Its thread is given up, and with it everything that
/// the closure refers to.
struct Hung : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Somebody wants the program to end; see interrupt_all().
struct Interrupted {};

class Executor {
 public:
  Executor();
  /// Ends the thread, and returns once it ended; one that hangs is left to itself.
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  /// Runs `job` in the thread and returns when it is done. Throws Hung ("`what` did not return
  /// within ..."), Interrupted, or what the job threw.
  void run(const std::string& what, std::chrono::milliseconds limit, std::function<void()> job);
  [[nodiscard]] bool hung() const { return hung_; }

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;  // a hung thread keeps its half
  std::thread thread_;
  bool hung_ = false;
};

/// From a signal handler: every run() in progress throws Interrupted, and every later one until
/// allow_again().
void interrupt_all() noexcept;
void allow_again() noexcept;

}  // namespace xabridge::conformance
