// When recovery passes run, and how the thread that runs them ends.
#include "recovery_worker.hpp"

#include <algorithm>
#include <exception>

#include "server_warnings.hpp"

namespace xabridge::tm {
namespace {

// A pass every time a commit leaves something to recovery would ask a server that is down for ever
// more; hurrying never makes passes follow each other faster than this.
constexpr std::chrono::milliseconds kShortestPause{200};
// How long the destructor waits for a pass to notice that it should stop.
constexpr std::chrono::milliseconds kPatienceAtEnd{500};

void work(RecoveryState& state, const RecoveryWorker::Options& options) {
  for (;;) {
    PassReport report;
    try {
      report = state.pass();
    } catch (const std::exception&) {
      report.completed = false;  // not even memory to say so; the next pass starts over
    }
    const auto over = std::chrono::steady_clock::now();
    auto due = over + options.interval;
    if (report.next_due) due = std::min(due, std::max(*report.next_due, over + kShortestPause));

    std::unique_lock lock(state.mutex);
    state.first_pass_over = true;
    state.changed.notify_all();
    lock.unlock();
    warn_of_servers(report, state.resource_managers, *state.events, [&] {
      const std::lock_guard guard(state.mutex);
      return state.stopping;
    });
    lock.lock();
    if (!options.background) return;
    const auto ends = [&] { return state.stopping; };
    if (state.changed.wait_until(lock, over + kShortestPause, ends)) return;
    state.changed.wait_until(lock, due, [&] { return state.stopping || state.hurried; });
    if (state.stopping) return;
    state.hurried = false;
  }
}

}  // namespace

RecoveryState::RecoveryState(std::unique_ptr<DecisionRegister> reg, Clock& c,
                             Recovery::Options options, std::shared_ptr<Events> e)
    : decisions(std::move(reg)),
      clock(c),
      events(std::move(e)),
      recovery(*decisions, clock, options,
               [sink = events](const Event& event) { sink->emit(event); }) {}

// However it ends: a pass that stayed "under way" would keep every later one waiting for ever.
struct RecoveryState::Passing {
  explicit Passing(RecoveryState& s) : state(s) {
    std::unique_lock lock(state.mutex);
    state.changed.wait(lock, [&] { return !state.passing; });
    state.passing = true;
  }
  Passing(const Passing&) = delete;
  Passing& operator=(const Passing&) = delete;
  ~Passing() {
    const std::lock_guard lock(state.mutex);
    state.passing = false;
    state.changed.notify_all();
  }
  RecoveryState& state;
};

PassReport RecoveryState::pass() {
  const Passing under_way(*this);
  PassReport report;
  try {
    std::vector<ResourceManagerPort*> ports;
    for (const auto& resource_manager : resource_managers) ports.push_back(resource_manager.get());
    report = recovery.pass(
        ports, [&](std::string_view gtrid) { return live.contains(gtrid); },
        [&] {
          const std::lock_guard guard(mutex);
          return stopping;
        });
  } catch (const std::exception& e) {
    // Out of memory, most likely: nothing is lost, the next pass starts over.
    report.completed = false;
    events->emit(EventKind::warning, {}, {}, 0,
                 std::string("recovery pass ended early: ") + e.what());
  } catch (...) {
    // A foreign switch may throw anything.
    report.completed = false;
    events->emit(EventKind::warning, {}, {}, 0,
                 "recovery pass ended early: an exception that is no std::exception");
  }
  return report;
}

void RecoveryState::hurry() noexcept {
  recovery.hurry();
  const std::lock_guard lock(mutex);
  hurried = true;
  changed.notify_all();
}

void RecoveryState::stop() noexcept {
  const std::lock_guard lock(mutex);
  stopping = true;
  changed.notify_all();
}

RecoveryWorker::RecoveryWorker(std::shared_ptr<RecoveryState> state, Options options)
    : state_(std::move(state)) {
  thread_ = std::thread([shared = state_, options] {
    work(*shared, options);
    const std::lock_guard lock(shared->mutex);
    shared->thread_over = true;
    shared->changed.notify_all();
  });
}

RecoveryWorker::~RecoveryWorker() {
  state_->stop();
  std::unique_lock lock(state_->mutex);
  const bool over =
      state_->changed.wait_for(lock, kPatienceAtEnd, [&] { return state_->thread_over; });
  lock.unlock();
  if (over) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

bool RecoveryWorker::wait_for_first_pass(std::chrono::milliseconds bound) {
  std::unique_lock lock(state_->mutex);
  return state_->changed.wait_for(lock, bound, [&] { return state_->first_pass_over; });
}

}  // namespace xabridge::tm
