// The coordinator's ear: what one answer changes, and how the whole reads as an Outcome.
#include <algorithm>
#include <cassert>
#include <utility>
#include <xabridge/codes.hpp>

#include "coordinator.hpp"

namespace xabridge::tm {
namespace {

bool is_heuristic_state(BranchState state) noexcept {
  return state == BranchState::heuristic_committed || state == BranchState::heuristic_rolled_back ||
         state == BranchState::heuristic_mixed || state == BranchState::heuristic_hazard;
}

const std::string& words_of(const Error& error) {
  return error.server_text.empty() ? error.message : error.server_text;
}

}  // namespace

void Coordinator::answered(const Call& call, CallAnswer answer) {
  assert(call.branch < branches_.size());
  Branch& branch = branches_[call.branch];
  const bool asked = branch.need == Need::answer && branch.verb == call.verb;
  assert(asked);
  if (!asked) return;  // reported twice: the first counts

  // Where the work was done, also when the vote is lost; with the vote comes more about it.
  const bool says_where = call.verb == Verb::end || call.verb == Verb::prepare;
  if (says_where && answer.code == XA_OK) branch.server = answer.server;
  const Answered what = classify(answer, branch.server);
  if (what == Answered::elsewhere) explain_elsewhere(answer, branch.server);
  const OutcomeRow& row = lookup(branch.phase, call.verb, what);
  if (call.verb != Verb::confirm && answer.code != XA_OK) {
    branch.code = answer.code;
    // A foreign switch has no words of its server: then what its code means.
    branch.server_text = answer.error ? answer.error->server_text : std::string();
    if (branch.server_text.empty() && answer.error) branch.server_text = answer.error->message;
    if (branch.server_text.empty()) branch.server_text = row.reason;
  }
  keep_error(call.branch, call.verb, row, std::move(answer));
  apply(call.branch, call.verb, row, what);
}

/// Moves one branch as its row says. The only place that assigns a branch's phase and state, beside
/// the decision itself.
void Coordinator::apply(std::size_t index, Verb verb, const OutcomeRow& row, Answered what) {
  Branch& branch = branches_[index];
  const auto ask = [&branch](Need need, Verb next) {
    branch.need = need;
    branch.verb = next;
  };
  branch.need = Need::nothing;
  if (row.action != Action::forgotten && row.action != Action::remember) {
    branch.phase = row.next;
    branch.state = row.state;
  }
  switch (row.action) {
    case Action::go_on:
    case Action::remember:
    case Action::leave:
      break;
    case Action::vote_yes:
      branch.voted_yes = true;
      break;
    case Action::vote_no:
      branch.need = Need::closed;
      doom(index, row);
      break;
    case Action::doom:
    case Action::doubt:
      doom(index, row);
      break;
    case Action::final:
    case Action::forgotten:
      if (branch.state != BranchState::unknown) branch.need = Need::closed;
      break;
    case Action::confirm:
      ask(Need::call, Verb::confirm);
      break;
    case Action::undo:
      doom(index, row);
      verdict_ = Verdict::rollback;  // from here on commit is not what anybody asks for
      ask(Need::call, Verb::rollback);
      break;
    case Action::heuristic:
      branch.state = heuristic_state(what);
      branch.need = Need::record_and_forget;
      break;
    case Action::note:
      branch.need = Need::record;
      break;
    case Action::retry:
      // A retry after a confirmation goes back to the call that was in doubt.
      ask(Need::pause, verb == Verb::confirm ? Verb::commit : verb);
      break;
  }
}

void Coordinator::doom(std::size_t index, const OutcomeRow& row) {
  // The most telling answer: a named reason, then a plain rollback, then errors; then the first
  // branch.
  const int code = branches_[index].code;
  const Weight weight = !is_rollback(code)      ? Weight::error
                        : code == XA_RBROLLBACK ? Weight::rollback
                                                : Weight::named;
  if (weight < reason_.weight || (weight == reason_.weight && index > reason_.branch)) return;
  reason_ = {weight, index, code, describe(index, code, row.reason)};
}

/// "stock: deadlock (XA_RBDEADLOCK): Deadlock found when trying to get lock".
std::string Coordinator::describe(std::size_t index, int code, std::string_view why) const {
  const Branch& branch = branches_[index];
  std::string_view meaning = code_meaning(code);
  constexpr std::string_view kKnown = "rolled back: ";  // the outcome says so
  if (meaning.starts_with(kKnown)) meaning.remove_prefix(kKnown.size());
  if (code == XA_RBOTHER) meaning = "refused";
  std::string text = branches_[index].info.resource_manager + ": " + std::string(meaning) + " (" +
                     code_name(code) + ")";
  if (!branch.errors.empty()) {
    if (const std::string& said = words_of(branch.errors.back()); !said.empty())
      return text + ": " + said;
  }
  return text + ": " + std::string(why);
}

void Coordinator::keep_error(std::size_t index, Verb verb, const OutcomeRow& row,
                             CallAnswer answer) {
  Branch& branch = branches_[index];
  // Answers that say exactly what was asked for are no errors: a read-only vote, XA_RB* to a
  // rollback.
  const bool asked_for = verb == Verb::rollback || verb == Verb::end_fail;
  if (answer.code == XA_RDONLY && row.state == BranchState::read_only) return;
  if (is_rollback(answer.code) && asked_for) return;
  if (verb == Verb::confirm) {
    // What the list adds to the answer it was asked about: the row's words, under that answer's
    // code.
    if (row.action != Action::leave && row.action != Action::note) return;
    answer.code = branch.code;
    if (answer.error) answer.error->xa_code = branch.code;
  } else if (answer.code == XA_OK) {
    return;
  }

  Error error = answer.error ? std::move(*answer.error) : Error{};
  if (!answer.error) error.xa_code = answer.code;
  if (error.operation.empty()) error.operation = to_string(verb);
  if (error.resource_manager.empty())
    error.resource_manager = branches_[index].info.resource_manager;
  if (error.xid.empty()) error.xid = branch_text(branches_[index].info.xid);
  if (error.message.empty()) {
    error.message = row.reason;
  } else if (verb == Verb::confirm) {
    error.message = std::string(row.reason) + "; " + error.message;
  }
  error.outcome_known = error.outcome_known && row.state != BranchState::unknown;
  branch.errors.push_back(std::move(error));
}

std::vector<Xid> Coordinator::no_commit_arrived() const {
  std::vector<Xid> result;
  if (verdict_ != Verdict::commit) return result;
  for (const Branch& branch : branches_) {
    // A call that is under way may arrive.
    const bool open =
        branch.voted_yes && branch.need != Need::closed && branch.need != Need::answer;
    if (open && tm::no_commit_arrived(branch.phase)) result.push_back(branch.info.xid);
  }
  return result;
}

Outcome Coordinator::outcome() const {
  Outcome result;
  result.gtrid = transaction_text(gtrid_);
  std::vector<BranchState> states;
  states.reserve(branches_.size());
  result.branches.reserve(branches_.size());
  for (const Branch& branch : branches_) {
    states.push_back(branch.state);
    result.branches.push_back(
        {branch.info.resource_manager, branch.info.xid.to_string(), branch.state, branch.errors});
  }
  result.kind = state_ == State::finished ? combine(states, verdict_) : OutcomeKind::unknown;
  if (result.committed()) return result;

  result.reason = reason_.text;
  result.reason_code = reason_.code;
  // Heuristic and unknown are about the branches that made them so, whatever came first.
  for (std::size_t i = 0; i < branches_.size(); ++i) {
    const Branch& branch = branches_[i];
    const bool tells = result.kind == OutcomeKind::heuristic ? is_heuristic_state(branch.state)
                       : result.reason.empty()               ? branch.code != XA_OK
                                                             : false;
    if (!tells) continue;
    std::string before = result.reason.empty() ? "" : "; " + result.reason;
    // The same words may stand for both.
    const std::string said = branch.errors.empty() ? "" : words_of(branch.errors.back());
    if (!said.empty() && before.ends_with(": " + said))
      before.resize(before.size() - said.size() - 2);
    result.reason = describe(i, branch.code, to_string(branch.state)) + before;
    result.reason_code = branch.code;
    break;
  }
  return result;
}

}  // namespace xabridge::tm
