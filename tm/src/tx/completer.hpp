// Completer: finishes decided commits in the background, for TX_COMMIT_DECISION_LOGGED.
//
// Only speed depends on it. The decision is durable before a commit comes here, so one that is
// dropped, by a crash or because its time is up at the end, is committed by recovery.
#pragma once

#include <chrono>
#include <memory>

#include "../manager/commit_run.hpp"

namespace xabridge::tx {

/// Thread-safe. A few threads, made when they are needed.
class Completer {
 public:
  /// `patience`: how long the end waits for what is under way.
  explicit Completer(std::chrono::milliseconds patience);
  Completer(const Completer&) = delete;
  Completer& operator=(const Completer&) = delete;
  ~Completer();

  /// In the background; where too much is waiting already, or no thread can be made, in this one.
  void complete(std::unique_ptr<tm::CommitRun> run) noexcept;

 private:
  struct State;
  bool hand_over(std::unique_ptr<tm::CommitRun>& run);
  static void work(const std::shared_ptr<State>& state) noexcept;

  const std::chrono::milliseconds patience_;
  // Shared with the threads: one that a server keeps waiting is left behind at the end.
  std::shared_ptr<State> state_;
};

}  // namespace xabridge::tx
