// CommitRun: the commit protocol of one transaction while it runs, and everything it needs. It does
// not need the Transaction, so phase two of a decided commit may be performed after tx_commit has
// returned, by another thread: XA binds neither xa_commit nor xa_forget to the thread of the work.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../core/coordinator.hpp"
#include "runtime.hpp"
#include "step_runner.hpp"
#include "timeout_gate.hpp"

namespace xabridge::tm {

/// One thread at a time. Destroyed before its end it leaves the branches to recovery.
class CommitRun {
 public:
  CommitRun(std::shared_ptr<Runtime> runtime, std::shared_ptr<TimeoutGate> gate, std::string gtrid,
            std::vector<BranchInfo> branches,
            std::vector<std::shared_ptr<ResourceManager>> resource_managers,
            std::chrono::milliseconds timeout);
  CommitRun(const CommitRun&) = delete;
  CommitRun& operator=(const CommitRun&) = delete;
  ~CommitRun();

  enum class Until {
    finished,
    decided,  // stops before phase two when the decision is commit, and durable
  };
  /// One of the two begins it.
  void commit(Until until);
  void rollback(const std::string& reason, int code);
  /// False: stopped at the decision; finish() or the destructor comes next.
  [[nodiscard]] bool finished() const noexcept { return next_.kind == Step::Kind::finished; }
  /// What was left to do after a decision.
  void finish();

  /// Of a run that stopped at the decision: committed, every branch pending.
  [[nodiscard]] Outcome outcome() const;
  [[nodiscard]] const std::vector<Error>& doomed_by() const noexcept { return runner_.doomed_by(); }

 private:
  void conclude();
  /// The branches that are not finished are recovery's from here on.
  void leave_to_recovery();

  std::shared_ptr<Runtime> runtime_;
  std::shared_ptr<TimeoutGate> gate_;
  std::string gtrid_;
  Coordinator coordinator_;
  StepRunner runner_;
  Step next_;
  bool left_over_ = false;  // decided, and nobody has finished it
};

}  // namespace xabridge::tm
