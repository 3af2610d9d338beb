// RecoveryWorker: runs recovery's lanes, one thread each, at start, at intervals, when hurried, and
// when asked.
//
// A lane waits for its server no longer than its limit a call, and looks meanwhile whether it
// should stop (lane_port.hpp). Everything a lane touches is in RecoveryState, which its thread
// holds itself. What a call that is late touches is its own.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "../core/recovery.hpp"
#include "../environment.hpp"
#include "../register/decision_register.hpp"
#include "events.hpp"
#include "lane_port.hpp"
#include "live_set.hpp"
#include "resource_manager.hpp"

namespace xabridge::tm {

/// Thread-safe.
class RecoveryState : public std::enable_shared_from_this<RecoveryState> {
 public:
  struct Options {
    Recovery::Options core;
    std::chrono::milliseconds call_timeout{10'000};
  };
  RecoveryState(std::unique_ptr<DecisionRegister> reg, Clock& c, Options options,
                std::shared_ptr<Events> e);

  std::unique_ptr<DecisionRegister> decisions;
  LiveSet live;
  Clock& clock;
  std::shared_ptr<Events> events;
  Recovery recovery;

  /// Before the first pass, and before anybody else looks.
  void add(std::shared_ptr<ResourceManager> resource_manager);
  [[nodiscard]] const std::vector<std::shared_ptr<ResourceManager>>& resource_managers()
      const noexcept {
    return resource_managers_;
  }

  /// A pass of every lane, at the same time, and those that follow from what one learnt of another.
  /// Does not wait for lanes whose servers do not answer, nor long for those that did not before;
  /// their passes go on.
  PassReport pass();
  /// A branch was left behind: the next passes are due now.
  void hurry() noexcept;
  /// A transaction has begun at the resource manager: its server is back, and a lane that backs off
  /// need not wait. Before that transaction meets a lock of what is to be recovered.
  void reached(const std::string& resource_manager) noexcept;
  void stop() noexcept;

 private:
  friend class RecoveryWorker;
  struct Lane {
    std::unique_ptr<LanePort> port;
    bool passing = false;
    bool hurried = false;
    bool failing = false;  // its server did not answer last time
    bool passed = false;   // once at least
  };
  struct Round;

  [[nodiscard]] bool is_stopping();
  PassReport lane_pass(std::size_t number);
  void tell_lanes(std::size_t number, const PassReport& report);
  void run_round(const std::vector<std::size_t>& numbers, PassReport& report);
  [[nodiscard]] PassReport not_passed(std::size_t number, std::string why) const;
  void lane_returned(std::size_t number) noexcept;

  const Options options_;
  std::vector<std::shared_ptr<ResourceManager>> resource_managers_;
  std::vector<std::string> names_;  // likewise
  std::mutex mutex_;                // guards all below
  std::condition_variable changed_;
  std::vector<Lane> lanes_;
  std::atomic<bool> any_failing_ = false;  // also read without it
  bool stopping_ = false;
  std::size_t threads_ = 0;  // of the worker
  bool ran_once_ = false;    // where it does not go on in the background
};

class RecoveryWorker {
 public:
  struct Options {
    std::chrono::milliseconds interval;
    bool background = true;  // false: the passes at start, and no more
  };

  RecoveryWorker(std::shared_ptr<RecoveryState> state, Options options);
  /// Stops the threads; does not wait for a server that does not answer.
  ~RecoveryWorker();
  RecoveryWorker(const RecoveryWorker&) = delete;
  RecoveryWorker& operator=(const RecoveryWorker&) = delete;

  /// The resource managers whose passes at start are not over after `bound`; they go on.
  std::vector<std::string> wait_for_first_passes(std::chrono::milliseconds bound);

 private:
  /// Throws Exception: no thread can be had.
  void start(std::size_t number, const Options& options);
  static void work(RecoveryState& state, std::size_t number, const Options& options);
  static void run_once(RecoveryState& state);

  std::shared_ptr<RecoveryState> state_;
  bool background_ = true;
  std::vector<std::thread> threads_;
};

}  // namespace xabridge::tm
