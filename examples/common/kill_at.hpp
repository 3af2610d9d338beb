// KillAt: ends this process with SIGKILL at a chosen step of a transaction, as a power failure
// would.
//
//   decided:3        at the third decision, before any branch is told
//   before_commit:2  when the second branch is about to be committed
//
// An observer: nothing in the transaction's path knows of it.
#pragma once

#include <atomic>
#include <string>
#include <vector>
#include <xabridge/event.hpp>

namespace examples {

class KillAt : public xabridge::Observer {
 public:
  /// `step` is EVENT or EVENT:COUNT; throws std::invalid_argument that lists the events.
  explicit KillAt(const std::string& step);
  /// The same, where only some events happen.
  KillAt(const std::string& step, const std::vector<xabridge::EventKind>& events);
  void on_event(const xabridge::Event& event) noexcept override;

 private:
  xabridge::EventKind kind_;
  std::atomic<long> remaining_;
};

}  // namespace examples
