// The rows of the outcome table, and the proof that there is exactly one for every answer.
#include <cassert>

#include "outcome_table.hpp"
namespace xabridge::tm {
namespace {

constexpr std::uint16_t bit(Answered a) noexcept { return static_cast<std::uint16_t>(a); }
template <class... A>
constexpr std::uint16_t any(A... a) noexcept {
  return static_cast<std::uint16_t>((0U | ... | static_cast<unsigned>(bit(a))));
}

constexpr std::uint16_t kAll = (1U << kAnsweredCount) - 1U;
template <class... A>
constexpr std::uint16_t except(A... a) noexcept {
  return static_cast<std::uint16_t>(kAll & ~static_cast<unsigned>(any(a...)));
}

using A = Answered;
using B = BranchState;
using P = Phase;
using V = Verb;
using Do = Action;

constexpr std::uint16_t kOk = bit(A::ok);
constexpr std::uint16_t kReadOnly = bit(A::read_only);
constexpr std::uint16_t kRetry = bit(A::retry);
constexpr std::uint16_t kRolledBack = bit(A::rolled_back);
constexpr std::uint16_t kError = bit(A::error);
constexpr std::uint16_t kNota = bit(A::not_known);
constexpr std::uint16_t kLost = bit(A::lost);
constexpr std::uint16_t kUnsent = bit(A::unsent);
constexpr std::uint16_t kElsewhere = bit(A::elsewhere);
constexpr std::uint16_t kHeuristic =
    any(A::heuristic_mixed, A::heuristic_rolled_back, A::heuristic_committed, A::heuristic_hazard);

constexpr OutcomeRow kRows[] = {
    // --- xa_end. Whatever is not XA_OK rolls back; only a lost session needs no xa_rollback.
    {P::active, V::end, kOk, Do::go_on, P::idle, B::unknown, "the association is over", "5 step 1"},
    {P::active, V::end, any(A::lost, A::unsent), Do::vote_no, P::idle, B::rolled_back,
     "the session is gone; an unprepared branch dies with it", "2 common rules, 5 step 1"},
    {P::active, V::end, except(A::ok, A::lost, A::unsent), Do::doom, P::idle, B::rolled_back,
     "the work failed or the end of it did; nothing is prepared, xa_rollback cleans up",
     "5 step 1"},
    {P::active, V::end_fail, any(A::lost, A::unsent), Do::vote_no, P::idle, B::rolled_back,
     "the session is gone; an unprepared branch dies with it", "2 common rules"},
    {P::active, V::end_fail, except(A::lost, A::unsent), Do::doom, P::idle, B::rolled_back,
     "XA_OK and XA_RB* are both legal answers to TMFAIL; xa_rollback follows in any case",
     "2 xa_end"},

    // --- xa_prepare. Only an explicit yes counts; what may be prepared is rolled back.
    {P::idle, V::prepare, kOk, Do::vote_yes, P::voted, B::unknown,
     "prepared: can commit across any failure", "5 step 3"},
    {P::idle, V::prepare, kReadOnly, Do::final, P::idle, B::read_only,
     "changed nothing and is finished: no phase two", "5 step 3"},
    {P::idle, V::prepare, any(A::rolled_back, A::not_known), Do::vote_no, P::idle, B::rolled_back,
     "refused, rolled back and forgotten: no phase two", "5 step 3"},
    {P::idle, V::prepare, except(A::ok, A::read_only, A::rolled_back, A::not_known), Do::doubt,
     P::prepared, B::pending, "no vote came, and the branch may be prepared all the same",
     "5 step 3"},

    // --- xa_commit(TMONEPHASE): the resource manager decides.
    {P::idle, V::commit_one_phase, kOk, Do::final, P::idle, B::committed, "committed", "5b"},
    {P::idle, V::commit_one_phase, kHeuristic, Do::heuristic, P::heuristic, B::unknown,
     "the resource manager decided by itself", "5b"},
    {P::idle, V::commit_one_phase, any(A::rolled_back, A::not_known), Do::vote_no, P::idle,
     B::rolled_back, "rolled back instead", "5b"},
    {P::idle, V::commit_one_phase, kUnsent, Do::vote_no, P::idle, B::rolled_back,
     "the session was lost before the commit was sent; the branch died with it",
     "5b, 2 common rules"},
    {P::idle, V::commit_one_phase, kLost, Do::final, P::idle, B::unknown,
     "the reply to a one-phase commit was lost: neither success nor failure may be claimed", "5b"},
    {P::idle, V::commit_one_phase, kError, Do::undo, P::one_phase_error, B::rolled_back,
     "the standard says rolled back; xa_rollback makes sure and hears of a commit typed by hand",
     "5b"},
    {P::idle, V::commit_one_phase, any(A::read_only, A::retry, A::odd, A::elsewhere), Do::undo,
     P::one_phase_refused, B::unknown,
     "not an answer to this call; only a rollback that works proves what happened", "5b"},
    {P::one_phase_error, V::rollback, kHeuristic, Do::heuristic, P::heuristic, B::unknown,
     "the branch was completed behind our back", "5b"},
    {P::one_phase_error, V::rollback, kRetry, Do::retry, P::one_phase_error, B::rolled_back,
     "no effect yet", "2 xa_rollback"},
    {P::one_phase_error, V::rollback,
     except(A::heuristic_mixed, A::heuristic_rolled_back, A::heuristic_committed,
            A::heuristic_hazard, A::retry, A::read_only, A::odd),
     Do::final, P::idle, B::rolled_back, "XAER_RMERR said rolled back and nothing contradicts it",
     "5b"},
    {P::one_phase_error, V::rollback, any(A::read_only, A::odd), Do::final, P::idle, B::unknown,
     "the resource manager contradicts itself", "5b"},
    {P::one_phase_refused, V::rollback, any(A::ok, A::rolled_back), Do::vote_no, P::idle,
     B::rolled_back, "it could still be rolled back, so it was not committed", "5b"},
    {P::one_phase_refused, V::rollback, kHeuristic, Do::heuristic, P::heuristic, B::unknown,
     "the branch was completed behind our back", "5b"},
    {P::one_phase_refused, V::rollback, kRetry, Do::retry, P::one_phase_refused, B::unknown,
     "no effect yet", "2 xa_rollback"},
    {P::one_phase_refused, V::rollback,
     except(A::ok, A::rolled_back, A::heuristic_mixed, A::heuristic_rolled_back,
            A::heuristic_committed, A::heuristic_hazard, A::retry),
     Do::final, P::idle, B::unknown,
     "the commit answered nonsense and the branch cannot be rolled back", "5b"},

    // --- xa_rollback of a branch that was never asked to prepare.
    {P::idle, V::rollback, any(A::ok, A::rolled_back, A::not_known, A::error), Do::final, P::idle,
     B::rolled_back, "rolled back", "5a rollback phase"},
    {P::idle, V::rollback, any(A::lost, A::unsent), Do::final, P::idle, B::rolled_back,
     "unprepared: the server rolls it back with its session", "2 common rules"},
    {P::idle, V::rollback, kHeuristic, Do::heuristic, P::heuristic, B::unknown,
     "completed behind our back, e.g. COMMIT typed by hand", "5a rollback phase"},
    {P::idle, V::rollback, kRetry, Do::retry, P::idle, B::pending,
     "not allowed here, but known: no effect, ask again", "2 xa_rollback"},
    {P::idle, V::rollback, any(A::read_only, A::odd, A::elsewhere), Do::leave, P::idle, B::pending,
     "no proof of the rollback; nothing of the branch can commit", "5 step 6"},

    // --- xa_rollback of a branch that is prepared: without a record recovery does it.
    //
    // It promised to stay until it is told, and we have told it nothing: when it is gone, somebody
    // else completed it. Rolled back would be a guess, and wrong if it was committed.
    {P::voted, V::rollback, any(A::ok, A::rolled_back), Do::final, P::voted, B::rolled_back,
     "rolled back", "5a rollback phase"},
    {P::voted, V::rollback, kHeuristic, Do::heuristic, P::heuristic, B::unknown,
     "the resource manager decided by itself", "5a rollback phase"},
    {P::voted, V::rollback, kNota, Do::confirm, P::vanished, B::pending,
     "it had voted to commit and is said to be unknown: a fresh list tells", "5a rollback phase"},
    {P::voted, V::rollback, kRetry, Do::retry, P::voted, B::pending,
     "not allowed here, but known: no effect, ask again", "2 xa_rollback"},
    {P::voted, V::rollback, any(A::lost, A::unsent), Do::leave, P::voted, B::pending,
     "it may stay prepared; recovery finds it and no record", "5 step 6"},
    {P::voted, V::rollback, any(A::error, A::read_only, A::odd), Do::leave, P::voted, B::pending,
     "not rolled back as far as the answer goes; recovery looks whether it is still listed",
     "5 step 6"},
    {P::voted, V::rollback, kElsewhere, Do::leave, P::voted, B::pending,
     "another server answers than the one that prepared it: it cannot tell; recovery goes on",
     "5 step 6"},
    {P::vanished, V::confirm, kNota, Do::note, P::vanished, B::heuristic_hazard,
     "prepared, and gone before we rolled it back: somebody else completed it, nobody knows how",
     "5 step 6"},
    {P::vanished, V::confirm, except(A::not_known), Do::leave, P::vanished, B::pending,
     "said to be unknown, and listed all the same or the list could not be had; recovery finds it "
     "and no record",
     "5 step 6"},

    // --- xa_rollback of a branch that may be prepared.
    {P::prepared, V::rollback, any(A::ok, A::rolled_back, A::not_known), Do::final, P::prepared,
     B::rolled_back, "rolled back", "5a rollback phase"},
    {P::prepared, V::rollback, kHeuristic, Do::heuristic, P::heuristic, B::unknown,
     "the resource manager decided by itself", "5a rollback phase"},
    {P::prepared, V::rollback, kRetry, Do::retry, P::prepared, B::pending,
     "not allowed here, but known: no effect, ask again", "2 xa_rollback"},
    {P::prepared, V::rollback, any(A::lost, A::unsent), Do::leave, P::prepared, B::pending,
     "it may stay prepared; recovery finds it and no record", "5 step 6"},
    {P::prepared, V::rollback, any(A::error, A::read_only, A::odd, A::elsewhere), Do::leave,
     P::prepared, B::pending,
     "not rolled back as far as the answer goes; recovery looks whether it is still listed",
     "5 step 6"},

    // --- xa_commit after the decision. Nothing but a heuristic answer changes the outcome.
    {P::decided, V::commit, kOk, Do::final, P::decided, B::committed, "committed", "5 step 5"},
    {P::decided, V::commit, kHeuristic, Do::heuristic, P::heuristic, B::unknown,
     "the resource manager decided by itself", "5 step 5"},
    {P::decided, V::commit, kRetry, Do::retry, P::decided, B::pending, "busy: no effect yet",
     "5 step 5"},
    {P::decided, V::commit, kUnsent, Do::retry, P::decided, B::pending,
     "unavailable; nothing arrived there", "5 step 5"},
    {P::decided, V::commit, kLost, Do::retry, P::decided_again, B::pending,
     "unanswered: it may have been committed", "5 step 5"},
    {P::decided, V::commit, kNota, Do::confirm, P::missing, B::pending,
     "unknown at the first try: some servers say so while another session still owns the branch",
     "5 step 5"},
    {P::decided, V::commit, any(A::error, A::rolled_back), Do::confirm, P::refused, B::pending,
     "the standard says rolled back, servers also say it for missing rights: a fresh list tells",
     "2 xa_commit"},
    {P::decided, V::commit, any(A::read_only, A::odd), Do::leave, P::decided, B::pending,
     "not an answer to a commit; the decision is kept until the branch is gone", "5 step 5"},
    {P::decided, V::commit, kElsewhere, Do::retry, P::decided, B::pending,
     "another server answers than the one that prepared it: it cannot tell",
     "5 step 5"},
    {P::decided_again, V::commit, kOk, Do::final, P::decided, B::committed, "committed",
     "5 step 5"},
    {P::decided_again, V::commit, kHeuristic, Do::heuristic, P::heuristic, B::unknown,
     "the resource manager decided by itself", "5 step 5"},
    {P::decided_again, V::commit, any(A::retry, A::lost, A::unsent), Do::retry, P::decided_again,
     B::pending, "still not answered finally", "5 step 5"},
    {P::decided_again, V::commit, kNota, Do::confirm, P::missing_again, B::pending,
     "the unanswered commit may have arrived; a fresh list must agree that it is gone", "5 step 5"},
    {P::decided_again, V::commit, any(A::error, A::rolled_back), Do::confirm, P::refused_again,
     B::pending, "refused, after a commit that may have arrived", "2 xa_commit"},
    {P::decided_again, V::commit, any(A::read_only, A::odd), Do::leave, P::decided_again,
     B::pending, "not an answer to a commit; the decision is kept until the branch is gone",
     "5 step 5"},
    {P::decided_again, V::commit, kElsewhere, Do::retry, P::decided_again, B::pending,
     "another server answers than the one that prepared it: it cannot tell",
     "5 step 5"},

    // --- A fresh list, asked because an answer alone is not to be believed. NOTA = gone.
    {P::refused, V::confirm, kNota, Do::note, P::refused, B::heuristic_rolled_back,
     "it promised to commit, refused, and no longer holds the branch: rolled back",
     "5a commit phase"},
    {P::refused, V::confirm, except(A::not_known), Do::leave, P::refused, B::pending,
     "it refused the commit it had promised; unless the list says otherwise the branch is still "
     "prepared: "
     "look at the rights of the user in the open string",
     "2 xa_commit"},
    {P::refused_again, V::confirm, kNota, Do::note, P::refused_again, B::heuristic_hazard,
     "gone, after one commit that went unanswered and one that was refused: nobody knows how",
     "5a commit phase"},
    {P::refused_again, V::confirm, except(A::not_known), Do::leave, P::refused_again, B::pending,
     "it refused the commit it had promised; unless the list says otherwise the branch is still "
     "prepared: "
     "look at the rights of the user in the open string",
     "2 xa_commit"},
    {P::missing, V::confirm, kOk, Do::retry, P::decided, B::pending,
     "listed: the session that prepared it is still there", "5 step 5"},
    {P::missing, V::confirm, kNota, Do::note, P::missing, B::heuristic_hazard,
     "prepared, and gone before we committed it: somebody else completed it, nobody knows how",
     "5 step 5"},
    {P::missing, V::confirm, except(A::ok, A::not_known), Do::leave, P::missing, B::pending,
     "said to be unknown, but the list could not be had", "5 step 5"},
    {P::missing_again, V::confirm, kOk, Do::retry, P::decided_again, B::pending,
     "listed: the session that prepared it is still there", "5 step 5"},
    {P::missing_again, V::confirm, kNota, Do::final, P::decided, B::committed,
     "gone after a commit whose answer was lost: that commit arrived, or it was completed by hand; "
     "the server cannot tell which",
     "5 step 5"},
    {P::missing_again, V::confirm, except(A::ok, A::not_known), Do::leave, P::missing_again,
     B::pending, "said to be unknown, but the list could not be had", "5 step 5"},

    // --- xa_forget, after the record is durable.
    {P::heuristic, V::forget, any(A::ok, A::not_known), Do::forgotten, P::heuristic, B::unknown,
     "recorded here, forgotten there", "5 step 5"},
    {P::heuristic, V::forget, except(A::ok, A::not_known), Do::remember, P::heuristic, B::unknown,
     "recorded here, not forgotten there: recovery meets it again", "5 recovery"},

    // --- Recovery: the branch was listed, its owner is dead or done with it.
    //
    // XAER_NOTA to the first commit that *we* send reads as committed here, where the live path
    // reads a hazard. What differs is what is known. A coordinator that never had a commit
    // unanswered knows that none can have arrived, so somebody else completed the branch. Recovery
    // has a decision and an owner that is gone: the owner's next act after the decision was to
    // commit this very branch, and nothing is written between the two. Every crash in the second
    // phase, every lost `done` record leads here, and in all of them the branch is committed; only
    // an operator's rollback in that same gap is not. To call both a hazard would alarm after each
    // crash, and who is alarmed each time stops looking. Where a server can tell the two apart its
    // switch answers XA_HEURRB instead of XAER_NOTA, and that row is above this one.
    //
    // When the coordinator was of this process it says what it knows as it gives up
    // (Recovery::no_commit_arrived()), and a branch that no commit can have reached is in
    // recover_first: there XAER_NOTA is the hazard it is in the live path. The first commit that
    // goes unanswered, the coordinator's or recovery's own, ends that knowledge.
    {P::recover_commit, V::commit, kOk, Do::confirm, P::recovered, B::committed, "committed",
     "5 recovery"},
    {P::recover_commit, V::commit, kHeuristic, Do::heuristic, P::heuristic, B::unknown,
     "the resource manager decided by itself", "5 recovery"},
    {P::recover_commit, V::commit, any(A::retry, A::lost, A::unsent), Do::retry, P::recover_commit,
     B::pending, "busy or unavailable", "5 recovery"},
    {P::recover_commit, V::commit, kNota, Do::confirm, P::missing_again, B::committed,
     "completed since it was listed, or still owned by a session", "5 recovery"},
    {P::recover_commit, V::commit, any(A::error, A::rolled_back), Do::confirm, P::refused,
     B::pending, "refused: rolled back, or a matter of rights", "5 recovery"},
    {P::recover_commit, V::commit, any(A::read_only, A::odd), Do::leave, P::recover_commit,
     B::pending, "not an answer to a commit; the decision is kept until the branch is gone",
     "5 recovery"},
    {P::recover_commit, V::commit, kElsewhere, Do::retry, P::recover_commit, B::pending,
     "another server answers than the one that prepared it: it cannot tell",
     "5 recovery"},
    {P::recover_unseen, V::commit, kNota, Do::final, P::recover_unseen, B::committed,
     "neither listed nor known at the server that prepared it: its commit had arrived, or it was "
     "completed by hand; the server cannot tell which",
     "5 recovery"},
    {P::recover_unseen, V::commit, kOk, Do::confirm, P::recovered, B::committed,
     "not listed to this user, and committed", "5 recovery"},
    {P::recover_unseen, V::commit, kHeuristic, Do::heuristic, P::heuristic, B::unknown,
     "the resource manager decided by itself", "5 recovery"},
    {P::recover_unseen, V::commit, any(A::retry, A::lost, A::unsent), Do::retry, P::recover_unseen,
     B::pending, "not listed, and the server does not say what became of it; its error says why",
     "5 recovery"},
    {P::recover_unseen, V::commit, any(A::error, A::rolled_back, A::read_only, A::odd), Do::leave,
     P::recover_unseen, B::pending,
     "not listed, and the answer does not say that it is gone: look at the user and the database "
     "in the open string",
     "5 recovery"},
    {P::recover_unseen, V::commit, kElsewhere, Do::retry, P::recover_unseen, B::pending,
     "another server answers than the one that prepared it: it cannot tell",
     "5 recovery"},
    {P::recover_old_unseen, V::commit, kNota, Do::note, P::recover_old_unseen,
     B::heuristic_hazard,
     "neither listed nor known, and its decision was recorded by a version that did not say at "
     "which server: compare the data",
     "5 recovery"},
    {P::recover_old_unseen, V::commit, kOk, Do::confirm, P::recovered, B::committed,
     "not listed to this user, and committed", "5 recovery"},
    {P::recover_old_unseen, V::commit, kHeuristic, Do::heuristic, P::heuristic, B::unknown,
     "the resource manager decided by itself", "5 recovery"},
    {P::recover_old_unseen, V::commit, any(A::retry, A::lost, A::unsent), Do::retry,
     P::recover_old_unseen, B::pending,
     "not listed, and the server does not say what became of it; its error says why", "5 recovery"},
    {P::recover_old_unseen, V::commit,
     any(A::error, A::rolled_back, A::read_only, A::odd, A::elsewhere), Do::leave,
     P::recover_old_unseen, B::pending,
     "not listed, and the answer does not say that it is gone: look at the user and the database "
     "in the open string",
     "5 recovery"},
    {P::recover_first, V::commit, kOk, Do::confirm, P::recovered, B::committed, "committed",
     "5 recovery"},
    {P::recover_first, V::commit, kHeuristic, Do::heuristic, P::heuristic, B::unknown,
     "the resource manager decided by itself", "5 recovery"},
    {P::recover_first, V::commit, any(A::retry, A::unsent), Do::retry, P::recover_first, B::pending,
     "busy or unavailable; nothing arrived there", "5 recovery"},
    {P::recover_first, V::commit, kLost, Do::retry, P::recover_commit, B::pending,
     "unanswered: it may have been committed", "5 recovery"},
    {P::recover_first, V::commit, kNota, Do::confirm, P::missing, B::pending,
     "listed a moment ago, and unknown to the first commit that could arrive", "5 step 5"},
    {P::recover_first, V::commit, any(A::error, A::rolled_back), Do::confirm, P::refused,
     B::pending, "refused: rolled back, or a matter of rights", "5 recovery"},
    {P::recover_first, V::commit, any(A::read_only, A::odd), Do::leave, P::recover_first,
     B::pending, "not an answer to a commit; the decision is kept until the branch is gone",
     "5 recovery"},
    {P::recover_first, V::commit, kElsewhere, Do::retry, P::recover_first, B::pending,
     "another server answers than the one that prepared it: it cannot tell",
     "5 recovery"},
    {P::recover_first_unseen, V::commit, kNota, Do::note, P::recover_first_unseen,
     B::heuristic_hazard,
     "prepared, and gone before we committed it: somebody else completed it, nobody knows how",
     "5 recovery"},
    {P::recover_first_unseen, V::commit, kOk, Do::confirm, P::recovered, B::committed,
     "not listed to this user, and committed", "5 recovery"},
    {P::recover_first_unseen, V::commit, kHeuristic, Do::heuristic, P::heuristic, B::unknown,
     "the resource manager decided by itself", "5 recovery"},
    {P::recover_first_unseen, V::commit, any(A::retry, A::unsent), Do::retry,
     P::recover_first_unseen, B::pending,
     "not listed, and the server does not say what became of it; its error says why", "5 recovery"},
    {P::recover_first_unseen, V::commit, kLost, Do::retry, P::recover_unseen, B::pending,
     "unanswered: it may have been committed", "5 recovery"},
    {P::recover_first_unseen, V::commit, any(A::error, A::rolled_back, A::read_only, A::odd),
     Do::leave, P::recover_first_unseen, B::pending,
     "not listed, and the answer does not say that it is gone: look at the user and the database "
     "in the open string",
     "5 recovery"},
    {P::recover_first_unseen, V::commit, kElsewhere, Do::retry, P::recover_first_unseen, B::pending,
     "another server answers than the one that prepared it: it cannot tell",
     "5 recovery"},
    {P::recovered, V::confirm, kNota, Do::final, P::recovered, B::committed,
     "committed, and the list agrees", "5 recovery"},
    {P::recovered, V::confirm, except(A::not_known), Do::retry, P::recover_commit, B::pending,
     "the commit was answered XA_OK, but no fresh list shows that the branch is gone",
     "5 recovery"},
    {P::recover_rollback, V::rollback, any(A::ok, A::rolled_back, A::not_known), Do::confirm,
     P::undone, B::rolled_back, "rolled back", "5 recovery"},
    {P::recover_rollback, V::rollback, kHeuristic, Do::heuristic, P::heuristic, B::unknown,
     "the resource manager decided by itself", "5 recovery"},
    {P::recover_rollback, V::rollback, any(A::retry, A::lost, A::unsent), Do::retry,
     P::recover_rollback, B::pending, "busy or unavailable", "5 recovery"},
    {P::recover_rollback, V::rollback, kError, Do::confirm, P::undo_refused, B::rolled_back,
     "refused: finished, or a matter of rights", "5 recovery"},
    {P::recover_rollback, V::rollback, any(A::read_only, A::odd), Do::leave, P::recover_rollback,
     B::pending, "not an answer to a rollback", "5 recovery"},
    {P::recover_rollback, V::rollback, kElsewhere, Do::retry, P::recover_rollback, B::pending,
     "another server answers than the one that listed it: it cannot tell", "5 recovery"},
    {P::undone, V::confirm, kNota, Do::final, P::undone, B::rolled_back,
     "rolled back, and the list agrees", "5 recovery"},
    {P::undone, V::confirm, except(A::not_known), Do::retry, P::recover_rollback, B::pending,
     "the rollback was answered, but no fresh list shows that the branch is gone", "5 recovery"},
    {P::undo_refused, V::confirm, kNota, Do::final, P::undo_refused, B::rolled_back,
     "the error notwithstanding it is gone", "5 recovery"},
    {P::undo_refused, V::confirm, except(A::not_known), Do::leave, P::undo_refused, B::pending,
     "the rollback was refused and the branch is still held: look at the rights of the user in the "
     "open "
     "string",
     "5 recovery"},
};

constexpr int rows_for(Phase phase, Verb verb, Answered answered) noexcept {
  int count = 0;
  for (const OutcomeRow& row : kRows) {
    count += (row.phase == phase && row.verb == verb && (row.on & bit(answered)) != 0) ? 1 : 0;
  }
  return count;
}

/// Every (phase, verb) has one row for each class, or none for any.
constexpr bool total_and_unambiguous() noexcept {
  for (int phase = 0; phase < kPhaseCount; ++phase) {
    for (int verb = 0; verb <= static_cast<int>(Verb::confirm); ++verb) {
      int count = 0;
      for (int a = 0; a < kAnsweredCount; ++a) {
        const int rows = rows_for(static_cast<Phase>(phase), static_cast<Verb>(verb),
                                  static_cast<Answered>(1U << static_cast<unsigned>(a)));
        if (rows > 1) return false;
        count += rows;
      }
      if (count != 0 && count != kAnsweredCount) return false;
    }
  }
  return true;
}
static_assert(total_and_unambiguous(), "an answer has no row, or two");

}  // namespace

std::span<const OutcomeRow> outcome_rows() noexcept { return kRows; }

bool callable(Phase phase, Verb verb) noexcept { return rows_for(phase, verb, A::ok) == 1; }

const OutcomeRow& lookup(Phase phase, Verb verb, Answered answered) noexcept {
  for (const OutcomeRow& row : kRows) {
    if (row.phase == phase && row.verb == verb && (row.on & bit(answered)) != 0) return row;
  }
  // Unreachable for callable pairs (static_assert above). A caller that breaks the precondition
  // gets the row that claims nothing: the branch stays pending.
  assert(false && "verb not callable in this phase");
  static constexpr OutcomeRow kImpossible{P::decided, V::commit,  kAll, Do::leave,
                                          P::decided, B::pending, "",   ""};
  return kImpossible;
}

}  // namespace xabridge::tm
