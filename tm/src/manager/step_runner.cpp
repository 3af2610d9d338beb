// Performing a step is one function each; reporting it is a table.
#include "step_runner.hpp"

#include <thread>
#include <xabridge/codes.hpp>

namespace xabridge::tm {
namespace {

/// What observers hear right before a verb; a process that dies there dies between two steps.
std::optional<EventKind> event_before(Verb verb) {
  switch (verb) {
    case Verb::end:
    case Verb::end_fail:
      return EventKind::before_end;
    case Verb::prepare:
      return EventKind::before_prepare;
    case Verb::commit:
    case Verb::commit_one_phase:
      return EventKind::before_commit;
    case Verb::rollback:
      return EventKind::before_rollback;
    case Verb::forget:
    case Verb::confirm:
      return std::nullopt;
  }
  return std::nullopt;
}

/// What they hear after it; nothing where the answer is not final (it is tried again, or ends as
/// pending).
std::optional<EventKind> event_after(Verb verb, int code) {
  switch (verb) {
    case Verb::end:
      return code == XA_OK ? std::nullopt : std::optional(EventKind::refused);
    case Verb::prepare:
      if (code == XA_RDONLY) return EventKind::read_only;
      return code == XA_OK ? EventKind::prepared : EventKind::refused;
    case Verb::commit:
    case Verb::commit_one_phase:
      if (code == XA_OK) return EventKind::committed;
      return is_rollback(code) ? std::optional(EventKind::rolled_back) : std::nullopt;
    case Verb::rollback:
      if (code == XA_OK || is_rollback(code)) return EventKind::rolled_back;
      return std::nullopt;
    case Verb::end_fail:
    case Verb::forget:
    case Verb::confirm:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

StepRunner::StepRunner(Coordinator& coordinator,
                       std::vector<std::shared_ptr<ResourceManager>> resource_managers,
                       Surroundings surroundings)
    : coordinator_(coordinator),
      resource_managers_(std::move(resource_managers)),
      around_(std::move(surroundings)),
      gtrid_hex_(transaction_text(coordinator.gtrid())),
      begun_(resource_managers_.size(), around_.clock.now()) {}

Step StepRunner::run(Step step, Until until) {
  while (step.kind != Step::Kind::finished) {
    const bool decides = step.kind == Step::Kind::decide;
    switch (step.kind) {
      case Step::Kind::call:
        perform_calls(step.calls);
        break;
      case Step::Kind::decide:
        decide();
        break;
      case Step::Kind::record_heuristic:
        record_heuristics();
        break;
      case Step::Kind::wait:
        wait(step.delay);
        break;
      case Step::Kind::done:
        mark_done();
        break;
      case Step::Kind::finished:
        break;
    }
    step = coordinator_.next();
    if (decides && until == Until::decided && coordinator_.commit_decided()) break;
  }
  return step;
}

void StepRunner::decide() {
  if (!around_.gate.proceed(around_.clock.now())) {
    coordinator_.decided(timed_out_error());
    return;
  }
  emit(EventKind::before_decide);
  const Time begun = around_.clock.now();
  Result<Decision> decision =
      around_.decisions.decide(coordinator_.gtrid(), coordinator_.participants(), Decision::commit);
  if (decision && *decision == Decision::commit) {
    decided_at_ = around_.clock.now();
    emit(EventKind::decided, {}, XA_OK, {}, *decided_at_ - begun);
  }
  if (!decision) {
    emit(EventKind::warning, {}, decision.error().xa_code,
         "the decision could not be recorded: " + decision.error().to_string());
  }
  coordinator_.decided(std::move(decision));
}

void StepRunner::record_heuristics() {
  Result<void> recorded;
  for (HeuristicRecord record : coordinator_.heuristics()) {
    record.seen_at = around_.clock.wall();
    Result<void> one = around_.decisions.heuristic(record);
    emit(EventKind::heuristic, record.resource_manager, record.code, record.text);
    if (!one) recorded = std::move(one);
  }
  if (!recorded) {
    emit(EventKind::warning, {}, recorded.error().xa_code,
         "a heuristic outcome could not be recorded, the resource manager keeps it: " +
             recorded.error().to_string());
  }
  coordinator_.recorded(std::move(recorded));
}

void StepRunner::wait(std::chrono::milliseconds delay) {
  const auto now = around_.clock.now();
  if (!give_up_at_) give_up_at_ = decided_at_.value_or(now) + around_.completion_timeout;
  if (now + delay > *give_up_at_) {
    coordinator_.give_up();
  } else {
    std::this_thread::sleep_for(delay);
  }
}

void StepRunner::mark_done() {
  emit(EventKind::before_done);
  around_.decisions.done(coordinator_.gtrid());
  emit(EventKind::done);
}

void StepRunner::announce(const Call& call) {
  if (const auto kind = event_before(call.verb)) {
    begun_[call.branch] = around_.clock.now();
    emit(*kind, resource_managers_[call.branch]->name());
  }
}

void StepRunner::report(const Call& call, const CallAnswer& answer) {
  if (const auto kind = event_after(call.verb, answer.code)) {
    emit(*kind, resource_managers_[call.branch]->name(), answer.code,
         answer.error ? answer.error->to_string() : std::string(),
         around_.clock.now() - begun_[call.branch]);
  }
}

void StepRunner::emit(EventKind kind, std::string_view resource_manager, int code,
                      std::string_view text, std::chrono::nanoseconds took) {
  around_.events.emit(kind, gtrid_hex_, resource_manager, code, text, took);
}

Error StepRunner::timed_out_error() const {
  Error e;
  e.xa_code = XA_RBTIMEOUT;
  e.operation = "commit";
  e.message = timeout_text(around_.timeout);
  return e;
}

}  // namespace xabridge::tm
