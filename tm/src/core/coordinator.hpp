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

#include "../decision_register.hpp"
#include "../ports.hpp"

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
};

class Coordinator {
 public:
  /// `patience`: how many times phase two is tried again on XA_RETRY or XAER_RMFAIL before the
  /// branch is left to recovery.
  struct Options {
    int patience = 6;
    std::chrono::milliseconds first_delay{5};
    std::chrono::milliseconds maximum_delay{250};
  };

  Coordinator(Options options, std::string gtrid, std::vector<BranchInfo> branches);

  /// Start of commit processing; associations are still active.
  [[nodiscard]] Step commit();
  /// Start of rollback processing, with the reason the application or the timeout gave.
  [[nodiscard]] Step rollback(std::string reason, int reason_code);

  [[nodiscard]] Step next();
  void answered(const Call& call, CallAnswer answer);
  void decided(Result<Decision> result);
  void recorded(Result<void> result);
  /// The caller's time is up: branches still unanswered are left to recovery.
  void give_up() noexcept;

  [[nodiscard]] const std::string& gtrid() const noexcept { return gtrid_; }
  [[nodiscard]] const std::vector<BranchInfo>& branches() const noexcept { return branches_; }
  [[nodiscard]] std::vector<Participant> participants() const;
  [[nodiscard]] std::vector<HeuristicRecord> heuristics() const;
  /// True when every branch has answered finally (nothing is left to recovery).
  [[nodiscard]] bool complete() const noexcept;
  [[nodiscard]] Outcome outcome() const;

 private:
  std::string gtrid_;
  std::vector<BranchInfo> branches_;
};

}  // namespace xabridge::tm
