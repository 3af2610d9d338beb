// Counts recovery's events; see the header.
#include "recovery_watch.hpp"

#include <algorithm>
#include <iostream>
#include <thread>

namespace examples {

void RecoveryWatch::on_event(const xabridge::Event& event) noexcept {
  using xabridge::EventKind;
  const std::scoped_lock lock(mutex_);
  try {
    switch (event.kind) {
      case EventKind::recovered_commit:
        committed_.emplace(event.gtrid);
        break;
      case EventKind::recovered_rollback:
        rolled_back_.emplace(event.gtrid);
        break;
      case EventKind::recovery_waits:
        ++waits_;
        break;
      case EventKind::heuristic:
      case EventKind::warning:
        std::cerr << "warning: " << event.text << '\n';
        break;
      default:
        break;
    }
  } catch (const std::bad_alloc&) {
    // A missing line in a summary is all that is lost.
  }
}

bool RecoveryWatch::settle(xabridge::TransactionManager& tm, std::chrono::milliseconds limit) {
  using namespace std::chrono_literals;
  const auto deadline = std::chrono::steady_clock::now() + limit;
  for (std::chrono::milliseconds pause = 20ms; true;
       pause = std::min(2 * pause, std::chrono::milliseconds(500))) {
    const long before = waits_;
    tm.recover_now();
    if (waits_ == before) return true;
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(pause);
  }
}

std::size_t RecoveryWatch::committed() const {
  const std::scoped_lock lock(mutex_);
  return committed_.size();
}

std::size_t RecoveryWatch::rolled_back() const {
  const std::scoped_lock lock(mutex_);
  return rolled_back_.size();
}

}  // namespace examples
