// What the tests of the transaction manager share: a log directory, two resource managers in
// memory, a configuration that is quick, and a record of the events.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>
#include <xabridge/transaction_manager.hpp>

#include "memory_rm.hpp"
#include "temporary_directory.hpp"

class EventLog final : public xabridge::Observer {
 public:
  void on_event(const xabridge::Event& event) noexcept override {
    const std::lock_guard lock(mutex_);
    events_.push_back(
        {event.kind, std::string(event.resource_manager), std::string(event.text), event.took});
    changed_.notify_all();
  }
  struct Seen {
    xabridge::EventKind kind;
    std::string resource_manager;
    std::string text;
    std::chrono::nanoseconds took;
  };
  [[nodiscard]] std::vector<Seen> all() const {
    const std::lock_guard lock(mutex_);
    return events_;
  }
  [[nodiscard]] std::size_t count(xabridge::EventKind kind) const {
    const std::lock_guard lock(mutex_);
    return count_locked(kind);
  }
  /// False when it has not come after a long while.
  bool wait_for(xabridge::EventKind kind, std::size_t n = 1) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20),
                             [&] { return count_locked(kind) >= n; });
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    events_.clear();
  }

 private:
  [[nodiscard]] std::size_t count_locked(xabridge::EventKind kind) const {
    std::size_t n = 0;
    for (const Seen& e : events_) n += e.kind == kind ? 1 : 0;
    return n;
  }
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<Seen> events_;
};

struct ManagerFixture {
  TemporaryDirectory directory;
  MemoryRm accounts{"accounts"};
  MemoryRm ledger{"ledger"};
  EventLog events;

  [[nodiscard]] xabridge::Config config() {
    using namespace std::chrono_literals;
    xabridge::Config c;
    c.log_directory = directory.path() / "log";
    c.log_segment_size = 64 * 1024;
    c.timeout = 30s;
    c.completion_timeout = 50ms;
    c.retry_backoff = {1ms, 2ms};
    c.recovery_interval = 50ms;
    c.logging_level = xabridge::LogLevel::off;
    c.resource_managers = {accounts.config(), ledger.config()};
    c.observers = {&events};
    return c;
  }
  static void enlist_both(xabridge::Transaction& tx) {
    tx.enlist("accounts");
    tx.enlist("ledger");
  }
};

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
