// xabridge recover: one pass, for owners that are dead. A running service's transactions are its
// own.
#include <cstdio>
#include <iostream>
#include <xabridge/event.hpp>

#include "../src/core/recovery.hpp"
#include "../src/manager/runtime.hpp"
#include "command.hpp"

namespace xabridge::cli {
namespace {

std::string name_of(const tm::BranchReport& branch) {
  return branch.xid ? tm::branch_text(*branch.xid) : tm::transaction_text(branch.gtrid);
}

void print_branches(const tm::PassReport& report) {
  Columns table({"RESOURCE MANAGER", "STATE", "TRANSACTION", "WHY"});
  for (const tm::BranchReport& branch : report.branches) {
    table.add({branch.resource_manager, branch.finished ? "finished" : "left", name_of(branch),
               branch.text + (branch.error ? " (" + branch.error->to_string() + ")" : "")});
  }
  if (!table.empty()) table.print(std::cout);
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
  std::cout << count_text(report.committed, "branch", "branches") << " committed, "
            << report.rolled_back << " rolled back, " << report.waiting << " waiting, "
            << report.heuristic << " heuristic; left alone: " << report.live
            << " of running owners, " << report.foreign << " foreign, " << report.reported
            << " unexplained\n";
  if (report.waiting + report.heuristic + report.reported + report.unfinished.size() != 0) {
    exit = worse(exit, Exit::findings);
  }
  return exit;
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
    return print(report);
  } catch (const Exception& e) {
    std::cerr << "xabridge: " << e.what() << '\n';
    return e.error().xa_code == XAER_INVAL ? Exit::usage : Exit::log;
  }
}

}  // namespace xabridge::cli
