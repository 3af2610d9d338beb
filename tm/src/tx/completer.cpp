// A bounded queue and a few threads.
#include "completer.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace xabridge::tx {
namespace {

constexpr std::size_t kMostThreads = 4;
constexpr std::size_t kMostWaiting = 64;  // more is a sign that the caller should be held back

void finish(tm::CommitRun& run) noexcept {
  try {
    run.finish();
  } catch (const std::exception&) {
    // Memory: the run's destructor leaves the rest to recovery.
  }
}

}  // namespace

struct Completer::State {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::unique_ptr<tm::CommitRun>> waiting;
  std::vector<std::thread> threads;
  std::size_t idle = 0;
  std::size_t running = 0;
  bool stopping = false;
};

Completer::Completer(std::chrono::milliseconds patience)
    : patience_(patience), state_(std::make_shared<State>()) {}

void Completer::complete(std::unique_ptr<tm::CommitRun> run) noexcept {
  bool taken = false;
  try {
    taken = hand_over(run);
  } catch (const std::exception&) {
    // No memory or no thread: this one has to do.
  }
  if (!taken && run != nullptr) finish(*run);
}

bool Completer::hand_over(std::unique_ptr<tm::CommitRun>& run) {
  const std::lock_guard lock(state_->mutex);
  if (state_->waiting.size() >= kMostWaiting) return false;
  if (state_->idle <= state_->waiting.size() && state_->threads.size() < kMostThreads) {
    state_->threads.reserve(kMostThreads);
    state_->threads.emplace_back([state = state_] { work(state); });
    ++state_->running;
  }
  if (state_->threads.empty()) return false;
  state_->waiting.push_back(std::move(run));
  state_->changed.notify_all();
  return true;
}

void Completer::work(const std::shared_ptr<State>& state) noexcept {
  std::unique_lock lock(state->mutex);
  for (;;) {
    ++state->idle;
    state->changed.wait(lock, [&] { return state->stopping || !state->waiting.empty(); });
    --state->idle;
    if (state->waiting.empty()) break;
    auto run = std::move(state->waiting.front());
    state->waiting.pop_front();
    lock.unlock();
    finish(*run);
    run.reset();
    lock.lock();
  }
  --state->running;
  state->changed.notify_all();
}

Completer::~Completer() {
  std::unique_lock lock(state_->mutex);
  state_->stopping = true;
  state_->changed.notify_all();
  const bool over = state_->changed.wait_for(lock, patience_, [&] { return state_->running == 0; });
  const auto left_to_recovery = std::move(state_->waiting);
  state_->waiting.clear();
  auto threads = std::move(state_->threads);
  lock.unlock();
  for (std::thread& thread : threads) {
    if (over)
      thread.join();
    else
      thread.detach();
  }
}

}  // namespace xabridge::tx
