// Outcomes, events, verbs and times as text: the words an operator reads in logs, on the terminal
// and in errors.
#include <ctime>
#include <string>
#include <string_view>
#include <xabridge/codes.hpp>
#include <xabridge/event.hpp>
#include <xabridge/outcome.hpp>

#include "../ports.hpp"
#include "recovery_table.hpp"

namespace xabridge {
namespace {

template <class Enum, std::size_t size>
std::string_view name_of(const std::string_view (&names)[size], Enum value) noexcept {
  const auto index = static_cast<std::size_t>(value);
  return index < size ? names[index] : std::string_view("?");
}

constexpr std::string_view kOutcomes[] = {"committed", "committed, completion pending",
                                          "rolled back", "heuristic", "unknown"};
static_assert(std::size(kOutcomes) == static_cast<std::size_t>(OutcomeKind::unknown) + 1);

constexpr std::string_view kBranchStates[] = {
    "read-only",
    "committed",
    "rolled back",
    "pending",
    "heuristically committed",
    "heuristically rolled back",
    "heuristically mixed",
    "heuristic hazard",
    "unknown",
};
static_assert(std::size(kBranchStates) == static_cast<std::size_t>(BranchState::unknown) + 1);

constexpr std::string_view kEvents[] = {
    "begun",
    "enlisted",
    "before_end",
    "before_prepare",
    "prepared",
    "read_only",
    "refused",
    "before_decide",
    "decided",
    "before_commit",
    "committed",
    "before_rollback",
    "rolled_back",
    "pending",
    "before_done",
    "done",
    "retried",
    "timed_out",
    "heuristic",
    "recovery_started",
    "recovered_commit",
    "recovered_rollback",
    "recovery_waits",
    "recovery_finished",
    "foreign",
    "warning",
};
static_assert(std::size(kEvents) == static_cast<std::size_t>(EventKind::warning) + 1);

/// "ledger, stock": the resource managers whose branches are in one of the states.
template <class Predicate>
std::string names(const Outcome& outcome, Predicate predicate) {
  std::string result;
  for (const BranchOutcome& branch : outcome.branches) {
    if (!predicate(branch.state)) continue;
    if (!result.empty()) result += ", ";
    result += branch.resource_manager;
  }
  return result;
}

/// "accounts committed, ledger heuristically rolled back"
std::string states(const Outcome& outcome) {
  std::string result;
  for (const BranchOutcome& branch : outcome.branches) {
    if (!result.empty()) result += ", ";
    result += branch.resource_manager + " " + std::string(to_string(branch.state));
  }
  return result;
}

}  // namespace

std::string_view to_string(OutcomeKind kind) noexcept { return name_of(kOutcomes, kind); }
std::string_view to_string(BranchState state) noexcept { return name_of(kBranchStates, state); }
std::string_view to_string(EventKind kind) noexcept { return name_of(kEvents, kind); }

std::string Outcome::to_string() const {
  std::string result(xabridge::to_string(kind));
  if (kind == OutcomeKind::committed_pending) {
    result += " at " + names(*this, [](BranchState s) { return s == BranchState::pending; });
  }
  if (kind == OutcomeKind::heuristic || kind == OutcomeKind::unknown) {
    result += " (" + states(*this) + ")";
  }
  if (!reason.empty()) result += ": " + reason;
  return result;
}

}  // namespace xabridge

namespace xabridge::tm {
namespace {

constexpr std::string_view kVerbs[] = {
    "xa_end",      "xa_end(TMFAIL)", "xa_prepare", "xa_commit", "xa_commit(TMONEPHASE)",
    "xa_rollback", "xa_forget",      "xa_recover"};
static_assert(std::size(kVerbs) == static_cast<std::size_t>(Verb::confirm) + 1);

constexpr std::string_view kWhose[] = {"in flight", "self",     "live",   "dead",
                                       "vanished",  "stranger", "foreign"};
static_assert(std::size(kWhose) == kWhoseCount);

constexpr std::string_view kActions[] = {"commit", "rollback", "wait", "leave", "report", "done"};
static_assert(std::size(kActions) == static_cast<std::size_t>(RecoveryAction::done) + 1);

}  // namespace

std::string time_text(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%SZ", &parts)};
}

std::string_view to_string(Verb verb) noexcept { return name_of(kVerbs, verb); }
std::string_view to_string(Whose whose) noexcept { return name_of(kWhose, whose); }
std::string_view to_string(RecoveryAction action) noexcept { return name_of(kActions, action); }

}  // namespace xabridge::tm
