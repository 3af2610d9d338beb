// The coordinator's steps: which calls come next, and when there is nothing left to do.
#include "coordinator.hpp"

#include <algorithm>
#include <cassert>
#include <utility>
#include <xabridge/codes.hpp>

namespace xabridge::tm {
namespace {

Error no_answer() {
  Error error;
  error.xa_code = XAER_RMFAIL;
  error.operation = "decide";
  error.message = "the decision register did not answer";
  error.outcome_known = false;
  return error;
}

/// Why decide() made the transaction roll back. The caller may refuse to decide for a reason of its
/// own (the timeout passed): then that is the reason.
std::string why_not_decided(const Error& error) {
  const bool own = is_rollback(error.xa_code);
  return (own ? "" : "the decision could not be recorded: ") + error.to_string();
}

}  // namespace

Coordinator::Coordinator(Options options, std::string gtrid, std::vector<BranchInfo> branches)
    : options_(options),
      gtrid_(std::move(gtrid)),
      branches_(std::move(branches)),
      known_(branches_.size()) {}

Step Coordinator::commit() {
  assert(state_ == State::fresh);
  state_ = State::ending;
  want(Verb::end);
  return next();
}

Step Coordinator::rollback(std::string reason, int reason_code) {
  assert(state_ == State::fresh);
  state_ = State::ending;
  doomed_ = true;
  reason_fixed_ = true;
  reason_ = {1, 0, reason_code, std::move(reason)};
  want(Verb::end_fail);
  return next();
}

Step Coordinator::next() {
  for (std::size_t i = 0; i < known_.size(); ++i) {
    if (known_[i].outstanding) answered({i, *known_[i].wants}, {XAER_RMFAIL, std::nullopt});
  }
  check_invariants();
  switch (state_) {
    case State::fresh:
      assert(false && "commit() or rollback() comes first");
      return step(Step::Kind::finished);
    case State::ending:
      return after_ending();
    case State::voting:
      return after_voting();
    case State::deciding:
      // decided() moves on; without it the register's answer never came, and it may be on disk.
      decided(no_answer());
      return settle();
    case State::settling:
      return settle();
    case State::finished:
      return step(Step::Kind::finished);
  }
  return step(Step::Kind::finished);
}

Step Coordinator::step(Step::Kind kind) {
  Step result;
  result.kind = kind;
  check_invariants();
  return result;
}

/// Hands out every call that is wanted now.
Step Coordinator::calls() {
  Step result = step(Step::Kind::call);
  result.calls.reserve(known_.size());
  for (std::size_t i = 0; i < known_.size(); ++i) {
    Branch& branch = known_[i];
    if (!branch.wants || branch.later || branch.to_record) continue;
    branch.outstanding = true;
    result.calls.push_back({i, *branch.wants});
  }
  return result;
}

/// Asks every branch that is not finished for `verb`.
void Coordinator::want(Verb verb) {
  for (Branch& branch : known_) {
    if (!branch.final_answer) branch.wants = verb;
  }
}

Step Coordinator::after_ending() {
  if (Step s = calls(); !s.calls.empty()) return s;
  if (doomed_) {
    start_rollback();
    return settle();
  }
  if (known_.empty()) {
    verdict_ = Verdict::one_phase;  // nothing to decide: an empty transaction is committed
    return finish();
  }
  if (known_.size() == 1 && branches_.front().one_phase_survives) {
    verdict_ = Verdict::one_phase;
    state_ = State::settling;
    want(Verb::commit_one_phase);
    return settle();
  }
  state_ = State::voting;
  want(Verb::prepare);
  if (options_.hold_back_last) known_.back().wants.reset();
  return calls();
}

Step Coordinator::after_voting() {
  if (doomed_) {
    start_rollback();
    return settle();
  }
  Branch& last = known_.back();
  const bool any_yes =
      std::any_of(known_.begin(), known_.end(), [](const Branch& b) { return b.voted_yes; });
  if (!last.voted_yes && !last.final_answer) {  // held back until now
    if (any_yes) {
      last.wants = Verb::prepare;
      return calls();
    }
    verdict_ = Verdict::one_phase;
    state_ = State::settling;
    last.wants = Verb::commit_one_phase;
    return settle();
  }
  if (!any_yes) {
    verdict_ = Verdict::one_phase;  // all read-only: nothing to decide
    return finish();
  }
  // From here a crash leaves prepared branches. Without a record they are rolled back; the record,
  // once it is durable, commits them.
  state_ = State::deciding;
  decide_asked_ = true;
  return step(Step::Kind::decide);
}

void Coordinator::decided(Result<Decision> result) {
  assert(state_ == State::deciding);
  state_ = State::settling;
  if (result && *result == Decision::commit) {
    verdict_ = Verdict::commit;
    for (Branch& branch : known_) {
      if (branch.voted_yes) branch.phase = Phase::decided;
    }
    want(Verb::commit);
    return;
  }
  reason_fixed_ = true;
  if (result) {
    reason_ = {1, 0, XA_RBROLLBACK, "the decision register already holds rollback for it"};
  } else {
    reason_ = {1, 0, result.error().xa_code, why_not_decided(result.error())};
    if (!result.error().outcome_known) {
      // It may be on disk. Committing could contradict a lost record, rolling back a kept one: only
      // whoever reads the register again knows.
      verdict_ = Verdict::unknown;
      for (Branch& branch : known_) {
        if (branch.voted_yes) branch.state = BranchState::unknown;
      }
      return;
    }
  }
  doomed_ = true;
  start_rollback();
}

void Coordinator::start_rollback() {
  state_ = State::settling;
  verdict_ = Verdict::rollback;
  reason_fixed_ = true;
  want(Verb::rollback);
}

/// One turn of the loop every verdict shares. The order matters: what is known is made durable
/// before time is spent on what is not.
Step Coordinator::settle() {
  const auto any = [this](auto condition) {
    return std::any_of(known_.begin(), known_.end(), condition);
  };
  if (any([](const Branch& b) { return b.wants && !b.later && !b.to_record; })) return calls();
  if (any([](const Branch& b) { return b.to_record; })) return step(Step::Kind::record_heuristic);
  if (any([](const Branch& b) { return b.wants && b.later; })) {
    if (!given_up_ && waits_ < options_.patience) {
      Step result = step(Step::Kind::wait);
      std::chrono::milliseconds delay = options_.first_delay;
      for (int i = 0; i < waits_ && delay < options_.maximum_delay; ++i) delay *= 2;
      result.delay = std::min(delay, options_.maximum_delay);
      start_wait();
      return result;
    }
    leave_waiting();
  }
  return finish();
}

/// After the wait the calls put off are due. give_up() during it leaves them to recovery instead.
void Coordinator::start_wait() {
  ++waits_;
  for (Branch& branch : known_) branch.later = false;
}

void Coordinator::leave_waiting() {
  for (Branch& branch : known_) {
    branch.wants.reset();
    branch.later = false;
  }
}

void Coordinator::give_up() noexcept {
  given_up_ = true;
  if (state_ != State::settling || waits_ == 0) return;
  for (Branch& branch : known_) {
    // Retries handed out by the last wait but not begun. Forget is not put off: its record is
    // durable.
    if (branch.wants && !branch.outstanding && branch.wants != Verb::forget) branch.wants.reset();
  }
}

Step Coordinator::finish() {
  if (verdict_ == Verdict::commit && !done_sent_ && complete()) {
    done_sent_ = true;
    return step(Step::Kind::done);
  }
  state_ = State::finished;
  return step(Step::Kind::finished);
}

void Coordinator::recorded(Result<void> result) {
  for (std::size_t i = 0; i < known_.size(); ++i) {
    Branch& branch = known_[i];
    if (!branch.to_record) continue;
    branch.to_record = false;
    branch.wants.reset();
    if (!result) {
      // Without the record xa_forget would erase the only evidence. The branch stays with its
      // resource manager, the decision stays on record, recovery tries again.
      Error error = result.error();
      error.resource_manager = branches_[i].resource_manager;
      error.xid = branch_text(branches_[i].xid);
      branch.errors.push_back(std::move(error));
    } else if (branch.to_forget) {
      branch.wants = Verb::forget;
    } else {
      branch.final_answer = true;
    }
  }
}

bool Coordinator::complete() const noexcept {
  return std::all_of(known_.begin(), known_.end(), [](const Branch& b) { return b.final_answer; });
}

std::vector<Participant> Coordinator::participants() const {
  std::vector<Participant> result;
  result.reserve(known_.size());
  for (std::size_t i = 0; i < known_.size(); ++i) {
    if (!known_[i].voted_yes) continue;
    result.push_back({branches_[i].resource_manager, std::string(branches_[i].xid.bqual()),
                      known_[i].server});
  }
  return result;
}

std::vector<HeuristicRecord> Coordinator::heuristics() const {
  std::vector<HeuristicRecord> result;
  for (std::size_t i = 0; i < known_.size(); ++i) {
    const Branch& branch = known_[i];
    if (!branch.to_record) continue;
    result.push_back({gtrid_, branches_[i].resource_manager, std::string(branches_[i].xid.bqual()),
                      verdict_ == Verdict::rollback ? Decision::rollback : Decision::commit,
                      branch.code, branch.server_text, std::chrono::system_clock::time_point{}});
  }
  return result;
}

void Coordinator::check_invariants() const {
#ifndef NDEBUG
  for (const Branch& branch : known_) {
    const bool commit = branch.wants == Verb::commit;
    const bool rollback = branch.wants == Verb::rollback;
    // xa_commit only under a durable decision, and only for a yes-voter; xa_rollback never under
    // one.
    assert(!commit || (verdict_ == Verdict::commit && branch.voted_yes));
    assert(!rollback || verdict_ != Verdict::commit);
    // A branch is final or it wants something, never both.
    assert(!branch.final_answer || !branch.wants);
    assert(!branch.outstanding || branch.wants);
    // While settling, every call is one the table can judge.
    assert(state_ != State::settling || !branch.wants || callable(branch.phase, *branch.wants));
    // Heuristic answers are recorded before they are forgotten.
    assert(!(branch.wants == Verb::forget) || branch.phase == Phase::heuristic);
    // An undecidable transaction is left alone.
    assert(verdict_ != Verdict::unknown || !branch.wants);
  }
  assert(!decide_asked_ || std::all_of(known_.begin(), known_.end(), [](const Branch& b) {
    return b.voted_yes || b.final_answer;
  }));
  assert(verdict_ != Verdict::commit || decide_asked_);
  assert(!done_sent_ || complete());
#endif
}

}  // namespace xabridge::tm
