// The lanes of one transaction manager: a pass of one, a pass of all, and who is told what of it.
#include <algorithm>
#include <exception>
#include <set>
#include <system_error>
#include <utility>
#include <xabridge/rm/background_thread.hpp>

#include "recovery_worker.hpp"

namespace xabridge::tm {
namespace {

// How long a pass of all waits for a lane whose server did not answer the time before.
constexpr std::chrono::milliseconds kForFailing{2'000};

}  // namespace

/// Passes that run at the same time, and what they reported.
struct RecoveryState::Round {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::optional<PassReport>> reports;
};

RecoveryState::RecoveryState(std::unique_ptr<DecisionRegister> reg, Clock& c, Options options,
                             std::shared_ptr<Events> e)
    : decisions(std::move(reg)),
      clock(c),
      events(std::move(e)),
      recovery(*decisions, clock, options.core,
               [sink = events](const Event& event) { sink->emit(event); }),
      options_(options) {}

void RecoveryState::add(std::shared_ptr<ResourceManager> resource_manager) {
  Lane lane;
  lane.port = std::make_unique<LanePort>(resource_manager, options_.call_timeout,
                                         [this] { return is_stopping(); });
  names_.push_back(resource_manager->name());
  resource_managers_.push_back(std::move(resource_manager));
  lanes_.push_back(std::move(lane));
}

bool RecoveryState::is_stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

/// In this thread, after the one another thread is in.
PassReport RecoveryState::lane_pass(std::size_t number) {
  Lane& lane = lanes_[number];
  const std::weak_ptr<RecoveryState> self = weak_from_this();
  resource_managers_[number]->threads().on_return([self, number] {
    if (const auto state = self.lock()) state->lane_returned(number);
  });
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !lane.passing; });
    lane.passing = true;
  }
  PassReport report;
  try {
    report = recovery.lane_pass(
        *lane.port, names_, [this](std::string_view gtrid) { return live.contains(gtrid); },
        [this] { return is_stopping(); });
  } catch (const std::exception& e) {
    // Out of memory, most likely: nothing is lost, the next pass starts over.
    report.completed = false;
    events->emit(EventKind::warning, {}, names_[number], 0,
                 std::string("recovery pass ended early: ") + e.what());
  } catch (...) {
    // A foreign switch may throw anything.
    report.completed = false;
    events->emit(EventKind::warning, {}, names_[number], 0,
                 "recovery pass ended early: an exception that is no std::exception");
  }
  tell_lanes(number, report);
  return report;
}

/// The pass is over: who waits for what it learnt goes on, and whom it waits for is asked.
void RecoveryState::tell_lanes(std::size_t number, const PassReport& report) {
  std::vector<bool> answered(lanes_.size());
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    answered[i] = i != number && recovery.answered(names_[i]);
  }
  const std::lock_guard lock(mutex_);
  Lane& lane = lanes_[number];
  lane.passing = false;
  lane.passed = true;
  for (const ResourceManagerReport& rm : report.resource_managers) {
    lane.failing = !rm.reachable || !rm.late.empty();
  }
  any_failing_ = std::any_of(lanes_.begin(), lanes_.end(), [](const Lane& l) { return l.failing; });
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    const bool wanted = report.waits_for.count(names_[i]) != 0 && !lanes_[i].failing;
    lanes_[i].hurried |= answered[i] || wanted;
  }
  changed_.notify_all();
}

/// A call that was given up has come back: the server may answer again.
void RecoveryState::lane_returned(std::size_t number) noexcept {
  recovery.hurry(names_[number]);
  const std::lock_guard lock(mutex_);
  lanes_[number].hurried = true;
  changed_.notify_all();
}

void RecoveryState::reached(const std::string& resource_manager) noexcept {
  if (!any_failing_) return;  // which costs a transaction nothing
  std::unique_lock lock(mutex_);
  const auto at = std::find(names_.begin(), names_.end(), resource_manager);
  Lane& lane = lanes_[static_cast<std::size_t>(at - names_.begin())];
  if (!std::exchange(lane.failing, false)) return;
  lock.unlock();
  recovery.hurry(resource_manager);
  lock.lock();
  lane.hurried = true;
  changed_.notify_all();
}

void RecoveryState::run_round(const std::vector<std::size_t>& numbers, PassReport& report) {
  const auto round = std::make_shared<Round>();
  round->reports.resize(lanes_.size());
  std::vector<bool> failing(lanes_.size());
  {
    const std::lock_guard lock(mutex_);
    for (const std::size_t number : numbers) failing[number] = lanes_[number].failing;
  }
  const auto begun = std::chrono::steady_clock::now();
  for (const std::size_t number : numbers) {
    const bool started = rm::start_background_thread([self = shared_from_this(), round,
                                                      number]() mutable {
      PassReport one = self->lane_pass(number);
      // Before the word: whoever waits for it may end the program, and then it is the one that
      // writes what the log still holds back.
      self.reset();
      const std::lock_guard lock(round->mutex);
      round->reports[number] = std::move(one);
      round->changed.notify_all();
    });
    if (started) continue;
    const std::lock_guard lock(round->mutex);
    round->reports[number] = not_passed(number, "not asked: no thread can be started");
  }
  // A lane whose server answers, slowly, has as long as its calls may take.
  for (const std::size_t number : numbers) {
    const auto patience = failing[number] ? std::min(kForFailing, options_.call_timeout)
                                          : options_.call_timeout + kForFailing;
    std::unique_lock lock(round->mutex);
    round->changed.wait_until(lock, begun + patience,
                              [&] { return round->reports[number].has_value(); });
    if (round->reports[number]) {
      merge(report, *std::move(round->reports[number]));
      continue;
    }
    merge(report, not_passed(number,
                             "its pass goes on; a server that does not answer is waited for by "
                             "nobody else"));
  }
}

PassReport RecoveryState::not_passed(std::size_t number, std::string why) const {
  PassReport report;
  ResourceManagerReport rm;
  rm.name = names_[number];
  rm.late = std::move(why);
  report.resource_managers.push_back(std::move(rm));
  report.completed = false;
  return report;
}

PassReport RecoveryState::pass() {
  PassReport report;
  std::vector<std::size_t> numbers(lanes_.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = i;
  run_round(numbers, report);
  // What lanes wait for of each other: those who know are asked, then those who waited.
  std::vector<std::size_t> asked;
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    const std::lock_guard lock(mutex_);
    if (report.waits_for.count(names_[i]) != 0 && !lanes_[i].failing) asked.push_back(i);
  }
  report.waits_for.clear();
  if (asked.empty()) return report;
  run_round(asked, report);
  run_round(numbers, report);
  return report;
}

void RecoveryState::hurry() noexcept {
  recovery.hurry();
  const std::lock_guard lock(mutex_);
  for (Lane& lane : lanes_) lane.hurried = true;
  changed_.notify_all();
}

void RecoveryState::stop() noexcept {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
}

}  // namespace xabridge::tm
