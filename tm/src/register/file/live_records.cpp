// Replay of records, and the way back.

#include "live_records.hpp"

#include <algorithm>
#include <type_traits>

namespace xabridge::tm {

void LiveRecords::apply(Record record) {
  std::visit(
      [this](auto&& value) {
        using R = std::decay_t<decltype(value)>;
        if constexpr (std::is_base_of_v<DecisionRecord, R>) {
          // Write-once: were there ever two, the first stands.
          std::string gtrid = value.gtrid;
          decisions_.try_emplace(std::move(gtrid), std::move(value));
        } else if constexpr (std::is_same_v<R, FinishedRecord>) {
          keep(std::move(value));
        } else if constexpr (std::is_same_v<R, GivenUpRecord>) {
          give_up(value);
        } else if constexpr (std::is_same_v<R, EvidenceRecord>) {
          evidence(value);
        } else if constexpr (std::is_same_v<R, DoneRecord>) {
          // Unknown where a carry-over was written between the two: nothing to do.
          done(value.gtrid);
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

std::optional<std::chrono::system_clock::time_point> LiveRecords::finished(
    const std::string& gtrid) const {
  const auto found = by_gtrid_.find(gtrid);
  if (found == by_gtrid_.end()) return {};
  return found->second->decided_at;
}

bool LiveRecords::done(const std::string& gtrid) {
  auto decision = decisions_.extract(gtrid);
  if (!decision) return false;
  keep({decision.mapped().decided_at, std::move(decision.key())});
  return true;
}

void LiveRecords::keep(FinishedRecord record) {
  if (keep_finished_ == 0 || by_gtrid_.contains(record.gtrid)) return;
  if (finished_.size() >= keep_finished_) {
    by_gtrid_.erase(finished_.front().gtrid);
    finished_.pop_front();
  }
  const FinishedRecord& kept = finished_.emplace_back(std::move(record));  // stays where it is
  by_gtrid_.emplace(kept.gtrid, &kept);
}

void LiveRecords::give_up(const GivenUpRecord& record) {
  const auto found = decisions_.find(record.gtrid);
  if (found == decisions_.end()) return;
  auto& participants = found->second.participants;
  std::erase_if(participants, [&](const Participant& one) {
    return one.resource_manager == record.resource_manager && one.bqual == record.bqual;
  });
  if (participants.empty()) (void)done(record.gtrid);
}

void LiveRecords::evidence(const EvidenceRecord& record) {
  const auto found = decisions_.find(record.gtrid);
  if (found == decisions_.end()) return;
  for (Participant& one : found->second.participants) {
    if (one.resource_manager == record.resource_manager && one.bqual == record.bqual)
      one.server = record.server;
  }
}

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

std::vector<FinishedRecord> LiveRecords::finished() const {
  return {finished_.begin(), finished_.end()};
}

std::uint32_t LiveRecords::write(std::string& batch) const {
  std::uint32_t count = 0;
  // These were read from or accepted by append_record() before: they fit.
  for (const auto& [gtrid, record] : decisions_) count += append_record(batch, record) ? 1U : 0U;
  for (const auto& [key, record] : heuristics_) count += append_record(batch, record) ? 1U : 0U;
  for (const FinishedRecord& record : finished_) count += append_record(batch, record) ? 1U : 0U;
  return count;
}

}  // namespace xabridge::tm
