// The thread behind the timeouts; what happens at one is in timeout_gate.hpp.
#include "deadline_watcher.hpp"

#include <algorithm>
#include <exception>

namespace xabridge::tm {

namespace {

constexpr std::chrono::hours kIdleSleep{1};

}  // namespace

DeadlineWatcher::DeadlineWatcher(std::shared_ptr<Events> events) : events_(std::move(events)) {
  thread_ = std::thread([this] { watch(); });
}

void DeadlineWatcher::stop() noexcept {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void DeadlineWatcher::add(const std::shared_ptr<TimeoutGate>& gate, std::string gtrid) {
  const std::lock_guard lock(mutex_);
  entries_.emplace(*gate->deadline(), Entry{gate, std::move(gtrid)});
  if (*gate->deadline() < sleeps_until_) changed_.notify_all();
}

void DeadlineWatcher::remove(const TimeoutGate& gate) noexcept {
  if (!gate.deadline()) return;
  const std::lock_guard lock(mutex_);
  const auto [first, last] = entries_.equal_range(*gate.deadline());
  for (auto it = first; it != last; ++it) {
    if (it->second.gate.get() == &gate) {
      entries_.erase(it);
      return;
    }
  }
}

void DeadlineWatcher::watch() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    const auto now = std::chrono::steady_clock::now();
    const auto earliest = entries_.empty() ? now + kIdleSleep : entries_.begin()->first;
    if (now < earliest) {
      sleeps_until_ = earliest;
      changed_.wait_until(lock, earliest);
      sleeps_until_ = {};
      continue;
    }
    const Entry entry = std::move(entries_.begin()->second);
    entries_.erase(entries_.begin());
    lock.unlock();
    expire(entry);
    lock.lock();
  }
}

void DeadlineWatcher::expire(const Entry& entry) {
  if (!entry.gate->expire()) return;
  events_->emit(EventKind::timed_out, entry.gtrid, {}, XA_RBTIMEOUT,
                "running statements are interrupted; the transaction rolls back");
  interrupt(entry);
}

void DeadlineWatcher::give_up(const std::shared_ptr<TimeoutGate>& gate, const std::string& gtrid) {
  remove(*gate);
  if (gate->expire()) interrupt({gate, gtrid});
}

void DeadlineWatcher::interrupt(const Entry& entry) {
  try {
    const std::size_t threads = std::max<std::size_t>(1, entry.gate->branch_count());
    for (std::size_t number = 0; number < threads; ++number) {
      const auto which = number + 1 == threads ? TimeoutGate::Which::rest : TimeoutGate::Which::one;
      std::thread([gate = entry.gate, number, which] {
        gate->interrupt_until_stopped(number, which);
      }).detach();
    }
  } catch (const std::exception&) {
    // The transaction still rolls back, only when its statement ends by itself. Nothing here takes
    // memory: an exception would end the thread that watches every deadline.
    events_->emit(EventKind::warning, entry.gtrid, {}, 0,
                  "no thread or memory to interrupt its statements: they go on until they end by "
                  "themselves");
  }
}

}  // namespace xabridge::tm
