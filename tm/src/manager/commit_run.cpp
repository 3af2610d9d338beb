// From the first step to what is left to recovery.
#include "commit_run.hpp"

namespace xabridge::tm {
CommitRun::CommitRun(std::shared_ptr<Runtime> runtime, std::shared_ptr<TimeoutGate> gate,
                     std::string gtrid, std::vector<BranchInfo> branches,
                     std::vector<std::shared_ptr<ResourceManager>> resource_managers,
                     std::chrono::milliseconds timeout)
    : runtime_(std::move(runtime)),
      gate_(std::move(gate)),
      gtrid_(std::move(gtrid)),
      coordinator_(gtrid_, std::move(branches)),
      runner_(coordinator_, std::move(resource_managers),
              {runtime_->decisions(), *runtime_->events, runtime_->environment.clock, *gate_,
               runtime_->config.completion_timeout, runtime_->config.call_timeout, timeout}) {}

CommitRun::~CommitRun() {
  if (!left_over_) return;
  try {
    // The decision is durable, so recovery commits what nobody finished here.
    leave_to_recovery();
  } catch (const std::exception&) {
    // Memory ran out. It stays live for this process, and the next one finishes it.
  }
}

void CommitRun::leave_to_recovery() {
  // While it is live: a pass must not meet the branches without what is known of them.
  runtime_->recovery->recovery.no_commit_arrived(coordinator_.no_commit_arrived());
  runtime_->live().remove(gtrid_);
  runtime_->recovery->hurry();
}

void CommitRun::commit(Until until) {
  next_ = runner_.run(coordinator_.commit(), until == Until::decided ? StepRunner::Until::decided
                                                                     : StepRunner::Until::finished);
  left_over_ = !finished();
  if (!left_over_) conclude();
}

void CommitRun::rollback(const std::string& reason, int code) {
  next_ = runner_.run(coordinator_.rollback(reason, code));
  conclude();
}

void CommitRun::finish() {
  next_ = runner_.run(std::move(next_));
  conclude();
}

Outcome CommitRun::outcome() const {
  Outcome result = coordinator_.outcome();
  if (finished()) return result;
  result.kind = OutcomeKind::committed_pending;
  result.reason.clear();
  result.reason_code = XA_OK;
  for (BranchOutcome& branch : result.branches) {
    if (branch.state == BranchState::unknown) branch.state = BranchState::pending;
  }
  return result;
}

void CommitRun::conclude() {
  if (coordinator_.complete()) {
    runtime_->live().remove(gtrid_);
    left_over_ = false;
    return;
  }
  const Outcome result = coordinator_.outcome();
  for (const BranchOutcome& branch : result.branches) {
    if (branch.state != BranchState::pending) continue;
    runtime_->events->emit(
        EventKind::pending, result.gtrid, branch.resource_manager, 0,
        branch.errors.empty() ? std::string() : branch.errors.back().to_string());
  }
  if (result.kind == OutcomeKind::unknown) {
    runtime_->events->emit(EventKind::warning, result.gtrid, {}, result.reason_code,
                           result.to_string());
  }
  if (coordinator_.undecidable()) runtime_->recovery->recovery.hold(gtrid_);
  leave_to_recovery();
  left_over_ = false;
}

}  // namespace xabridge::tm
