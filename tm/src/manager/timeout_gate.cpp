// The transitions of the gate, each under its lock; interrupts are sent outside of it.
#include "timeout_gate.hpp"

#include <algorithm>

namespace xabridge::tm {
namespace {

// A statement may begin just after the interrupt that was meant for it; so it is repeated.
constexpr std::chrono::milliseconds kRepeat{200};
// One that its server does not answer is given up; what waits for it waits no longer.
constexpr std::chrono::milliseconds kWaitForCancel{1'000};

}  // namespace

std::string timeout_text(std::chrono::milliseconds timeout) {
  return "the transaction timed out after " + std::to_string(timeout.count()) +
         "ms; what it still runs is ended, as far as its servers can be reached";
}

void TimeoutGate::add_branch(std::shared_ptr<ResourceManager> resource_manager, const Xid& xid) {
  const std::lock_guard lock(mutex_);
  branches_.emplace_back(std::move(resource_manager), xid);
}

void TimeoutGate::remove_branch(const Xid& xid) {
  const std::lock_guard lock(mutex_);
  std::erase_if(branches_, [&](const auto& branch) { return branch.second == xid; });
}

bool TimeoutGate::expire() {
  const std::lock_guard lock(mutex_);
  if (state_ != State::open) return false;
  state_ = State::timed_out;
  return true;
}

bool TimeoutGate::timed_out(Time now) const {
  const std::lock_guard lock(mutex_);
  return state_ == State::timed_out || (state_ == State::open && deadline_ && now >= *deadline_);
}

bool TimeoutGate::proceed(Time now) {
  const std::lock_guard lock(mutex_);
  if (state_ == State::timed_out) return false;
  if (state_ == State::open && deadline_ && now >= *deadline_) return false;
  state_ = State::closed;
  return true;
}

std::size_t TimeoutGate::branch_count() const {
  const std::lock_guard lock(mutex_);
  return branches_.size();
}

void TimeoutGate::interrupt_until_stopped(std::size_t number, Which which) noexcept {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    const std::size_t end =
        which == Which::rest ? branches_.size() : std::min(number + 1, branches_.size());
    ++interrupting_;
    for (std::size_t i = number; i < std::min(end, branches_.size()) && !stopped_; ++i) {
      const auto branch = branches_[i];
      lock.unlock();
      branch.first->interrupt(branch.second, kWaitForCancel);
      lock.lock();
    }
    --interrupting_;
    changed_.notify_all();
    changed_.wait_for(lock, kRepeat, [&] { return stopped_; });
  }
}

void TimeoutGate::stop_interrupts() {
  std::unique_lock lock(mutex_);
  if (stopped_) return;  // and waited for
  stopped_ = true;
  changed_.notify_all();
  changed_.wait_for(lock, kWaitForCancel, [&] { return interrupting_ == 0; });
}

}  // namespace xabridge::tm
