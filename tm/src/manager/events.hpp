// Events: hands what happens to the observers, in the thread where it happens.
#pragma once

#include <chrono>
#include <mutex>
#include <shared_mutex>
#include <string_view>
#include <vector>
#include <xabridge/event.hpp>

namespace xabridge::tm {

/// Thread-safe. close() returns when no observer is being called and none will be: background work
/// that outlives the TransactionManager (a server that does not answer) must not touch observers
/// that are gone.
class Events {
 public:
  explicit Events(std::vector<Observer*> observers) : observers_(std::move(observers)) {}

  void emit(const Event& event) noexcept {
    const std::shared_lock open(mutex_);
    for (Observer* observer : observers_) observer->on_event(event);
  }
  void emit(EventKind kind, std::string_view gtrid, std::string_view resource_manager = {},
            int code = 0, std::string_view text = {}, std::chrono::nanoseconds took = {}) noexcept {
    emit(Event{kind, gtrid, resource_manager, code, text, took});
  }
  void close() noexcept {
    const std::unique_lock closing(mutex_);
    observers_.clear();
  }

 private:
  std::shared_mutex mutex_;
  std::vector<Observer*> observers_;
};

}  // namespace xabridge::tm
