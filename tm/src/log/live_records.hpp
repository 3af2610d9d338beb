// LiveRecords: what a log says at its end: decisions not done, heuristic records not acknowledged.
// Built by replay, kept up to date while writing, written out whole when a segment is followed by
// the next.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "log_format.hpp"

namespace xabridge::tm {

/// Not thread-safe.
class LiveRecords {
 public:
  void apply(Record record);

  /// Null: none. Valid until the next non-const call.
  [[nodiscard]] const DecisionRecord* decision(const std::string& gtrid) const;
  /// True if there was one.
  bool done(const std::string& gtrid);
  void heuristic(HeuristicRecord record);
  /// The record of this branch, null if none.
  [[nodiscard]] const HeuristicRecord* heuristic(const std::string& gtrid,
                                                 const std::string& bqual) const;
  /// Empty resource manager: of all.
  void acknowledge(const std::string& gtrid, const std::string& resource_manager = {});

  [[nodiscard]] bool empty() const noexcept { return decisions_.empty() && heuristics_.empty(); }
  [[nodiscard]] std::vector<DecisionRecord> decisions() const;
  [[nodiscard]] std::vector<HeuristicRecord> heuristics() const;

  /// Appends every record to a batch under construction; how many.
  [[nodiscard]] std::uint32_t write(std::string& batch) const;

 private:
  std::unordered_map<std::string, DecisionRecord> decisions_;
  std::map<std::pair<std::string, std::string>, HeuristicRecord> heuristics_;  // by gtrid, bqual
};

}  // namespace xabridge::tm
