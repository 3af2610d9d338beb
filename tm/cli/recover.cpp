// xabridge recover: one pass, for owners that are dead. A running service's transactions are its
// own.
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <xabridge/event.hpp>

#include "../src/core/recovery.hpp"
#include "../src/manager/runtime.hpp"
#include "command.hpp"
#include "picture.hpp"

namespace xabridge::cli {
namespace {

std::string name_of(const tm::BranchReport& branch) {
  return branch.xid ? tm::branch_text(*branch.xid) : tm::transaction_text(branch.gtrid);
}

/// "left" is what somebody has to look at, or what a later pass finishes: it makes the exit code 1.
const char* state_of(const tm::BranchReport& branch) {
  if (branch.finished) return "finished";
  if (branch.action != tm::RecoveryAction::leave) return "left";
  return branch.whose == tm::Whose::foreign ? "not ours" : "at work";
}

void print_branches(const tm::PassReport& report) {
  Columns table({"RESOURCE MANAGER", "STATE", "TRANSACTION", "WHY"});
  for (const tm::BranchReport& branch : report.branches) {
    table.add({branch.resource_manager, state_of(branch), name_of(branch),
               branch.text + (branch.error ? " (" + branch.error->to_string() + ")" : "")});
  }
  if (!table.empty()) table.print(std::cout);
}

/// Finished because their commit had arrived before this pass: the server no longer knows them.
std::size_t committed_before(const tm::PassReport& report) {
  return static_cast<std::size_t>(
      std::count_if(report.branches.begin(), report.branches.end(), [](const auto& b) {
        return tm::is_ours(b.whose) && b.finished && !b.heuristic &&
               b.action == tm::RecoveryAction::commit && b.sight != tm::Sight::listed;
      }));
}

Exit print(const tm::PassReport& report) {
  if (report.error) {
    std::cerr << "xabridge: recovery could not begin: " << report.error->to_string() << '\n';
    return Exit::log;
  }
  Exit exit = Exit::ok;
  print_branches(report);
  for (const auto& rm : report.resource_managers) {
    if (rm.reachable && rm.late.empty()) continue;
    std::cout << rm.name << ": " << (rm.late.empty() ? "cannot be used" : "stuck: " + rm.late)
              << (rm.error ? ": " + rm.error->to_string() : std::string()) << '\n';
    exit = Exit::unreachable;
  }
  for (const auto& decision : report.unfinished) {
    std::cout << "commit decision " << tm::transaction_text(decision.gtrid) << " of "
              << time_text(decision.decided_at) << ": " << decision.text() << '\n';
  }
  std::cout << count_text(report.committed, "branch", "branches") << " committed, ";
  if (const std::size_t before = committed_before(report); before != 0)
    std::cout << before << " committed before, ";
  std::cout << report.rolled_back << " rolled back, " << report.waiting << " waiting, "
            << report.heuristic << " heuristic; left alone: " << report.live
            << " of running owners, " << report.foreign << " foreign, " << report.reported
            << " unexplained\n";
  if (report.waiting + report.heuristic + report.reported + report.unfinished.size() != 0) {
    exit = worse(exit, Exit::findings);
  }
  return exit;
}

/// Branches that are left alone for another log's: this one may be the wrong one, as `status` says.
Exit tell_of_another_log(const Config& config, const tm::PassReport& report) {
  if (report.foreign == 0) return Exit::ok;
  const std::optional<AnotherLog> another = draw(config).another_log;
  if (!another || !another->is_finding()) return Exit::ok;
  std::cout << another->advice(config.log_directory.string()) << '\n';
  return Exit::findings;
}

/// What the report of the pass does not say: of the log, for one.
class Warnings final : public Observer {
 public:
  void on_event(const Event& event) noexcept override {
    if (event.kind != EventKind::warning || !event.resource_manager.empty()) return;
    std::fprintf(stderr, "xabridge: %.*s\n", static_cast<int>(event.text.size()),
                 event.text.data());
  }
};

}  // namespace

Exit recover(const Config& given) {
  Warnings warnings;
  Config config = given;
  // The report says once what the lines of the log would say again.
  if (config.logging_level == LogLevel::warning || config.logging_level == LogLevel::error) {
    config.logging_level = LogLevel::off;
    config.observers.push_back(&warnings);
  }
  try {
    const auto runtime = std::make_shared<tm::Runtime>(config, tm::posix_environment(),
                                                       tm::Runtime::Log::must_exist);
    const tm::PassReport report = runtime->recovery->pass();
    runtime->recovery->stop();  // what is stuck goes on with nobody to tell
    const Exit exit = print(report);
    if (report.error) return exit;
    // What cannot be read was told as a warning; it may have decisions that nobody carries out.
    const auto log = tm::read_log(tm::posix_environment(), config.log_directory);
    return worse(worse(exit, log ? exit_of(*log) : Exit::log), tell_of_another_log(given, report));
  } catch (const Exception& e) {
    std::cerr << "xabridge: " << e.what() << '\n';
    return e.error().xa_code == XAER_INVAL ? Exit::usage : Exit::log;
  }
}

}  // namespace xabridge::cli
