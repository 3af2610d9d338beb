// When the lanes' passes run, and how the threads that run them end.
#include "recovery_worker.hpp"

#include <algorithm>
#include <exception>
#include <system_error>
#include <utility>

#include "server_warnings.hpp"

namespace xabridge::tm {
namespace {

// A pass every time a commit leaves something to recovery would ask a server that is down for ever
// more; hurrying never makes passes follow each other faster than this.
constexpr std::chrono::milliseconds kShortestPause{200};
// How long the destructor waits for passes to notice that they should stop.
constexpr std::chrono::milliseconds kPatienceAtEnd{500};

}  // namespace

RecoveryWorker::RecoveryWorker(std::shared_ptr<RecoveryState> state, Options options)
    : state_(std::move(state)) {
  background_ = options.background;
  const std::size_t count = background_ ? state_->resource_managers().size() : 1;
  threads_.reserve(count);
  state_->threads_ = count;
  for (std::size_t number = 0; number < count; ++number) start(number, options);
}

void RecoveryWorker::start(std::size_t number, const Options& options) try {
  threads_.emplace_back([shared = state_, number, options] {
    if (options.background) {
      work(*shared, number, options);
    } else {
      run_once(*shared);
    }
    const std::lock_guard lock(shared->mutex_);
    --shared->threads_;
    shared->changed_.notify_all();
  });
} catch (const std::system_error& failure) {
  state_->stop();
  for (std::thread& thread : threads_) thread.detach();
  Error error;
  error.xa_code = XAER_RMERR;
  error.operation = "start recovery";
  error.sys_errno = failure.code().value();
  error.message = "no thread can be started: see the limits of processes and memory (ulimit)";
  throw Exception(std::move(error));
}

/// One pass of all, with what one lane learns of another, instead of passes that go on.
void RecoveryWorker::run_once(RecoveryState& state) {
  const PassReport report = state.pass();
  {
    const std::lock_guard lock(state.mutex_);
    state.ran_once_ = true;
    state.changed_.notify_all();
  }
  for (const auto& resource_manager : state.resource_managers()) {
    warn_of_server(report, resource_manager, state.events,
                   std::chrono::steady_clock::now() + state.options_.call_timeout,
                   [&] { return state.is_stopping(); });
  }
}

void RecoveryWorker::work(RecoveryState& state, std::size_t number, const Options& options) {
  for (;;) {
    const PassReport report = state.lane_pass(number);
    const auto over = std::chrono::steady_clock::now();
    auto due = over + options.interval;
    warn_of_server(report, state.resource_managers()[number], state.events,
                   over + state.options_.call_timeout, [&] { return state.is_stopping(); });
    if (report.next_due) due = std::min(due, std::max(*report.next_due, over + kShortestPause));

    std::unique_lock lock(state.mutex_);
    RecoveryState::Lane& lane = state.lanes_[number];
    const auto ends = [&] { return state.stopping_; };
    if (state.changed_.wait_until(lock, over + kShortestPause, ends)) return;
    state.changed_.wait_until(lock, due, [&] { return state.stopping_ || lane.hurried; });
    if (state.stopping_) return;
    lane.hurried = false;
  }
}

RecoveryWorker::~RecoveryWorker() {
  state_->stop();
  std::unique_lock lock(state_->mutex_);
  const bool over =
      state_->changed_.wait_for(lock, kPatienceAtEnd, [&] { return state_->threads_ == 0; });
  lock.unlock();
  for (std::thread& thread : threads_) {
    if (over) {
      thread.join();
    } else {
      thread.detach();
    }
  }
}

std::vector<std::string> RecoveryWorker::wait_for_first_passes(std::chrono::milliseconds bound) {
  std::unique_lock lock(state_->mutex_);
  const auto& lanes = state_->lanes_;
  state_->changed_.wait_for(lock, bound, [&] {
    if (!background_) return state_->ran_once_;
    return std::all_of(lanes.begin(), lanes.end(), [](const auto& lane) { return lane.passed; });
  });
  std::vector<std::string> open;
  for (const auto& lane : lanes) {
    if (!lane.passed) open.push_back(lane.port->name());
  }
  return open;
}

}  // namespace xabridge::tm
