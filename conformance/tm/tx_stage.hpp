// TxStage: a Stage reached through the TX interface, in a thread of its own: TX keeps its state per
// thread. The log is on disk here; "log" among the calls is the transaction manager's own word for
// a forced decision or heuristic record.
#pragma once

#include <xabridge/tx.h>

#include <functional>
#include <string>
#include <vector>

#include "stage.hpp"
#include "temporary_directory.hpp"

namespace tm_conformance {

/// Of the TX state table.
enum class S { s0, s1, s2, s3, s4 };

class TxStage {
 public:
  explicit TxStage(const std::vector<std::string>& names = {"a", "b"},
                   long switch_flags = TMNOFLAGS);
  ~TxStage();
  TxStage(const TxStage&) = delete;
  TxStage& operator=(const TxStage&) = delete;

  /// Leads from S0 to the state.
  void go(S state);
  /// Throws Failed unless this thread is in that state: by tx_info and by what it refuses.
  void is(S state);

  [[nodiscard]] ScriptedRm& rm(const std::string& name) { return stage_.rm(name); }
  [[nodiscard]] Stage& stage() { return stage_; }
  [[nodiscard]] CallLog& log() { return stage_.log; }
  [[nodiscard]] std::vector<std::string> calls() const { return stage_.calls(); }

 private:
  TemporaryDirectory directory_;
  Stage stage_;
};

/// "tx_begin returned -5, must be 0".
void must(const char* call, int seen, int wanted);
/// tx_info of this thread.
TXINFO info();
/// Runs a body in a thread of its own; what it throws comes out here.
void in_thread(const std::function<void()>& body);

}  // namespace tm_conformance
