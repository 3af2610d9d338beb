// Coordinator: the commit protocol of one global transaction, without I/O.
//
// It is asked for the next step, the caller performs it and reports the answers, until the step is
// `finished`:
//
//   Coordinator c(gtrid, branches);
//   for (Step s = c.commit(); s.kind != Step::Kind::finished; s = c.next()) perform(s),
//   c.answered(...); Outcome o = c.outcome();
//
// Calls within one step are independent of each other: any order, or all at once. No clock, no
// thread, no file in here: the same object runs under the real loop, the unit tests and a
// simulator.
//
//   State     begins when                     is followed by
//   fresh     it is constructed               ending
//   ending    commit() or rollback()          voting; settling: an only branch, or one has failed;
//                                             finished: no branch at all
//   voting    every branch has ended          deciding; settling: a no, or no answer;
//                                             finished: every branch only read
//   deciding  every vote is a yes or read-only    settling
//   settling  the verdict stands              closing; finished: not commit, or not all closed
//   closing   commit, every branch closed     finished
//
// In `settling` the verdict stands and every branch is brought to it; `closing` tells the register
// that all of them are. What one branch needs next is Branch::need, what a branch's answer means is
// a row of the outcome table. check_invariants() holds at every step:
//
//   1. xa_commit is asked for only under a durable decision to commit, of a branch that voted yes.
//   2. xa_rollback is never asked for under that decision.
//   3. A decision is asked for only when every branch has voted yes or has answered for good.
//   4. While the verdict is not known no branch is touched.
//   5. A heuristic outcome is durable before xa_forget erases it.
//   6. The register is told "done" only when every branch has answered for good.
//   7. While settling, every call is one that the outcome table has rows for.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <xabridge/outcome.hpp>
#include <xabridge/xid.hpp>

#include "../ports.hpp"
#include "../register/decision_register.hpp"
#include "outcome_table.hpp"

namespace xabridge::tm {

struct Call {
  std::size_t branch = 0;  // index into the branches given at construction
  Verb verb = Verb::end;
};

struct Step {
  enum class Kind {
    call,    // perform() every call (ports.hpp), report each with answered()
    decide,  // DecisionRegister::decide(gtrid, participants(), commit), report with decided()
    record_heuristic,  // make heuristics() durable, report with recorded()
    wait,              // let `delay` pass (or give up waiting: give_up()), then next()
    done,              // DecisionRegister::done(gtrid); nothing to report
    finished,          // outcome() is final
  };
  Kind kind = Kind::finished;
  std::vector<Call> calls;
  std::chrono::milliseconds delay{0};
};

/// An enlisted branch.
struct BranchInfo {
  std::string resource_manager;
  Xid xid;
  /// A commit in one phase that was answered survives a crash of the server. Where it may not, a
  /// decision on record is what recovery finishes the branch by, also when it is the only one.
  bool one_phase_survives = true;
};

class Coordinator {
 public:
  Coordinator(std::string gtrid, std::vector<BranchInfo> branches);

  /// Start of commit processing; associations are still active.
  [[nodiscard]] Step commit();
  /// Start of rollback processing, with the reason the application or the timeout gave.
  [[nodiscard]] Step rollback(std::string reason, int reason_code);

  /// A call of the last step that was not reported counts as unanswered (XAER_RMFAIL).
  [[nodiscard]] Step next();
  void answered(const Call& call, CallAnswer answer);
  void decided(Result<Decision> result);
  void recorded(Result<void> result);
  /// The caller's time is up: branches still unanswered are left to recovery. Calls are repeated
  /// until then. Before the second phase it has no effect.
  void give_up() noexcept;

  [[nodiscard]] const std::string& gtrid() const noexcept { return gtrid_; }
  [[nodiscard]] const BranchInfo& branch(std::size_t index) const { return branches_[index].info; }
  /// The branches that voted commit.
  [[nodiscard]] std::vector<Participant> participants() const;
  /// During a record_heuristic step: what that step has to make durable. `seen_at` is left to the
  /// caller, who has a clock.
  [[nodiscard]] std::vector<HeuristicRecord> heuristics() const;
  /// True when every branch has answered finally (nothing is left to recovery).
  [[nodiscard]] bool complete() const noexcept;
  /// True when decide() could not say what stands: this process must never touch the branches
  /// again, see Recovery::hold().
  [[nodiscard]] bool undecidable() const noexcept { return verdict_ == Verdict::unknown; }
  /// True when the decision is commit, and durable.
  [[nodiscard]] bool commit_decided() const noexcept { return verdict_ == Verdict::commit; }
  /// Under a commit decision, the unfinished branches that no xa_commit can have reached. For
  /// Recovery::no_commit_arrived(), when the second phase is given up.
  [[nodiscard]] std::vector<Xid> no_commit_arrived() const;
  [[nodiscard]] Outcome outcome() const;

 private:
  enum class State { fresh, ending, voting, deciding, settling, closing, finished };
  enum class Need {
    nothing,            // no call. At the end: recovery has it
    call,               // of `verb`, in the next step
    answer,             // to the call of `verb` that was handed out
    pause,              // then `verb` again
    record,             // its heuristic outcome is to be made durable, which closes it
    record_and_forget,  // ... and xa_forget comes after it
    closed,             // it has answered for good
  };
  /// What is known of one branch and what it needs next.
  struct Branch {
    explicit Branch(BranchInfo enlisted) : info(std::move(enlisted)) {}

    BranchInfo info;
    Phase phase = Phase::active;
    BranchState state = BranchState::unknown;
    Need need = Need::nothing;
    Verb verb = Verb::end;  // of `call`, `answer` and `pause`
    bool voted_yes = false;
    int code = 0;             // the last one that was not XA_OK
    std::string server_text;  // and what was said with it
    std::string server;       // that prepared it; empty: not prepared, or it cannot say
    std::vector<Error> errors;

    [[nodiscard]] bool needs(Verb what) const noexcept {
      return verb == what && (need == Need::call || need == Need::answer || need == Need::pause);
    }
    [[nodiscard]] bool to_record() const noexcept {
      return need == Need::record || need == Need::record_and_forget;
    }
  };
  /// How much an answer says about why the transaction rolls back.
  enum class Weight { none, error, rollback, named, given };  // given: no answer changes it
  struct Reason {
    Weight weight = Weight::none;
    std::size_t branch = 0;
    int code = 0;
    std::string text;
  };

  Step step(Step::Kind kind);
  Step calls();
  Step after_ending();
  Step after_voting();
  Step settle();
  Step finish();
  void need_call(Verb verb);
  void start_rollback();
  Step wait();
  void leave_waiting();
  void apply(std::size_t index, Verb verb, const OutcomeRow& row, Answered answered);
  void keep_error(std::size_t index, Verb verb, const OutcomeRow& row, CallAnswer answer);
  void doom(std::size_t index, const OutcomeRow& row);
  [[nodiscard]] bool doomed() const noexcept { return reason_.weight != Weight::none; }
  [[nodiscard]] bool any_needs(Need need) const noexcept;
  [[nodiscard]] std::string describe(std::size_t index, int code, std::string_view why) const;
  void check_invariants() const;

  std::string gtrid_;
  std::vector<Branch> branches_;
  State state_ = State::fresh;
  Verdict verdict_ = Verdict::rollback;  // presumed
  Reason reason_;
  bool given_up_ = false;
  int waits_ = 0;
};

}  // namespace xabridge::tm
