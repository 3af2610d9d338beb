// DieAt: an observer that ends the process at an event, as a crash would.
#pragma once

#include <unistd.h>

#include <xabridge/event.hpp>

class DieAt final : public xabridge::Observer {
 public:
  explicit DieAt(xabridge::EventKind kind) : kind_(kind) {}
  void on_event(const xabridge::Event& event) noexcept override {
    if (event.kind == kind_) ::_exit(9);
  }

 private:
  xabridge::EventKind kind_;
};
