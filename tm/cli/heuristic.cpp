// xabridge heuristic: what resource managers decided by themselves, until an operator has seen to
// it. Who writes that down: see operators_word.hpp.
#include <algorithm>
#include <iostream>
#include <optional>
#include <sstream>
#include <xabridge/codes.hpp>
#include <xabridge/xid.hpp>

#include "../src/environment.hpp"
#include "../src/register/file/acknowledgements.hpp"
#include "../src/register/file/log_view.hpp"
#include "command.hpp"
#include "json.hpp"
#include "log_directory.hpp"
#include "operators_word.hpp"

namespace xabridge::cli {
namespace {

using json = Json;

struct Found {
  tm::HeuristicRecord record;
  bool held = false;  // by a running process
  std::filesystem::path slot{};
};

/// Every record, of running processes too. `exit` says what could not be read.
std::vector<Found> read_all(const std::filesystem::path& log_directory, Exit& exit,
                            std::ostream& errors = std::cerr) {
  std::vector<Found> all;
  const auto view = tm::read_log(tm::posix_environment(), log_directory);
  if (!view) {
    errors << "xabridge: " << view.error().to_string() << '\n';
    exit = Exit::log;
    return all;
  }
  for (const tm::SlotView& slot : view->slots) {
    for (const tm::HeuristicRecord& record : slot.heuristics) {
      all.push_back({record, slot.owned, slot.directory});
    }
    if (!slot.error) continue;
    errors << "xabridge: slot " << slot.slot << ": " << slot.error->to_string() << '\n';
    exit = Exit::log;
  }
  std::stable_sort(all.begin(), all.end(), [](const Found& a, const Found& b) {
    return a.record.seen_at < b.record.seen_at;
  });
  return all;
}

std::string name_of(const tm::HeuristicRecord& record) {
  return tm::transaction_text(record.gtrid) + " at " + record.resource_manager;
}

const char* decision_text(tm::Decision decision) {
  return decision == tm::Decision::commit ? "commit" : "rollback";
}

json to_json(const Found& found) {
  const tm::HeuristicRecord& h = found.record;
  return {{"transaction", tm::transaction_text(h.gtrid)},
          {"gtrid", to_hex(h.gtrid)},
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
  std::cout << name_of(h) << '\n'
            << "  " << time_text(h.seen_at) << "  asked to " << decision_text(h.decision)
            << ", answered " << code_name(h.code) << " (" << code_meaning(h.code) << ")\n";
  if (!h.text.empty()) std::cout << "  " << printable(h.text) << '\n';
  if (found.held) {
    std::cout << "  in the log of a running process\n";
  }
}

/// `transaction`: as it is shown, or all of its gtrid in hexadecimal; empty: every one.
bool meant(const tm::HeuristicRecord& record, const std::string& transaction,
           const std::string& resource_manager) {
  return (transaction.empty() || tm::transaction_text(record.gtrid) == transaction ||
          from_hex(transaction) == record.gtrid) &&
         (resource_manager.empty() || record.resource_manager == resource_manager);
}

/// The meant ones a running process still has. What cannot be read was told before.
std::vector<Found> held_ones(const Config& config, const std::string& transaction,
                             const std::string& resource_manager) {
  std::ostringstream told;
  Exit ignored = Exit::ok;
  std::vector<Found> found = read_all(config.log_directory, ignored, told);
  std::erase_if(found, [&](const Found& one) {
    return !one.held || !meant(one.record, transaction, resource_manager);
  });
  return found;
}

Exit wrong(const std::string& text) {
  std::cerr << "xabridge: " << text << '\n';
  return Exit::usage;
}

std::string who(const AcknowledgeOptions& options) {
  return this_user() + (options.why.empty() ? std::string() : ": " + options.why);
}

void tell_done(const tm::HeuristicRecord& record) {
  std::cout << "acknowledged: " << name_of(record) << ", " << code_name(record.code) << '\n';
}

Exit acknowledge_in(tm::FileRegister& log, const AcknowledgeOptions& options,
                    const std::string& transaction) {
  std::size_t done = 0;
  for (const tm::HeuristicRecord& record : log.heuristics()) {
    if (!meant(record, transaction, options.resource_manager)) continue;
    if (auto result = log.acknowledge(record.gtrid, record.resource_manager, who(options));
        !result) {
      std::cerr << "xabridge: " << name_of(record) << ": " << result.error().to_string() << '\n';
      return Exit::log;
    }
    tell_done(record);
    ++done;
  }
  return done == 0 ? Exit::findings : Exit::ok;
}

/// Those in the slots that are free, or whose owners died.
Exit acknowledge_here(const Config& config, const AcknowledgeOptions& options,
                      const std::string& transaction) {
  auto log = open_log(config);
  if (!log) {
    std::cerr << "xabridge: " << log.error().to_string() << '\n';
    return Exit::log;
  }
  if (auto begun = (*log)->begin_pass(); !begun) {
    std::cerr << "xabridge: " << begun.error().to_string() << '\n';
    return Exit::log;
  }
  const Exit exit = acknowledge_in(**log, options, transaction);
  (*log)->end_pass();
  return exit;
}

bool holds(const std::vector<Found>& all, const Found& one) {
  return std::any_of(all.begin(), all.end(), [&](const Found& other) {
    return other.record.gtrid == one.record.gtrid &&
           other.record.resource_manager == one.record.resource_manager;
  });
}

/// Those of `asked` that are on record, whoever holds them by now; all, when that cannot be read.
std::vector<Found> still_there(const Config& config, const std::vector<Found>& asked) {
  std::ostringstream told;
  Exit exit = Exit::ok;
  const std::vector<Found> all = read_all(config.log_directory, exit, told);
  if (exit != Exit::ok) return asked;
  std::vector<Found> left = asked;
  std::erase_if(left, [&](const Found& one) { return !holds(all, one); });
  return left;
}

/// Leaves word at the slots of running processes, and waits for them to take it. nullopt: they have
/// none of those.
std::optional<Exit> acknowledge_there(const Config& config, const AcknowledgeOptions& options,
                                      const std::string& transaction) {
  const std::vector<Found> asked = held_ones(config, transaction, options.resource_manager);
  if (asked.empty()) return std::nullopt;
  for (const Found& found : asked) {
    const auto left = tm::leave_acknowledgement(
        tm::posix_environment().files, found.slot,
        {found.record.gtrid, found.record.resource_manager, who(options)});
    if (left) continue;
    std::cerr << "xabridge: " << name_of(found.record) << ": " << left.error().to_string() << '\n';
    return Exit::log;
  }
  std::vector<Found> waiting;
  wait_until_taken(config, [&] {
    waiting = still_there(config, asked);
    return waiting.empty();
  });
  for (const Found& found : asked) {
    if (!holds(waiting, found)) tell_done(found.record);
  }
  for (const Found& found : waiting) tell_left(name_of(found.record));
  return waiting.empty() ? Exit::ok : Exit::findings;
}

std::string nothing_to_acknowledge(const Config& config, const AcknowledgeOptions& options) {
  std::string text = "nothing to acknowledge: no heuristic outcome";
  if (!options.transaction.empty()) text += " of " + options.transaction;
  if (!options.resource_manager.empty()) text += " at " + options.resource_manager;
  return text + " is on record" + not_configured(config, options.resource_manager) +
         "; `xabridge heuristic list` shows which are";
}

}  // namespace

Exit list_heuristics(const std::filesystem::path& log_directory, bool as_json) {
  Exit exit = Exit::ok;
  const std::vector<Found> all = read_all(log_directory, exit);
  if (as_json) {
    json array = json::array();
    for (const Found& found : all) array.push_back(to_json(found));
    std::cout << array.dump() << '\n';
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
  const std::string& transaction = options.transaction;
  if (options.all != transaction.empty()) {
    return wrong("name a transaction as `xabridge heuristic list` shows it, or give --all --yes");
  }
  if (options.all && !options.yes) {
    return wrong(
        "--all forgets every record: look at each with `xabridge heuristic list`, then "
        "give --yes");
  }
  if (!tm::TransactionName::parse(transaction) && !from_hex(transaction)) {
    return wrong("'" + transaction +
                 "' names no transaction: give what `xabridge heuristic list` shows, such as "
                 "9c41f20be6d8735a-17, or the whole gtrid in hexadecimal");
  }

  const Exit here = acknowledge_here(config, options, transaction);
  if (here == Exit::log) return here;
  if (const auto there = acknowledge_there(config, options, transaction)) return *there;
  if (here == Exit::findings) std::cout << nothing_to_acknowledge(config, options) << '\n';
  // A slot that cannot be read may have the record.
  Exit readable = Exit::ok;
  if (here == Exit::findings) (void)read_all(config.log_directory, readable);
  return worse(here, readable);
}

}  // namespace xabridge::cli
