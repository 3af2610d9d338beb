// xabridge heuristic forget-server: an operator's word that a server is gone for good. The branches
// that decisions still wait for there become heuristic outcomes on record, and the decisions go on
// without them.
//
// A server that answers is not gone: without --server its branches are left alone, so that a new
// server at the old one's address may work meanwhile. Named by --server it may have lost them, as a
// restored backup does.
//
// Who writes that down: see operators_word.hpp.
#include <algorithm>
#include <iostream>
#include <map>
#include <xabridge/xid.hpp>

#include "../src/environment.hpp"
#include "../src/register/file/acknowledgements.hpp"
#include "../src/register/file/log_view.hpp"
#include "ask_all.hpp"
#include "command.hpp"
#include "log_directory.hpp"
#include "operators_word.hpp"

namespace xabridge::cli {
namespace {

/// A participant that is meant.
struct Waiting {
  std::string gtrid;  // bytes
  std::string resource_manager;
  std::string server;
  bool held = false;   // by a running process
  bool young = false;  // ... that is likely at work on it
  std::filesystem::path slot;
};

std::string name_of(const Waiting& one) {
  return tm::transaction_text(one.gtrid) + " at " + one.resource_manager +
         (one.server.empty() ? std::string() : ", prepared at " + printable(one.server));
}

bool meant(const tm::Participant& participant, const ForgetServerOptions& options) {
  const bool here =
      options.resource_manager.empty() || participant.resource_manager == options.resource_manager;
  return here && (options.server.empty() || tm::same_server(participant.server, options.server));
}

/// What each resource manager's server holds, and which it is; those that do not answer are not
/// there.
std::map<std::string, tm::Listing> what_is_held(const Config& config) {
  std::map<std::string, tm::Listing> held;
  const std::vector<Looked> looked = load_resource_managers(config);
  auto answers =
      ask_all<tm::Listing>(looked, config.recovery_call_timeout, "list in-doubt branches",
                           [](tm::ResourceManager& rm) { return tm::look(rm); });
  for (std::size_t i = 0; i < looked.size(); ++i) {
    if (answers[i]) held[looked[i].name] = *std::move(answers[i]);
  }
  return held;
}

/// Listed, or shown and out of reach, by any of them: the branch is not lost.
bool is_held(const std::map<std::string, tm::Listing>& held, const Waiting& one) {
  const auto its = [&](const Xid& xid) {
    return xid.gtrid() == one.gtrid && tm::bqual_name(xid.bqual()) == one.resource_manager;
  };
  return std::any_of(held.begin(), held.end(), [&](const auto& entry) {
    const tm::Listing& listing = entry.second;
    return std::any_of(listing.xids.begin(), listing.xids.end(), its) ||
           std::any_of(listing.out_of_reach.begin(), listing.out_of_reach.end(),
                       [&](const tm::OutOfReach& branch) { return its(branch.xid); });
  });
}

Result<std::vector<Waiting>> waiting(const Config& config, const ForgetServerOptions& options) {
  const auto view = tm::read_log(tm::posix_environment(), config.log_directory);
  if (!view) return view.error();
  const auto now = tm::posix_environment().clock.wall();
  std::vector<Waiting> all;
  for (const tm::SlotView& slot : view->slots) {
    if (slot.error) return *slot.error;
    for (const tm::DecisionRecord& decision : slot.unfinished) {
      const bool young = slot.owned && decision.decided_at + config.completion_timeout > now;
      for (const tm::Participant& one : decision.participants) {
        if (!meant(one, options)) continue;
        all.push_back(
            {decision.gtrid, one.resource_manager, one.server, slot.owned, young, slot.directory});
      }
    }
  }
  return all;
}

Exit failed(const Error& error) {
  std::cerr << "xabridge: " << error.to_string() << '\n';
  return Exit::log;
}

std::string who(const ForgetServerOptions& options) { return this_user() + ": " + options.reason; }

/// In the slots that are free, or whose owners died.
Exit give_up_here(const Config& config, const ForgetServerOptions& options,
                  std::vector<Waiting>& asked) {
  auto log = open_log(config);
  if (!log) return failed(log.error());
  if (auto begun = (*log)->begin_pass(); !begun) return failed(begun.error());
  for (Waiting& one : asked) {
    if (one.held) continue;
    auto done = (*log)->give_up(one.gtrid, one.resource_manager, one.server, who(options));
    if (!done) return failed(done.error());
    one.held = *done == 0;  // taken over by a running process meanwhile
  }
  (*log)->end_pass();
  return Exit::ok;
}

/// Leaves word at the slots of running processes.
Exit give_up_there(const ForgetServerOptions& options, const std::vector<Waiting>& asked) {
  for (const Waiting& one : asked) {
    if (!one.held) continue;
    const auto left = tm::leave_acknowledgement(
        tm::posix_environment().files, one.slot,
        {one.gtrid, one.resource_manager, who(options), true, one.server});
    if (!left) return failed(left.error());
  }
  return Exit::ok;
}

bool among(const std::vector<Waiting>& all, const Waiting& one) {
  return std::any_of(all.begin(), all.end(), [&](const Waiting& other) {
    return other.gtrid == one.gtrid && other.resource_manager == one.resource_manager &&
           other.server == one.server;
  });
}

/// Takes those out of which recovery has made an end since they were read, and says so.
Result<void> leave_those_finished(const Config& config, const ForgetServerOptions& options,
                                  std::vector<Waiting>& asked) {
  const auto now = waiting(config, options);
  if (!now) return now.error();
  std::erase_if(asked, [&](const Waiting& one) {
    const bool over = one.held && !among(*now, one);
    if (over) std::cout << "not forgotten: " << name_of(one) << ": it was finished meanwhile\n";
    return over;
  });
  return {};
}

/// Waits until running processes have taken what was left; what they have not taken in time.
Result<std::vector<Waiting>> not_taken(const Config& config, const ForgetServerOptions& options,
                                       const std::vector<Waiting>& asked) {
  Result<std::vector<Waiting>> left = std::vector<Waiting>();
  wait_until_taken(config, [&] {
    left = waiting(config, options);
    if (left) std::erase_if(*left, [&](const Waiting& one) { return !among(asked, one); });
    return !left || left->empty();
  });
  return left;
}

/// Takes those out that their process is at work on, and says so.
void leave_those_at_work(std::vector<Waiting>& asked) {
  std::erase_if(asked, [](const Waiting& one) {
    if (one.young)
      std::cout << "not forgotten: " << name_of(one)
                << ": a running process decided it a moment ago and is completing it; try again "
                   "after its completion_timeout\n";
    return one.young;
  });
}

/// Takes those out that a server still holds, and says so.
void leave_those_that_are_held(const std::map<std::string, tm::Listing>& held,
                               std::vector<Waiting>& asked) {
  std::erase_if(asked, [&](const Waiting& one) {
    const bool there = is_held(held, one);
    if (there)
      std::cout << "not forgotten: " << name_of(one)
                << ": a server still holds the branch; `xabridge status` shows where, and what "
                   "keeps it from being completed\n";
    return there;
  });
}

/// Takes those out whose server answers, and says so.
void leave_those_that_answer(const std::map<std::string, tm::Listing>& held,
                             std::vector<Waiting>& asked) {
  std::erase_if(asked, [&](const Waiting& one) {
    const auto found = held.find(one.resource_manager);
    const bool there = found != held.end() && !one.server.empty() &&
                       tm::same_server(found->second.server, one.server);
    if (there)
      std::cout << "not forgotten: " << name_of(one)
                << ": that server answers, `xabridge recover` asks it. If it has lost the branch, "
                   "name it with --server\n";
    return there;
  });
}

Exit nothing_to_forget(const Config& config, const ForgetServerOptions& options) {
  std::cout << "nothing to forget: no unfinished decision waits for a lost server";
  if (!options.resource_manager.empty()) std::cout << " of " << options.resource_manager;
  if (!options.server.empty()) std::cout << ", " << options.server;
  std::cout << not_configured(config, options.resource_manager)
            << "; `xabridge status` shows which do\n";
  return Exit::findings;
}

}  // namespace

Exit forget_server(const Config& config, const ForgetServerOptions& options) {
  if (options.resource_manager.empty() && options.server.empty()) {
    std::cerr << "xabridge: name the resource manager whose server is gone, or the server with "
                 "--server as `xabridge status` shows it\n";
    return Exit::usage;
  }
  if (options.reason.find_first_not_of(" \t\n") == std::string::npos) {
    std::cerr << "xabridge: --reason is empty: say what happened to the server, it goes on "
                 "record\n";
    return Exit::usage;
  }
  auto asked = waiting(config, options);
  if (!asked) return failed(asked.error());
  if (asked->empty()) return nothing_to_forget(config, options);
  if (options.server.empty()) {
    const std::map<std::string, tm::Listing> held = what_is_held(config);
    leave_those_that_are_held(held, *asked);
    leave_those_that_answer(held, *asked);
  }
  leave_those_at_work(*asked);
  if (asked->empty()) return Exit::findings;  // each was said
  if (const Exit exit = give_up_here(config, options, *asked); exit != Exit::ok) return exit;
  if (auto read = leave_those_finished(config, options, *asked); !read) return failed(read.error());
  if (asked->empty()) return Exit::findings;
  if (const Exit exit = give_up_there(options, *asked); exit != Exit::ok) return exit;
  const auto left = not_taken(config, options, *asked);
  if (!left) return failed(left.error());
  for (const Waiting& one : *asked) {
    if (among(*left, one))
      tell_left(name_of(one));
    else
      std::cout << "forgotten: " << name_of(one) << '\n';
  }
  std::cout << "compare what these transactions should have changed, then `xabridge heuristic "
               "acknowledge`\n";
  return left->empty() ? Exit::ok : Exit::findings;
}

}  // namespace xabridge::cli
