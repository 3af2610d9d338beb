// The thread of upkeep.hpp.

#include "upkeep.hpp"

#include <algorithm>
#include <new>
#include <xabridge/rm/background_thread.hpp>

namespace xabridge::rm {
namespace {

// Client libraries clean up at exit, when a session can no longer be closed; it need not be either.
std::atomic<bool> process_is_exiting{false};
struct ExitMark {
  ~ExitMark() { process_is_exiting = true; }
};

}  // namespace

Upkeep::Upkeep(std::function<Clock::time_point()> sweep)
    : shared_(std::make_shared<Shared>(std::move(sweep))) {}

void Upkeep::expect(Clock::time_point when) noexcept {
  // Made after what the client libraries keep, which have connected by now: destroyed before it.
  static const ExitMark mark;
  if (when >= shared_->next.load()) return;
  const std::lock_guard lock(shared_->mutex);
  if (when >= shared_->next.load()) return;
  shared_->next = when;
  if (shared_->running) return shared_->earlier.notify_one();
  try {
    shared_->running = start_background_thread([shared = shared_] { work(shared); });
  } catch (const std::bad_alloc&) {
    shared_->running = false;
  }
  // No thread to be had: what expires is closed when its pool is used next.
  if (!shared_->running) shared_->next = never;
}

void Upkeep::work(const std::shared_ptr<Shared>& shared) noexcept {
  std::unique_lock lock(shared->mutex);
  while (shared->next.load() != never) {
    if (const auto next = shared->next.load(); Clock::now() < next) {
      shared->earlier.wait_until(lock, next);
      continue;
    }
    // Before the sweep looks: what is put into a pool behind its back is expected anew.
    shared->next = never;
    lock.unlock();
    if (process_is_exiting) return;
    const Clock::time_point next = shared->sweep();
    lock.lock();
    shared->next = std::min(shared->next.load(), next);
  }
  shared->running = false;
}

}  // namespace xabridge::rm
