// When: an observer that acts at an event of one resource manager.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <xabridge/event.hpp>

class When final : public xabridge::Observer {
 public:
  When(xabridge::EventKind kind, std::string rm, std::function<void()> action)
      : kind_(kind), rm_(std::move(rm)), action_(std::move(action)) {}
  void on_event(const xabridge::Event& event) noexcept override {
    if (event.kind == kind_ && event.resource_manager == rm_) action_();
  }

 private:
  xabridge::EventKind kind_;
  std::string rm_;
  std::function<void()> action_;
};
