// Workers: the threads in which TMASYNC waits for servers whose client library can only block.
//
// Bounded: a few threads, started when first needed and kept, and a short queue. A worker performs
// an Operation and nothing else; it has no ThreadState, and what it learns is concluded by the
// thread that made the call. Lives as long as the process: the threads are detached, and own what
// they wait on. After fork() the child has a pool of its own (Switch::impl()).
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
  std::mutex mutex_;
  std::condition_variable answered_;
  std::optional<Answer> answer_;  // guarded by mutex_
};

class Workers {
 public:
  static constexpr std::size_t most_threads = 8;
  static constexpr std::size_t most_queued = 8;

  /// False when every thread is busy and the queue is full, or no thread can be started.
  bool submit(std::shared_ptr<Job> job);

 private:
  struct Shared {
    std::mutex mutex;
    std::condition_variable submitted;
    std::deque<std::shared_ptr<Job>> queue;  // the fields are guarded by mutex
    std::size_t threads = 0;
    std::size_t busy = 0;
  };
  static void work(const std::shared_ptr<Shared>& shared) noexcept;
  static bool start_thread(const std::shared_ptr<Shared>& shared) noexcept;

  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

}  // namespace xabridge::rm
