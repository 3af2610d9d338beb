// Workers: the threads in which TMASYNC waits for servers whose client library can only block.
//
// A few threads for each rmid, started when needed, ended when idle for a while. None has a queue:
// a caller that could make the call itself never waits for a worker, and what waits for a frozen
// server stands in nobody's way at another. A worker performs an Operation and nothing else; it has
// no ThreadState, and what it learns is concluded by the thread that made the call. The threads are
// detached, and own what they wait on. After fork() the child has workers of its own
// (Switch::impl()).
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>

#include "operation.hpp"

namespace xabridge::rm {

/// An operation in the hands of a worker. Whoever owns the operation waits before destroying it.
class Job {
 public:
  explicit Job(Operation& operation) noexcept : operation_(operation) {}

  void run() noexcept;
  /// The answer, once; nothing while the worker is not done and `patience` is to poll.
  std::optional<Answer> take(Patience patience);

 private:
  Operation& operation_;
  const std::chrono::steady_clock::time_point deadline_ = call_deadline();  // of who asked
  const std::string_view isolation_ = branch_isolation();
  std::mutex mutex_;
  std::condition_variable answered_;
  std::optional<Answer> answer_;  // guarded by mutex_
};

class Workers {
 public:
  static constexpr std::size_t most_threads = 8;

  /// False when every thread is busy and no other can be started.
  bool submit(std::shared_ptr<Job> job);

 private:
  struct Shared {
    std::mutex mutex;
    std::condition_variable submitted;
    // All guarded by mutex. Each job handed over has a thread of its own that is about to take it.
    std::deque<std::shared_ptr<Job>> handed_over;
    std::size_t threads = 0;
    std::size_t busy = 0;
  };
  static void work(const std::shared_ptr<Shared>& shared) noexcept;

  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

}  // namespace xabridge::rm
