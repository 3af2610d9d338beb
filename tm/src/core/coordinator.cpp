// The coordinator's steps: which calls come next, and when there is nothing left to do.
#include "coordinator.hpp"

#include <algorithm>
#include <cassert>
#include <utility>
#include <xabridge/codes.hpp>

namespace xabridge::tm {
namespace {

constexpr std::chrono::milliseconds kFirstDelay{5};
constexpr std::chrono::milliseconds kMaximumDelay{250};

Error no_answer() {
  Error error;
  error.xa_code = XAER_RMFAIL;
  error.operation = "decide";
  error.message = "the decision log did not answer";
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

Coordinator::Coordinator(std::string gtrid, std::vector<BranchInfo> branches)
    : gtrid_(std::move(gtrid)) {
  branches_.reserve(branches.size());
  for (BranchInfo& info : branches) branches_.emplace_back(std::move(info));
}

Step Coordinator::commit() {
  assert(state_ == State::fresh);
  state_ = State::ending;
  need_call(Verb::end);
  return next();
}

Step Coordinator::rollback(std::string reason, int reason_code) {
  assert(state_ == State::fresh);
  state_ = State::ending;
  reason_ = {Weight::given, 0, reason_code, std::move(reason)};
  need_call(Verb::end_fail);
  return next();
}

Step Coordinator::next() {
  for (std::size_t i = 0; i < branches_.size(); ++i) {
    const Branch& branch = branches_[i];
    if (branch.need == Need::answer) answered({i, branch.verb}, {XAER_RMFAIL, std::nullopt});
  }
  check_invariants();
  switch (state_) {
    case State::fresh:
      assert(false && "commit() or rollback() comes first");
      break;
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
    case State::closing:
      state_ = State::finished;
      break;
    case State::finished:
      break;
  }
  return step(Step::Kind::finished);
}

Step Coordinator::step(Step::Kind kind) {
  Step result;
  result.kind = kind;
  check_invariants();
  return result;
}

/// Hands out every call that is due.
Step Coordinator::calls() {
  Step result = step(Step::Kind::call);
  result.calls.reserve(branches_.size());
  for (std::size_t i = 0; i < branches_.size(); ++i) {
    Branch& branch = branches_[i];
    if (branch.need != Need::call) continue;
    branch.need = Need::answer;
    result.calls.push_back({i, branch.verb});
  }
  return result;
}

/// Asks every branch that has not answered for good for `verb`.
void Coordinator::need_call(Verb verb) {
  for (Branch& branch : branches_) {
    if (branch.need == Need::closed || branch.to_record()) continue;
    branch.need = Need::call;
    branch.verb = verb;
  }
}

bool Coordinator::any_needs(Need need) const noexcept {
  return std::any_of(branches_.begin(), branches_.end(),
                     [need](const Branch& branch) { return branch.need == need; });
}

Step Coordinator::after_ending() {
  if (any_needs(Need::call)) return calls();
  if (doomed()) {
    start_rollback();
    return settle();
  }
  if (branches_.empty()) {
    verdict_ = Verdict::one_phase;  // nothing to decide: an empty transaction is committed
    return finish();
  }
  if (branches_.size() == 1 && branches_.front().info.one_phase_survives) {
    verdict_ = Verdict::one_phase;
    state_ = State::settling;
    need_call(Verb::commit_one_phase);
    return settle();
  }
  state_ = State::voting;
  need_call(Verb::prepare);
  return calls();
}

Step Coordinator::after_voting() {
  if (doomed()) {
    start_rollback();
    return settle();
  }
  if (std::none_of(branches_.begin(), branches_.end(),
                   [](const Branch& branch) { return branch.voted_yes; })) {
    verdict_ = Verdict::one_phase;  // all read-only: nothing to decide
    return finish();
  }
  // From here a crash leaves prepared branches. Without a record they are rolled back; the record,
  // once it is durable, commits them.
  state_ = State::deciding;
  return step(Step::Kind::decide);
}

void Coordinator::decided(Result<Decision> result) {
  assert(state_ == State::deciding);
  state_ = State::settling;
  if (result && *result == Decision::commit) {
    verdict_ = Verdict::commit;
    for (Branch& branch : branches_) {
      if (branch.voted_yes) branch.phase = Phase::decided;
    }
    need_call(Verb::commit);
    return;
  }
  if (result) {
    reason_ = {Weight::given, 0, XA_RBROLLBACK, "the decision log already holds rollback for it"};
  } else {
    reason_ = {Weight::given, 0, result.error().xa_code, why_not_decided(result.error())};
    if (!result.error().outcome_known) {
      // It may be on disk. Committing could contradict a lost record, rolling back a kept one: only
      // whoever reads the register again knows.
      verdict_ = Verdict::unknown;
      for (Branch& branch : branches_) {
        if (branch.voted_yes) branch.state = BranchState::unknown;
      }
      return;
    }
  }
  start_rollback();
}

void Coordinator::start_rollback() {
  state_ = State::settling;
  verdict_ = Verdict::rollback;
  reason_.weight = Weight::given;  // what the rollback itself meets is no reason for it
  need_call(Verb::rollback);
}

/// One turn of the loop every verdict shares. The order matters: what is known is made durable
/// before time is spent on what is not.
Step Coordinator::settle() {
  if (any_needs(Need::call)) return calls();
  if (any_needs(Need::record) || any_needs(Need::record_and_forget))
    return step(Step::Kind::record_heuristic);
  if (any_needs(Need::pause)) {
    if (!given_up_) return wait();
    leave_waiting();
  }
  return finish();
}

/// After it the calls put off are due. give_up() during it leaves them to recovery instead.
Step Coordinator::wait() {
  Step result = step(Step::Kind::wait);
  result.delay = kFirstDelay;
  for (int i = 0; i < waits_ && result.delay < kMaximumDelay; ++i) result.delay *= 2;
  result.delay = std::min(result.delay, kMaximumDelay);
  ++waits_;
  for (Branch& branch : branches_) {
    if (branch.need == Need::pause) branch.need = Need::call;
  }
  return result;
}

void Coordinator::leave_waiting() {
  for (Branch& branch : branches_) {
    if (branch.need == Need::pause) branch.need = Need::nothing;
  }
}

void Coordinator::give_up() noexcept {
  given_up_ = true;
  if (state_ != State::settling || waits_ == 0) return;
  for (Branch& branch : branches_) {
    // Retries handed out by the last wait but not begun. Forget is not put off: its record is
    // durable.
    const bool open = branch.need == Need::call || branch.need == Need::pause;
    if (open && branch.verb != Verb::forget) branch.need = Need::nothing;
  }
}

Step Coordinator::finish() {
  if (verdict_ == Verdict::commit && complete()) {
    state_ = State::closing;
    return step(Step::Kind::done);
  }
  state_ = State::finished;
  return step(Step::Kind::finished);
}

void Coordinator::recorded(Result<void> result) {
  for (Branch& branch : branches_) {
    if (!branch.to_record()) continue;
    if (!result) {
      // Without the record xa_forget would erase the only evidence. The branch stays with its
      // resource manager, the decision stays on record, recovery tries again.
      branch.need = Need::nothing;
      Error error = result.error();
      error.resource_manager = branch.info.resource_manager;
      error.xid = branch_text(branch.info.xid);
      branch.errors.push_back(std::move(error));
    } else if (branch.need == Need::record_and_forget) {
      branch.need = Need::call;
      branch.verb = Verb::forget;
    } else {
      branch.need = Need::closed;
    }
  }
}

bool Coordinator::complete() const noexcept {
  return std::all_of(branches_.begin(), branches_.end(),
                     [](const Branch& branch) { return branch.need == Need::closed; });
}

std::vector<Participant> Coordinator::participants() const {
  std::vector<Participant> result;
  result.reserve(branches_.size());
  for (const Branch& branch : branches_) {
    if (!branch.voted_yes) continue;
    result.push_back(
        {branch.info.resource_manager, std::string(branch.info.xid.bqual()), branch.server});
  }
  return result;
}

std::vector<HeuristicRecord> Coordinator::heuristics() const {
  std::vector<HeuristicRecord> result;
  for (const Branch& branch : branches_) {
    if (!branch.to_record()) continue;
    result.push_back({gtrid_, branch.info.resource_manager, std::string(branch.info.xid.bqual()),
                      verdict_ == Verdict::rollback ? Decision::rollback : Decision::commit,
                      branch.code, branch.server_text, std::chrono::system_clock::time_point{}});
  }
  return result;
}

/// The numbers are those of the head of coordinator.hpp.
void Coordinator::check_invariants() const {
#ifndef NDEBUG
  for (const Branch& branch : branches_) {
    const bool calls =
        branch.need == Need::call || branch.need == Need::answer || branch.need == Need::pause;
    assert(!branch.needs(Verb::commit) || (verdict_ == Verdict::commit && branch.voted_yes));  // 1
    assert(!branch.needs(Verb::rollback) || verdict_ != Verdict::commit);                      // 2
    assert(state_ != State::deciding || branch.voted_yes || branch.need == Need::closed);      // 3
    assert(verdict_ != Verdict::unknown || !calls);                                            // 4
    assert(!branch.needs(Verb::forget) || branch.phase == Phase::heuristic);                   // 5
    assert(state_ != State::settling || !calls || callable(branch.phase, branch.verb));        // 7
  }
  assert(verdict_ != Verdict::commit || state_ >= State::settling);  // 1
  assert(state_ != State::closing || complete());                    // 6
#endif
}

}  // namespace xabridge::tm
