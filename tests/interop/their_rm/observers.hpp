// Observers that do something at the n-th event of a kind, written "before_commit:2".
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>
#include <xabridge/event.hpp>

namespace foreign {

class At final : public xabridge::Observer {
 public:
  At(const std::string& event, std::function<void()> what)
      : kind_(event.substr(0, event.find(':'))),
        left_(std::stoi(event.substr(event.find(':') + 1))),
        what_(std::move(what)) {}
  void on_event(const xabridge::Event& event) noexcept override {
    if (xabridge::to_string(event.kind) == kind_ && --left_ == 0) what_();
  }

 private:
  std::string kind_;
  std::atomic<int> left_;
  std::function<void()> what_;
};

/// Every event of this program's transactions, as texts for At. A branch of somebody else's that
/// recovery saw on a shared server is not one: the next run may not meet it.
class Listing final : public xabridge::Observer {
 public:
  void on_event(const xabridge::Event& event) noexcept override {
    if (event.gtrid.empty() || event.kind == xabridge::EventKind::foreign) return;
    const std::lock_guard lock(mutex_);
    const std::string kind(xabridge::to_string(event.kind));
    int n = 1;
    for (const std::string& seen : events_) n += seen.starts_with(kind + ":") ? 1 : 0;
    events_.push_back(kind + ":" + std::to_string(n));
  }
  [[nodiscard]] std::vector<std::string> events() const {
    const std::lock_guard lock(mutex_);
    return events_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> events_;
};

/// Waits for recovery's passes.
class Passes final : public xabridge::Observer {
 public:
  void on_event(const xabridge::Event& event) noexcept override {
    if (event.kind != xabridge::EventKind::recovery_finished) return;
    const std::lock_guard lock(mutex_);
    ++passes_;
    changed_.notify_all();
  }
  /// Until one has ended that ended after this was called; false after a long while.
  [[nodiscard]] bool wait_for_next() const {
    std::unique_lock lock(mutex_);
    const int before = passes_;
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return passes_ > before; });
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  int passes_ = 0;
};

}  // namespace foreign
