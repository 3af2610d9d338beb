// RecoveryWorker: runs recovery passes, at start, at intervals, when hurried, and when asked.
//
// A pass may hang in a server call for as long as a connection attempt takes. So everything a pass
// touches is in RecoveryState, which the thread holds itself: when a TransactionManager is
// destroyed meanwhile, the thread is left to end alone, and the log slot stays taken until it has.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "../core/recovery.hpp"
#include "../decision_register.hpp"
#include "../environment.hpp"
#include "events.hpp"
#include "live_set.hpp"
#include "resource_manager.hpp"

namespace xabridge::tm {

/// Thread-safe.
struct RecoveryState {
  RecoveryState(std::unique_ptr<DecisionRegister> reg, Clock& c, Recovery::Options options,
                std::shared_ptr<Events> e);

  std::unique_ptr<DecisionRegister> decisions;
  std::vector<std::shared_ptr<ResourceManager>> resource_managers;  // set before the first pass
  LiveSet live;
  Clock& clock;
  std::shared_ptr<Events> events;
  Recovery recovery;

  /// One pass in this thread, after the one another thread is in.
  PassReport pass();
  /// A branch was left behind: the next pass is due now.
  void hurry() noexcept;
  void stop() noexcept;

  std::mutex mutex;  // guards the five below
  std::condition_variable changed;
  bool passing = false;
  bool hurried = false;
  bool stopping = false;
  bool first_pass_over = false;
  bool thread_over = false;

 private:
  struct Passing;
};

class RecoveryWorker {
 public:
  struct Options {
    std::chrono::milliseconds interval;
    bool background = true;  // false: the pass at start, and no more
  };

  RecoveryWorker(std::shared_ptr<RecoveryState> state, Options options);
  /// Stops the thread; does not wait for a server that does not answer.
  ~RecoveryWorker();
  RecoveryWorker(const RecoveryWorker&) = delete;
  RecoveryWorker& operator=(const RecoveryWorker&) = delete;

  /// False when the pass at start is not over after `bound`; it goes on.
  bool wait_for_first_pass(std::chrono::milliseconds bound);

 private:
  std::shared_ptr<RecoveryState> state_;
  std::thread thread_;
};

}  // namespace xabridge::tm
