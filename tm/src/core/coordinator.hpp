// Coordinator: the commit protocol of one global transaction, without I/O.
//
// It is asked for the next step, the caller performs it and reports the answers, until the step is
// `finished`:
//
//   Coordinator c(options, branches);
//   for (Step s = c.commit(); s.kind != Step::Kind::finished; s = c.next()) perform(s),
//   c.answered(...); Outcome o = c.outcome();
//
// Calls within one step are independent of each other: any order, or all at once. No clock, no
// thread, no file in here: the same object runs under the real loop, the unit tests and a
// simulator.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
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
  /// `patience`: how many times phase two is tried again on XA_RETRY or XAER_RMFAIL before the
  /// branch is left to recovery.
  struct Options {
    int patience = 6;
    std::chrono::milliseconds first_delay{5};
    std::chrono::milliseconds maximum_delay{250};
    /// Asks the last branch only after all others have voted: when none of them changed anything it
    /// is committed in one phase and nothing is logged. One more round trip otherwise.
    bool hold_back_last = false;
  };

  Coordinator(Options options, std::string gtrid, std::vector<BranchInfo> branches);

  /// Start of commit processing; associations are still active.
  [[nodiscard]] Step commit();
  /// Start of rollback processing, with the reason the application or the timeout gave.
  [[nodiscard]] Step rollback(std::string reason, int reason_code);

  /// A call of the last step that was not reported counts as unanswered (XAER_RMFAIL).
  [[nodiscard]] Step next();
  void answered(const Call& call, CallAnswer answer);
  void decided(Result<Decision> result);
  void recorded(Result<void> result);
  /// The caller's time is up: branches still unanswered are left to recovery. Before the second
  /// phase it has no effect.
  void give_up() noexcept;

  [[nodiscard]] const std::string& gtrid() const noexcept { return gtrid_; }
  [[nodiscard]] const std::vector<BranchInfo>& branches() const noexcept { return branches_; }
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
  enum class State { fresh, ending, voting, deciding, settling, finished };
  /// What is known of one branch and what it needs next.
  struct Branch {
    Phase phase = Phase::active;
    BranchState state = BranchState::unknown;
    std::optional<Verb> wants;  // the next call; empty: nothing more in this process
    bool outstanding = false;   // `wants` was handed out and is not answered
    bool later = false;         // `wants` only after a wait
    bool voted_yes = false;
    bool final_answer = false;  // nothing is left to recovery
    bool to_record = false;     // heuristic, not durable yet
    bool to_forget = false;     // ... and the resource manager keeps it until xa_forget
    int code = 0;               // the last one that was not XA_OK
    std::string server_text;    // and what was said with it
    std::string server;         // that prepared it; empty: not prepared, or it cannot say
    std::vector<Error> errors;
  };
  /// Why the transaction rolls back: the most telling of the answers of the step that doomed it.
  struct Reason {
    int rank = 0;  // 0: none yet
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
  void want(Verb verb);
  void start_rollback();
  void start_wait();
  void leave_waiting();
  void apply(std::size_t index, Verb verb, const OutcomeRow& row, Answered answered);
  void keep_error(std::size_t index, Verb verb, const OutcomeRow& row, CallAnswer answer);
  void doom(std::size_t index, int code, const OutcomeRow& row);
  [[nodiscard]] std::string describe(std::size_t index, int code, std::string_view why) const;
  void check_invariants() const;

  Options options_;
  std::string gtrid_;
  std::vector<BranchInfo> branches_;
  std::vector<Branch> known_;  // parallel to branches_
  State state_ = State::fresh;
  Verdict verdict_ = Verdict::rollback;  // presumed
  bool decide_asked_ = false;
  bool doomed_ = false;
  bool reason_fixed_ = false;  // later answers do not change why
  Reason reason_;
  bool given_up_ = false;
  bool done_sent_ = false;
  int waits_ = 0;
};

}  // namespace xabridge::tm
