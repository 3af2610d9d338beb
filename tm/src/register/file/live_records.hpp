// LiveRecords: what a log says at its end: decisions not done, heuristic records not acknowledged.
// Built by replay, kept up to date while writing, written out whole when a segment is followed by
// the next.
//
// Beside them the last decisions that are done, by name only. A branch of one of these may appear
// again: a server was restored from a backup, an address led elsewhere while it was asked. It is
// then completed as decided; without a record it would be rolled back, as one nobody decided on.
// Bounded by number (kept_finished): about as many as a segment takes.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "log_format.hpp"

namespace xabridge::tm {

/// How many decisions that are done are kept where segments have this size: a quarter of one is
/// theirs.
[[nodiscard]] constexpr std::size_t kept_finished(std::uint64_t segment_size) noexcept {
  constexpr std::uint64_t kRecord = 80;  // bytes, at most
  return static_cast<std::size_t>(segment_size / 4 / kRecord);
}

/// Not thread-safe.
class LiveRecords {
 public:
  explicit LiveRecords(std::size_t keep_finished = kept_finished(8U << 20U))
      : keep_finished_(keep_finished) {}
  void apply(Record record);

  /// Of those not done. Null: none. Valid until the next non-const call.
  [[nodiscard]] const DecisionRecord* decision(const std::string& gtrid) const;
  /// When it was decided; nullopt: none of the decisions that are done and kept.
  [[nodiscard]] std::optional<std::chrono::system_clock::time_point> finished(
      const std::string& gtrid) const;
  /// True if there was one.
  bool done(const std::string& gtrid);
  /// One participant less to finish; the last one makes the decision done.
  void give_up(const GivenUpRecord& record);
  void evidence(const EvidenceRecord& record);
  void heuristic(HeuristicRecord record);
  /// The record of this branch, null if none.
  [[nodiscard]] const HeuristicRecord* heuristic(const std::string& gtrid,
                                                 const std::string& bqual) const;
  /// Empty resource manager: of all.
  void acknowledge(const std::string& gtrid, const std::string& resource_manager = {});

  [[nodiscard]] bool empty() const noexcept { return decisions_.empty() && heuristics_.empty(); }
  [[nodiscard]] std::vector<DecisionRecord> decisions() const;
  [[nodiscard]] std::vector<FinishedRecord> finished() const;
  [[nodiscard]] std::vector<HeuristicRecord> heuristics() const;

  /// Appends every record to a batch under construction; how many.
  [[nodiscard]] std::uint32_t write(std::string& batch) const;

 private:
  void keep(FinishedRecord record);

  std::size_t keep_finished_;
  std::unordered_map<std::string, DecisionRecord> decisions_;
  std::deque<FinishedRecord> finished_;                             // oldest first
  std::unordered_map<std::string_view, const FinishedRecord*> by_gtrid_;  // of finished_
  std::map<std::pair<std::string, std::string>, HeuristicRecord> heuristics_;  // by gtrid, bqual
};

}  // namespace xabridge::tm
