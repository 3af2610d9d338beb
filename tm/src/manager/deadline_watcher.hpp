// DeadlineWatcher: one thread that waits for the earliest transaction timeout.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "events.hpp"
#include "timeout_gate.hpp"

namespace xabridge::tm {

/// Thread-safe. At a deadline it closes the transaction's gate, reports timed_out and has the
/// branches' statements interrupted from a thread of that transaction's own: a server that does not
/// answer the interrupt delays nobody else's.
class DeadlineWatcher {
 public:
  explicit DeadlineWatcher(std::shared_ptr<Events> events);
  ~DeadlineWatcher() { stop(); }
  DeadlineWatcher(const DeadlineWatcher&) = delete;
  DeadlineWatcher& operator=(const DeadlineWatcher&) = delete;

  /// `gate` has a deadline. Forgotten again by remove() or when the deadline has passed.
  void add(const std::shared_ptr<TimeoutGate>& gate, std::string gtrid);
  void remove(const TimeoutGate& gate) noexcept;
  /// Treats it as timed out now, though no deadline has passed: its sessions are ended soon.
  void give_up(const std::shared_ptr<TimeoutGate>& gate, const std::string& gtrid);
  /// No deadline is watched any more. The object stays: a Transaction may outlive its manager.
  void stop() noexcept;

 private:
  struct Entry {
    std::shared_ptr<TimeoutGate> gate;
    std::string gtrid;
  };
  void watch();
  void expire(const Entry& entry);
  void interrupt(const Entry& entry);

  std::shared_ptr<Events> events_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;
  // Only a deadline before this wakes the thread: nearly every transaction ends long before its
  // own, and a wake-up each would cost more than the rest of the bookkeeping.
  TimeoutGate::Time sleeps_until_{};
  std::multimap<TimeoutGate::Time, Entry> entries_;
  std::thread thread_;
};

}  // namespace xabridge::tm
