// StepRunner: performs the steps the Coordinator asks for, in the transaction's thread, and reports
// each to the observers. The protocol is the Coordinator's; here is only the doing.
//
// The calls of one step run at the same time as far as the switches allow (TMUSEASYNC): all are
// issued before the first answer is waited for. Each call's "before" event comes before it is
// issued, its answer is told as soon as it is there.
//
// No call is waited for beyond deadline_of() it. Switches that keep deadlines are told; the calls
// of others, but xa_end, are made by CallThreads. What does not come back is XAER_RMFAIL with an
// outcome that is not known: no vote, or a second phase for recovery.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../core/coordinator.hpp"
#include "../environment.hpp"
#include "../register/decision_register.hpp"
#include "events.hpp"
#include "resource_manager.hpp"
#include "timeout_gate.hpp"

namespace xabridge::tm {

class StepRunner {
 public:
  struct Surroundings {
    DecisionRegister& decisions;
    Events& events;
    Clock& clock;
    TimeoutGate& gate;
    /// How long after the decision phase two is tried before its branches are left to recovery.
    std::chrono::milliseconds completion_timeout;
    std::chrono::milliseconds call_timeout;  // where there is no deadline
    std::chrono::milliseconds timeout;       // the gate's, for the outcome
  };

  /// `resource_managers[i]` is the one of the coordinator's branch i.
  StepRunner(Coordinator& coordinator,
             std::vector<std::shared_ptr<ResourceManager>> resource_managers,
             Surroundings surroundings);

  enum class Until {
    finished,
    decided,  // the commit decision is durable
  };
  /// From `first` on; the step it stopped at, `finished` at the end.
  Step run(Step first, Until until = Until::finished);
  /// What branches said about why the transaction is rolled back: a vote, or that they were doomed
  /// before it was asked for. What went wrong with the rollback itself is not among it. Not part
  /// of the outcome, which the application may have asked for; run() wants to know.
  [[nodiscard]] const std::vector<Error>& doomed_by() const noexcept { return doomed_by_; }

 private:
  class Outstanding;
  using Time = std::chrono::steady_clock::time_point;
  /// A call that one of its resource manager's CallThreads makes.
  struct Apart {
    Call call;
    Time deadline;
    std::shared_ptr<CallThreads::UnderWay> under_way;  // null: it could not be begun
    std::shared_ptr<std::optional<CallAnswer>> answer;
  };

  void perform_calls(const std::vector<Call>& calls);
  void perform_call(const Call& call);
  void make_call(const Call& call);
  bool issue(const Call& call, Outstanding& outstanding);
  void take(const Call& call, CallAnswer answer);
  [[nodiscard]] ResourceManager& resource_manager(const Call& call) const {
    return *resource_managers_[call.branch];
  }
  [[nodiscard]] const Xid& xid(const Call& call) const {
    return coordinator_.branch(call.branch).xid;
  }
  CallAnswer answer_to(const Call& call);
  CallAnswer call_in_time(const Call& call);
  [[nodiscard]] bool goes_apart(const Call& call) const;
  Apart begin_apart(const Call& call);
  [[nodiscard]] bool answers_in_a_moment(const Apart& apart) const;
  CallAnswer answer_of(const Apart& apart);
  [[nodiscard]] Time deadline_of(const Call& call);
  void stop_interrupts();
  void decide();
  void record_heuristics();
  void wait(std::chrono::milliseconds delay);
  void mark_done();
  void announce(const Call& call);
  void report(const Call& call, const CallAnswer& answer);
  void emit(EventKind kind, std::string_view resource_manager = {}, int code = 0,
            std::string_view text = {}, std::chrono::nanoseconds took = {});
  [[nodiscard]] Error timed_out_error() const;

  Coordinator& coordinator_;
  std::vector<std::shared_ptr<ResourceManager>> resource_managers_;
  Surroundings around_;
  std::string gtrid_hex_;
  std::vector<Time> begun_;  // by branch: its last announced call
  bool interrupts_stopped_ = false;
  std::vector<Error> doomed_by_;
  std::optional<Time> give_up_at_;   // on calls that are repeated
  std::optional<Time> decided_at_;   // commit, durably
  std::optional<Time> rollback_by_;  // set with the first call of it
};

}  // namespace xabridge::tm
