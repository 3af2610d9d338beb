// Replay of records, and the way back.

#include "live_records.hpp"

#include <type_traits>

namespace xabridge::tm {

void LiveRecords::apply(Record record) {
  std::visit(
      [this](auto&& value) {
        using R = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<R, DecisionRecord>) {
          // Write-once: were there ever two, the first stands.
          std::string gtrid = value.gtrid;
          decisions_.try_emplace(std::move(gtrid), std::move(value));
        } else if constexpr (std::is_same_v<R, DoneRecord>) {
          done(
              value
                  .gtrid);  // unknown where a carry-over was written between the two: nothing to do
        } else if constexpr (std::is_same_v<R, HeuristicRecord>) {
          heuristic(std::move(value));
        } else if constexpr (std::is_same_v<R, AcknowledgedRecord>) {
          acknowledge(value.gtrid);
        }
      },
      std::move(record));
}

const DecisionRecord* LiveRecords::decision(const std::string& gtrid) const {
  const auto found = decisions_.find(gtrid);
  return found == decisions_.end() ? nullptr : &found->second;
}

bool LiveRecords::done(const std::string& gtrid) { return decisions_.erase(gtrid) != 0; }

void LiveRecords::heuristic(HeuristicRecord record) {
  auto key = std::pair(record.gtrid, record.bqual);
  heuristics_.insert_or_assign(std::move(key), std::move(record));
}

const HeuristicRecord* LiveRecords::heuristic(const std::string& gtrid,
                                              const std::string& bqual) const {
  const auto found = heuristics_.find(std::pair(gtrid, bqual));
  return found == heuristics_.end() ? nullptr : &found->second;
}

void LiveRecords::acknowledge(const std::string& gtrid, const std::string& resource_manager) {
  auto it = heuristics_.lower_bound(std::pair(gtrid, std::string()));
  while (it != heuristics_.end() && it->first.first == gtrid) {
    const bool one = resource_manager.empty() || it->second.resource_manager == resource_manager;
    it = one ? heuristics_.erase(it) : std::next(it);
  }
}

std::vector<DecisionRecord> LiveRecords::decisions() const {
  std::vector<DecisionRecord> out;
  out.reserve(decisions_.size());
  for (const auto& [gtrid, record] : decisions_) out.push_back(record);
  return out;
}

std::vector<HeuristicRecord> LiveRecords::heuristics() const {
  std::vector<HeuristicRecord> out;
  for (const auto& [key, record] : heuristics_) out.push_back(record);
  return out;
}

std::uint32_t LiveRecords::write(std::string& batch) const {
  std::uint32_t count = 0;
  // These were read from or accepted by append_record() before: they fit.
  for (const auto& [gtrid, record] : decisions_) count += append_record(batch, record) ? 1U : 0U;
  for (const auto& [key, record] : heuristics_) count += append_record(batch, record) ? 1U : 0U;
  return count;
}

}  // namespace xabridge::tm
