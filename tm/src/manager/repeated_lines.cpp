// When a line is written again: after a minute, two, four, and at last once an hour.
#include "repeated_lines.hpp"

#include <algorithm>

namespace xabridge::tm {
namespace {

constexpr std::chrono::seconds kFirstPause = std::chrono::minutes(1);
constexpr std::chrono::seconds kLongestPause = std::chrono::hours(1);
// Lines of transactions differ by the transaction: most of them never come again.
constexpr std::size_t kMostLines = 10'000;

}  // namespace

std::optional<std::string> RepeatedLines::say(const std::string& line, Time now) {
  const std::lock_guard lock(mutex_);
  const auto found = said_.find(line);
  if (found == said_.end()) {
    if (said_.size() >= kMostLines) forget_old(now);
    if (said_.size() < kMostLines) said_.emplace(line, Said{now, kFirstPause, 0});
    return line;
  }
  Said& said = found->second;
  if (now - said.last > 2 * kLongestPause) {  // what was quiet for so long is news
    said = {now, kFirstPause, 0};
    return line;
  }
  if (now - said.last < said.pause) {
    ++said.left_out;
    return std::nullopt;
  }
  std::string again = line;
  if (said.left_out != 0)
    again += " (left out " + std::to_string(said.left_out) + " times since it was last said)";
  said = {now, std::min(said.pause * 2, kLongestPause), 0};
  return again;
}

/// Where there is no room left, lines are written each time: too many are better than one too few.
void RepeatedLines::forget_old(Time now) {
  std::erase_if(said_,
                [&](const auto& entry) { return now - entry.second.last >= entry.second.pause; });
}

}  // namespace xabridge::tm
