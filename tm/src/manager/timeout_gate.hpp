// TimeoutGate: who wins, the transaction timeout or the commit. One per transaction.
//
//            deadline passes              statement interrupted, repeatedly
//   open ------------------> timed_out ----------------------------------> closed
//     |                                                                      ^
//     +-- proceed(): before decide() or a one-phase commit --> closed -------+   stop_interrupts()
//
// proceed() and expire() are one decision under one lock: a transaction that timed out is never
// committed, and one that went past the gate is never interrupted. A cancel sent too late cannot
// hit a commit.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <xabridge/xid.hpp>

#include "resource_manager.hpp"

namespace xabridge::tm {

/// Why a transaction is rolled back that was given `timeout`.
[[nodiscard]] std::string timeout_text(std::chrono::milliseconds timeout);

/// Thread-safe: the transaction's thread and the deadline watcher meet here.
class TimeoutGate {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit TimeoutGate(std::optional<Time> deadline) : deadline_(deadline) {}

  [[nodiscard]] std::optional<Time> deadline() const noexcept { return deadline_; }

  /// A branch whose statements a timeout ends.
  void add_branch(std::shared_ptr<ResourceManager> resource_manager, const Xid& xid);

  /// It never began.
  void remove_branch(const Xid& xid);

  /// The deadline passed. True for the one call that made the transaction timed out.
  bool expire();
  /// True from expire() on, also when only the clock says so yet.
  [[nodiscard]] bool timed_out(Time now) const;
  /// The point of no return: false when the transaction timed out, at `now` or before.
  [[nodiscard]] bool proceed(Time now);

  /// How many branches there are to be interrupted now.
  [[nodiscard]] std::size_t branch_count() const;
  enum class Which { one, rest };
  /// Interrupts the branch of this number, or also those after it, until stop_interrupts(). Runs in
  /// a thread of its own, one for each branch: a server that does not answer the interrupt holds up
  /// none at another one. The last takes the rest: a branch may be begun at this very moment.
  void interrupt_until_stopped(std::size_t number, Which which) noexcept;
  /// Before the rollback is sent: it must not be what a late cancel hits. Waits for a cancel under
  /// way, but not longer than a moment: its server may be the one that does not answer.
  void stop_interrupts();

 private:
  enum class State { open, timed_out, closed };

  const std::optional<Time> deadline_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  State state_ = State::open;
  std::size_t interrupting_ = 0;
  bool stopped_ = false;
  std::vector<std::pair<std::shared_ptr<ResourceManager>, Xid>> branches_;
};

}  // namespace xabridge::tm
