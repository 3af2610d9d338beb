// MemoryRm whose server hangs.
#include <chrono>

#include "memory_rm.hpp"

using xabridge::Xid;

namespace {

constexpr auto kPatience = std::chrono::seconds(60);

}  // namespace

void MemoryRm::freeze(const std::string& entry) {
  const std::lock_guard lock(mutex_);
  frozen_.insert(entry);
}

void MemoryRm::thaw() {
  const std::lock_guard lock(mutex_);
  frozen_.clear();
  changed_.notify_all();
}

std::size_t MemoryRm::wait_until_frozen(std::size_t n) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kPatience, [&] { return hanging_ >= n; });
  return hanging_;
}

/// Hangs while `entry` is frozen. True: the deadline came first.
bool MemoryRm::stay_out_of(const std::string& entry, const XID* xid) {
  const auto deadline = call_deadline();
  std::unique_lock lock(mutex_);
  const auto thawed = [&] { return frozen_.count(entry) == 0; };
  if (thawed()) return false;
  ++hanging_;
  changed_.notify_all();
  bool in_time = true;
  if (deadline == std::chrono::steady_clock::time_point()) {
    changed_.wait(lock, thawed);
  } else {
    in_time = changed_.wait_until(lock, deadline, thawed);
  }
  --hanging_;
  changed_.notify_all();
  if (in_time) return false;
  // The session is abandoned: what was not prepared goes with it.
  const auto here = std::this_thread::get_id();
  open_.erase(here);
  associations_.erase(here);
  const auto branch = xid == nullptr ? branches_.end() : branches_.find(*Xid::from(xid));
  if (branch != branches_.end() && branch->second != State::prepared) branches_.erase(branch);
  return true;
}
