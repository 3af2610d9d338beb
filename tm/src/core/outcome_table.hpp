// The outcome table: what an answer of a resource manager means, for live commit and for recovery.
//
// It is the state machine of one branch as the transaction manager sees it:
//   (phase, verb, class of the answer) -> action, next phase, state of the branch.
// There is no other place that looks at an XA code to decide something. The table is total: every
// int is in one class, and every (phase, verb) that lookup() admits has exactly one row for each
// class (checked at compile time).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <xabridge/outcome.hpp>

#include "../ports.hpp"

namespace xabridge::tm {

/// Bits, so that a row can name several.
enum class Answered : std::uint16_t {
  ok = 1U << 0U,
  read_only = 1U << 1U,
  retry = 1U << 2U,
  heuristic_mixed = 1U << 3U,
  heuristic_rolled_back = 1U << 4U,
  heuristic_committed = 1U << 5U,
  heuristic_hazard = 1U << 6U,
  rolled_back = 1U << 7U,  // XA_RB*
  error = 1U << 8U,        // XAER_RMERR
  not_known = 1U << 9U,    // XAER_NOTA
  lost = 1U << 10U,        // XAER_RMFAIL: the request may have arrived
  unsent = 1U << 11U,      // XAER_RMFAIL, and the request is known not to have had any effect
  odd = 1U << 12U,         // every other int: XAER_PROTO, XAER_INVAL, codes no standard has
  elsewhere = 1U << 13U,   // a no, from another server than the one that prepared the branch
};
inline constexpr int kAnsweredCount = 14;

/// Total over all ints. RMFAIL counts as lost unless its Error says that the outcome is known.
[[nodiscard]] Answered classify(const CallAnswer& answer) noexcept;
/// The same where the branch was prepared at `server` (empty: not known). What another server says
/// about a branch that it does not have proves nothing: unknown, rolled back, heuristic and refused
/// are `elsewhere` then. A yes counts whoever says it: only who has a branch can commit it.
[[nodiscard]] Answered classify(const CallAnswer& answer, std::string_view server) noexcept;
/// Puts into an answer that is `elsewhere` who gave it and who was asked for.
void explain_elsewhere(CallAnswer& answer, std::string_view server);

enum class Phase {
  active,             // associated: xa_end comes first
  idle,               // ended, certainly not prepared: dies with its session
  voted,              // voted commit: prepared, and no xa_rollback of it went unanswered
  vanished,           // voted commit, to be rolled back, said to be unknown: is it really gone?
  prepared,           // asked to prepare, and the answer leaves open whether it is
  decided,            // the decision is commit; no commit of this branch can have arrived yet
  decided_again,      // the decision is commit; an earlier xa_commit went unanswered
  refused,            // decided, the answer says the promise was broken: is it really gone?
  refused_again,      // the same after an unanswered xa_commit
  missing,            // decided, the branch is said to be unknown at the first try: is it?
  missing_again,      // the same where an earlier xa_commit may have arrived
  one_phase_error,    // xa_commit(TMONEPHASE) answered XAER_RMERR: rolled back, says the standard
  one_phase_refused,  // xa_commit(TMONEPHASE) answered what it must not
  heuristic,          // answered XA_HEUR*, recorded: to be forgotten
  recover_commit,     // recovery: decided, listed, owner dead or done with it
  recover_unseen,     // recovery: decided, not listed: completed, or hidden from this user?
  recover_first,      // as recover_commit, and known that no commit of it can have arrived yet
  recover_first_unseen,  // as recover_unseen, and known likewise
  recover_old_unseen,    // as recover_unseen, by a record that does not say at which server
  recover_rollback,      // recovery: undecided, listed, owner dead or done with it
  recovered,             // recovery: commit answered; a fresh list must agree
  undone,                // recovery: rollback answered; a fresh list must agree
  undo_refused,          // recovery: rollback answered XAER_RMERR
};
inline constexpr int kPhaseCount = 23;

enum class Action {
  go_on,      // the association is over, nothing else is
  vote_yes,   // prepared
  vote_no,    // final, with `state`; the global transaction rolls back
  doom,       // the global transaction rolls back, this branch with it
  doubt,      // the same, but the branch may be prepared
  final,      // final, with `state`
  confirm,    // ask for a fresh list (Verb::confirm), judge it in `next`
  undo,       // xa_rollback, judge it in `next`
  heuristic,  // the resource manager decided by itself: record it, then xa_forget. State from the
              // class
  note,  // the same for a branch the resource manager no longer holds: record it, nothing to forget
  forgotten,  // final; the heuristic state stays
  remember,   // recorded but not forgotten: recovery meets it again. The state stays
  retry,      // the same call again after a while; once given up `state`, and recovery has it
  leave,      // `state`; recovery has it
};

struct OutcomeRow {
  Phase phase;
  Verb verb;
  std::uint16_t on;  // Answered bits
  Action action;
  Phase next;
  BranchState state;
  std::string_view reason;
  std::string_view section;  // of the XA specification as we read it: docs/spec/xa.md
};

[[nodiscard]] std::span<const OutcomeRow> outcome_rows() noexcept;
/// Is the verb ever called in this phase?
[[nodiscard]] bool callable(Phase phase, Verb verb) noexcept;
/// The row for an answer. Precondition: callable(phase, verb).
[[nodiscard]] const OutcomeRow& lookup(Phase phase, Verb verb, Answered answered) noexcept;
/// A decided branch of which it is known that no commit can have taken effect: when it is gone all
/// the same, somebody else completed it.
[[nodiscard]] bool no_commit_arrived(Phase phase) noexcept;
/// The branch state an XA_HEUR* answer stands for. Precondition: one of the four.
[[nodiscard]] BranchState heuristic_state(Answered answered) noexcept;

/// What stood above the branches when they finished.
enum class Verdict {
  rollback,   // presumed: nobody decided commit, nobody can any more
  commit,     // the register holds commit
  one_phase,  // a single branch decided by itself
  unknown,    // the register could not say what stands
};

/// Table 5a: the branches' states and the verdict give the outcome.
[[nodiscard]] OutcomeKind combine(std::span<const BranchState> branches, Verdict verdict) noexcept;

}  // namespace xabridge::tm
