// xabridge heuristic: what resource managers decided by themselves, until an operator has seen to
// it.
//
// A record is written by whoever holds the slot it is in. So a running process keeps its own until
// it ends; those of processes that ended are acknowledged here.
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <xabridge/codes.hpp>
#include <xabridge/xid.hpp>

#include "../src/environment.hpp"
#include "../src/log/file_register.hpp"
#include "../src/log/log_view.hpp"
#include "command.hpp"
#include "log_directory.hpp"

namespace xabridge::cli {
namespace {

using nlohmann::json;

struct Found {
  tm::HeuristicRecord record;
  bool held = false;  // by a running process
};

/// Every record, of running processes too. `exit` says what could not be read.
std::vector<Found> read_all(const std::filesystem::path& log_directory, Exit& exit) {
  std::vector<Found> all;
  const auto view = tm::read_log(tm::posix_environment(), log_directory);
  if (!view) {
    std::cerr << "xabridge: " << view.error().to_string() << '\n';
    exit = Exit::log;
    return all;
  }
  for (const tm::SlotView& slot : view->slots) {
    for (const tm::HeuristicRecord& record : slot.heuristics) all.push_back({record, slot.owned});
    if (!slot.error) continue;
    std::cerr << "xabridge: slot " << slot.slot << ": " << slot.error->to_string() << '\n';
    exit = Exit::log;
  }
  std::stable_sort(all.begin(), all.end(), [](const Found& a, const Found& b) {
    return a.record.seen_at < b.record.seen_at;
  });
  return all;
}

const char* decision_text(tm::Decision decision) {
  return decision == tm::Decision::commit ? "commit" : "rollback";
}

json to_json(const Found& found) {
  const tm::HeuristicRecord& h = found.record;
  return {{"gtrid", to_hex(h.gtrid)},
          {"resource_manager", h.resource_manager},
          {"decision", decision_text(h.decision)},
          {"code", code_name(h.code)},
          {"meaning", code_meaning(h.code)},
          {"seen_at", time_text(h.seen_at)},
          {"text", printable(h.text)},
          {"held_by_running_process", found.held}};
}

void print(const Found& found) {
  const tm::HeuristicRecord& h = found.record;
  std::cout << to_hex(h.gtrid) << " at " << h.resource_manager << '\n'
            << "  " << time_text(h.seen_at) << "  asked to " << decision_text(h.decision)
            << ", answered " << code_name(h.code) << " (" << code_meaning(h.code) << ")\n";
  if (!h.text.empty()) std::cout << "  " << printable(h.text) << '\n';
  if (found.held) {
    std::cout << "  in the log of a running process: can be acknowledged when that has ended\n";
  }
}

std::string name_of(const tm::HeuristicRecord& record) {
  return to_hex(record.gtrid) + " at " + record.resource_manager;
}

/// What is asked for and cannot be done, and why. True: there is some.
bool tell_left(const std::filesystem::path& log_directory, const std::string& gtrid,
               const std::string& resource_manager) {
  Exit ignored = Exit::ok;
  bool left = false;
  for (const Found& found : read_all(log_directory, ignored)) {
    const bool meant =
        (gtrid.empty() || found.record.gtrid == gtrid) &&
        (resource_manager.empty() || found.record.resource_manager == resource_manager);
    if (!meant || !found.held) continue;
    std::cout << "left: " << name_of(found.record)
              << ": in the log of a running process; acknowledge it when that has ended\n";
    left = true;
  }
  return left;
}

Exit wrong(const std::string& text) {
  std::cerr << "xabridge: " << text << '\n';
  return Exit::usage;
}

Exit acknowledge_in(tm::FileRegister& log, const AcknowledgeOptions& options,
                    const std::string& gtrid) {
  const std::string who = this_user() + (options.why.empty() ? std::string() : ": " + options.why);
  std::size_t done = 0;
  for (const tm::HeuristicRecord& record : log.heuristics()) {
    if (!gtrid.empty() && record.gtrid != gtrid) continue;
    if (!options.resource_manager.empty() && record.resource_manager != options.resource_manager) {
      continue;
    }
    if (auto result = log.acknowledge(record.gtrid, record.resource_manager, who); !result) {
      std::cerr << "xabridge: " << name_of(record) << ": " << result.error().to_string() << '\n';
      return Exit::log;
    }
    std::cout << "acknowledged: " << name_of(record) << ", " << code_name(record.code) << '\n';
    ++done;
  }
  return done == 0 ? Exit::findings : Exit::ok;
}

}  // namespace

Exit list_heuristics(const std::filesystem::path& log_directory, bool as_json) {
  Exit exit = Exit::ok;
  const std::vector<Found> all = read_all(log_directory, exit);
  if (as_json) {
    json array = json::array();
    for (const Found& found : all) array.push_back(to_json(found));
    std::cout << array.dump(2) << '\n';
  } else {
    for (const Found& found : all) print(found);
    if (exit == Exit::ok) {
      std::cout << count_text(all.size(), "heuristic outcome", "heuristic outcomes")
                << " to look at\n";
    }
  }
  return worse(exit, all.empty() ? Exit::ok : Exit::findings);
}

Exit acknowledge(const Config& config, const AcknowledgeOptions& options) {
  if (options.all != options.gtrid.empty()) {
    return wrong("name a gtrid as `xabridge heuristic list` shows it, or give --all --yes");
  }
  if (options.all && !options.yes) {
    return wrong(
        "--all forgets every record: look at each with `xabridge heuristic list`, then "
        "give --yes");
  }
  const auto gtrid = from_hex(options.gtrid);
  if (!gtrid) return wrong("'" + options.gtrid + "' is no gtrid: those are hexadecimal");

  tm::FileRegister::Options log_options;
  log_options.directory = config.log_directory;
  log_options.segment_size = config.log_segment_size;
  log_options.report = [](const std::string& text) { std::cerr << "xabridge: " << text << '\n'; };
  auto log = tm::FileRegister::open(tm::posix_environment(), log_options);
  if (!log) {
    std::cerr << "xabridge: " << log.error().to_string() << '\n';
    return Exit::log;
  }
  if (auto begun = (*log)->begin_pass(); !begun) {
    std::cerr << "xabridge: " << begun.error().to_string() << '\n';
    return Exit::log;
  }
  Exit exit = acknowledge_in(**log, options, *gtrid);
  (*log)->end_pass();
  log->reset();
  if (tell_left(config.log_directory, *gtrid, options.resource_manager)) {
    exit = worse(exit, Exit::findings);
  } else if (exit == Exit::findings) {
    std::cout << "nothing to acknowledge: no such record\n";
  }
  return exit;
}

}  // namespace xabridge::cli
