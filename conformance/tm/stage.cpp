// A forced write of the log is recorded as "log" among the calls.
#include "stage.hpp"

#include <algorithm>
#include <manager/runtime.hpp>
namespace tm_conformance {
namespace {

using xabridge::BranchState;
using xabridge::Outcome;

xabridge::tm::Environment& environment_on(xabridge::test::CrashFs& files) {
  // One for each file system of the process's life; the runtime keeps a reference.
  static std::deque<xabridge::tm::Environment> all;
  auto& real = xabridge::tm::posix_environment();
  return all.emplace_back(xabridge::tm::Environment{files, real.clock, real.entropy, "stage"});
}

std::string joined(const std::vector<std::string>& texts) {
  std::string result;
  for (const std::string& text : texts) result += (result.empty() ? "" : ", ") + text;
  return result;
}

}  // namespace

int tx_result(const Outcome& outcome, Asked asked) {
  bool committed = false;
  bool rolled_back = false;
  bool mixed = false;
  bool hazard = false;
  for (const auto& branch : outcome.branches) {
    switch (branch.state) {
      case BranchState::read_only:
        break;
      case BranchState::committed:
      case BranchState::heuristic_committed:
        committed = true;
        break;
      case BranchState::rolled_back:
      case BranchState::heuristic_rolled_back:
        rolled_back = true;
        break;
      case BranchState::heuristic_mixed:
        mixed = true;
        break;
      case BranchState::heuristic_hazard:
      case BranchState::unknown:
        hazard = true;
        break;
      case BranchState::pending:
        // It follows the decision.
        (outcome.kind == xabridge::OutcomeKind::rolled_back ? rolled_back : committed) = true;
        break;
    }
  }
  if (mixed || (committed && rolled_back)) return TX_MIXED;
  if (hazard) return TX_HAZARD;
  if (asked == Asked::commit) return rolled_back ? TX_ROLLBACK : TX_OK;
  return committed ? TX_COMMITTED : TX_OK;
}

void equal(const std::vector<std::string>& seen, const std::vector<std::string>& wanted) {
  if (seen == wanted) return;
  throw Failed{"calls: " + joined(seen) + "; must be: " + joined(wanted)};
}

void returned(int seen, int wanted, const Outcome& outcome) {
  if (seen == wanted) return;
  throw Failed{"returned " + std::to_string(seen) + " (" + outcome.to_string() + "), must be " +
               std::to_string(wanted)};
}

void check(bool holds, const std::string& what) {
  if (!holds) throw Failed{what};
}

Stage::Stage(const std::vector<std::string>& names, long switch_flags, Log how) : how_(how) {
  for (const std::string& name : names) resource_managers_.emplace_back(name, log, switch_flags);
  if (how == Log::seen) files.during_sync = [this](const std::string&) { log.add("log"); };
}

Stage::~Stage() { manager_.reset(); }

ScriptedRm& Stage::rm(const std::string& name) {
  return *std::find_if(resource_managers_.begin(), resource_managers_.end(),
                       [&](const ScriptedRm& rm) { return rm.name() == name; });
}

xabridge::Config Stage::config() {
  using namespace std::chrono_literals;
  xabridge::Config config;
  config.log_directory = "/log";
  config.log_segment_size = 64 * 1024;
  config.timeout = 60s;
  config.completion_timeout = 30ms;
  config.recovery_background = false;
  config.logging_level = xabridge::LogLevel::off;
  for (const ScriptedRm& rm : resource_managers_) config.resource_managers.push_back(rm.config());
  config.observers = {this};
  return config;
}

std::unique_ptr<xabridge::TransactionManager> Stage::open_another() {
  return xabridge::tm::ManagerAccess::open(config(), environment_on(files));
}

xabridge::TransactionManager& Stage::open() {
  if (!manager_) manager_ = open_another();
  return *manager_;
}

xabridge::Transaction Stage::begin() {
  xabridge::Transaction tx = open().begin();
  for (const ScriptedRm& rm : resource_managers_) tx.enlist(rm.name());
  log.clear();
  return tx;
}

Outcome Stage::commit() { return begin().commit(); }
Outcome Stage::rollback() { return begin().rollback(); }

std::size_t Stage::events(xabridge::EventKind kind) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count(events_.begin(), events_.end(), kind));
}

void Stage::nothing_out_of_order() const {
  for (const ScriptedRm& rm : resource_managers_) {
    for (const std::string& violation : rm.violations()) throw Failed{violation};
  }
}

void Stage::on_event(const xabridge::Event& event) noexcept {
  const bool forced =
      event.kind == xabridge::EventKind::decided || event.kind == xabridge::EventKind::heuristic;
  if (forced && how_ == Log::told) log.add("log");
  const std::lock_guard lock(mutex_);
  events_.push_back(event.kind);
}

}  // namespace tm_conformance
