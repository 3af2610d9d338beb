// LiveSet: the global transactions in flight in this process. Recovery never touches their
// branches.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>

namespace xabridge::tm {

/// Thread-safe. A gtrid is in it from before its first xa_start until its last call has returned
/// and its decision is marked done or left to recovery.
class LiveSet {
 public:
  void add(const std::string& gtrid) {
    const std::lock_guard lock(mutex_);
    gtrids_.insert(gtrid);
  }
  void remove(const std::string& gtrid) noexcept {
    const std::lock_guard lock(mutex_);
    gtrids_.erase(gtrid);
  }
  [[nodiscard]] bool contains(std::string_view gtrid) const {
    const std::lock_guard lock(mutex_);
    return gtrids_.count(std::string(gtrid)) != 0;
  }
  [[nodiscard]] std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return gtrids_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::unordered_set<std::string> gtrids_;
};

}  // namespace xabridge::tm
