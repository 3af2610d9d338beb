// SIGKILL at a chosen event; see the header.
#include "kill_at.hpp"

#include <csignal>
#include <stdexcept>
#include <string_view>

namespace examples {
namespace {

std::vector<xabridge::EventKind> all_events() {
  std::vector<xabridge::EventKind> all;
  for (int i = 0; i <= static_cast<int>(xabridge::EventKind::warning); ++i) {
    all.push_back(static_cast<xabridge::EventKind>(i));
  }
  return all;
}

xabridge::EventKind event_named(std::string_view name,
                                const std::vector<xabridge::EventKind>& events) {
  std::string known;
  for (const auto kind : events) {
    if (to_string(kind) == name) return kind;
    known.append(" ").append(to_string(kind));
  }
  throw std::invalid_argument("no event '" + std::string(name) + "' here; there are:" + known);
}

long count_in(const std::string& step) {
  const std::size_t colon = step.find(':');
  if (colon == std::string::npos) return 1;
  const std::string text = step.substr(colon + 1);
  if (text.empty() || text.size() > 9 ||
      text.find_first_not_of("0123456789") != std::string::npos || std::stol(text) == 0) {
    throw std::invalid_argument("'" + step + "': after the colon a number from 1 is expected");
  }
  return std::stol(text);
}

}  // namespace

KillAt::KillAt(const std::string& step) : KillAt(step, all_events()) {}

KillAt::KillAt(const std::string& step, const std::vector<xabridge::EventKind>& events)
    : kind_(event_named(step.substr(0, step.find(':')), events)), remaining_(count_in(step)) {}

void KillAt::on_event(const xabridge::Event& event) noexcept {
  if (event.kind == kind_ && --remaining_ == 0) std::raise(SIGKILL);
}

}  // namespace examples
