// Report: what the program was told about each transfer, line by line in a file, so that every
// answer can be held against the databases afterwards, also when the program was killed in between.
//
//   begin ID FROM TO AMOUNT
//   end ID OUTCOME           committed, committed_pending, rolled_back, heuristic or unknown
#pragma once

#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <xabridge/outcome.hpp>

#include "bank.hpp"

namespace bank {

class Report {
 public:
  /// Appends to `file`; an empty name reports to nobody. Throws std::runtime_error.
  explicit Report(const std::string& file);
  void begin(const Transfer& transfer);
  void end(const Transfer& transfer, xabridge::OutcomeKind outcome);

 private:
  std::mutex mutex_;
  std::ofstream file_;
};

/// By transfer id: the outcome reported, nullopt where the program did not live to report one.
using Answers = std::map<std::string, std::optional<xabridge::OutcomeKind>>;
/// Throws std::runtime_error: no such file, or a word that is no outcome.
[[nodiscard]] Answers read_report(const std::string& file);

}  // namespace bank
