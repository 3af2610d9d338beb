// Codes as classes, and branch states as an outcome. The rows are in outcome_rows.cpp.
#include "outcome_table.hpp"

#include <cassert>

namespace xabridge::tm {
namespace {

using A = Answered;
using B = BranchState;

struct CodeRow {
  int first;
  int last;
  Answered answered;
};
constexpr CodeRow kCodes[] = {
    {XA_OK, XA_OK, A::ok},
    {XA_RDONLY, XA_RDONLY, A::read_only},
    {XA_RETRY, XA_RETRY, A::retry},
    {XA_HEURMIX, XA_HEURMIX, A::heuristic_mixed},
    {XA_HEURRB, XA_HEURRB, A::heuristic_rolled_back},
    {XA_HEURCOM, XA_HEURCOM, A::heuristic_committed},
    {XA_HEURHAZ, XA_HEURHAZ, A::heuristic_hazard},
    {XA_RBBASE, XA_RBEND, A::rolled_back},
    {XAER_RMERR, XAER_RMERR, A::error},
    {XAER_NOTA, XAER_NOTA, A::not_known},
    {XAER_RMFAIL, XAER_RMFAIL, A::lost},
};

struct HeuristicRow {
  Answered answered;
  BranchState state;
};
constexpr HeuristicRow kHeuristics[] = {
    {A::heuristic_mixed, B::heuristic_mixed},
    {A::heuristic_rolled_back, B::heuristic_rolled_back},
    {A::heuristic_committed, B::heuristic_committed},
    {A::heuristic_hazard, B::heuristic_hazard},
};

/// What a branch's state adds to the set table 5a looks at.
enum Present : unsigned {
  kNothing = 0,
  kC = 1,   // committed
  kR = 2,   // rolled back
  kMH = 4,  // mixed, or hazard
  kP = 8,   // pending: will follow the verdict
  kU = 16,  // unknown
};
struct PresentRow {
  BranchState state;
  unsigned present;
};
constexpr PresentRow kPresent[] = {
    {B::read_only, kNothing},
    {B::committed, kC},
    {B::heuristic_committed, kC},
    {B::rolled_back, kR},
    {B::heuristic_rolled_back, kR},
    {B::heuristic_mixed, kMH},
    {B::heuristic_hazard, kMH},
    {B::pending, kP},
    {B::unknown, kU},
};

}  // namespace

Answered classify(const CallAnswer& answer) noexcept {
  for (const CodeRow& row : kCodes) {
    if (answer.code < row.first || row.last < answer.code) continue;
    const bool unsent = answer.error.has_value() && answer.error->outcome_known;
    return row.answered == A::lost && unsent ? A::unsent : row.answered;
  }
  return A::odd;
}

Answered classify(const CallAnswer& answer, std::string_view server) noexcept {
  const Answered plain = classify(answer);
  if (server.empty() || same_server(answer.server, server)) return plain;
  switch (plain) {
    case A::heuristic_mixed:
    case A::heuristic_rolled_back:
    case A::heuristic_committed:
    case A::heuristic_hazard:
    case A::rolled_back:
    case A::not_known:
      return A::elsewhere;
    case A::error:  // the switch itself may have refused
      return answer.server.empty() ? plain : A::elsewhere;
    default:
      return plain;
  }
}

void explain_elsewhere(CallAnswer& answer, std::string_view server) {
  if (!answer.error) answer.error.emplace();
  Error& error = *answer.error;
  error.xa_code = answer.code;
  const std::string said = error.server_text.empty() ? error.message : error.server_text;
  error.message = "the branch was prepared at " + std::string(server) + ", and " +
                  (answer.server.empty() ? "no server" : answer.server) + " answers now" +
                  (said.empty() ? "" : ": " + said);
}

bool no_commit_arrived(Phase phase) noexcept {
  switch (phase) {
    case Phase::decided:
    case Phase::refused:
    case Phase::missing:
    case Phase::recover_first:
    case Phase::recover_first_unseen:
      return true;
    default:
      return false;
  }
}

BranchState heuristic_state(Answered answered) noexcept {
  for (const HeuristicRow& row : kHeuristics) {
    if (row.answered == answered) return row.state;
  }
  assert(false && "not a heuristic answer");
  return BranchState::heuristic_hazard;
}

OutcomeKind combine(std::span<const BranchState> branches, Verdict verdict) noexcept {
  unsigned present = kNothing;
  for (const BranchState state : branches) {
    for (const PresentRow& row : kPresent) present |= row.state == state ? row.present : 0U;
  }
  const auto has = [present](unsigned bits) { return (present & bits) != 0; };

  if (has(kMH)) return OutcomeKind::heuristic;
  if (verdict == Verdict::unknown) return OutcomeKind::unknown;
  if (verdict == Verdict::rollback) {
    // Pending counts as rolled back: without a record nothing of it can commit.
    if (has(kC)) return OutcomeKind::heuristic;
    return has(kU) ? OutcomeKind::unknown : OutcomeKind::rolled_back;
  }
  // Committed is or will be what is not rolled back: both kinds together are a mixed outcome.
  if (has(kR)) {
    if (has(kC | kP)) return OutcomeKind::heuristic;
    return has(kU) ? OutcomeKind::unknown : OutcomeKind::rolled_back;
  }
  if (has(kU)) return OutcomeKind::unknown;
  return has(kP) ? OutcomeKind::committed_pending : OutcomeKind::committed;
}

}  // namespace xabridge::tm
