// xabridge status: which transactions are in doubt, since when, and what is going to happen to
// them.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <system_error>
#include <xabridge/codes.hpp>

#include "command.hpp"
#include "json.hpp"
#include "picture.hpp"

namespace xabridge::cli {
namespace {

using json = Json;

std::string age_of(const PicturedBranch& b) {
  return (b.age_is_limit ? "< " : "") + age_text(b.age_seconds);
}

void print_branches(const PicturedResourceManager& rm) {
  Columns table({"TRANSACTION", "OWNER", "DECISION", "AGE", "BEGUN ON", "ROLE"});
  for (const PicturedBranch& b : rm.branches) {
    constexpr std::size_t kWidth = 40;
    std::string name = b.gtrid.empty() ? printable(b.listed.name) : b.transaction;
    if (name.size() > kWidth) name = name.substr(0, kWidth - 3) + "...";
    table.add({name, to_string(b.owner), to_string(b.decision), age_of(b),
               b.host.empty() ? "-" : printable(b.host),
               b.listed.owner.empty() ? "-" : printable(b.listed.owner)});
  }
  std::cout << rm.name << ": " << count_text(rm.branches.size(), "branch", "branches")
            << " in doubt\n";
  if (!table.empty()) table.print(std::cout, "  ");
  for (const PicturedBranch& b : rm.branches) {
    if (!b.obstacle.empty()) {
      std::cout << "  " << b.transaction << " is out of reach: " << printable(b.obstacle) << '\n';
    }
  }
}

void print_log(const Config& config, const Picture& picture) {
  std::cout << "log " << config.log_directory.string() << ": ";
  if (picture.log_error) {
    std::cout << "cannot be read: " << picture.log_error->to_string() << '\n';
    return;
  }
  if (!picture.log) {
    std::error_code ignored;
    std::cout << (std::filesystem::exists(config.log_directory, ignored) ? "has no decision log"
                                                                          : "does not exist yet")
              << "; no decision is known here\n";
    return;
  }
  std::size_t owned = 0;
  for (const auto& slot : picture.log->slots) owned += slot.owned ? 1 : 0;
  std::cout << count_text(picture.log->slots.size(), "slot", "slots") << ", " << owned
            << " held by running processes\n";
  for (const auto& slot : picture.log->slots) {
    if (!slot.error) continue;
    std::cout << "  slot " << slot.slot
              << (slot.error->sys_errno == 0 ? " is damaged: " : " cannot be read: ")
              << slot.error->to_string() << '\n';
  }
}

void print_records(const Picture& picture) {
  for (const auto& d : picture.left_decisions) {
    std::cout << "commit decision not finished: " << tm::transaction_text(d.gtrid) << " of "
              << time_text(d.decided_at) << ", at";
    for (const auto& p : d.participants) std::cout << ' ' << p.resource_manager;
    std::cout << '\n';
  }
  for (const auto& m : picture.misplaced) {
    if (m.in_doubt) {
      std::cout << "server in doubt at " << m.participant.resource_manager << ": "
                << tm::transaction_text(m.gtrid) << " was prepared at "
                << printable(m.participant.server)
                << "; that server answers, and could not tell whether it still has that history\n";
      continue;
    }
    std::cout << "another server at " << m.participant.resource_manager << ": "
              << tm::transaction_text(m.gtrid) << " was prepared at "
              << printable(m.participant.server) << ", "
              << (m.answers.empty() ? "a switch that cannot say which" : printable(m.answers))
              << " answers\n";
  }
  for (const auto& h : picture.heuristics) {
    std::cout << "heuristic outcome: " << tm::transaction_text(h.gtrid) << " at "
              << h.resource_manager << " answered " << code_name(h.code) << " to "
              << (h.decision == tm::Decision::commit ? "commit" : "rollback") << " on "
              << time_text(h.seen_at) << ": "
              << (h.text.empty() ? std::string(code_meaning(h.code)) : printable(h.text)) << '\n';
  }
}

bool is_damaged(const Picture& picture) {
  if (!picture.log) return false;
  const auto& slots = picture.log->slots;
  return std::any_of(slots.begin(), slots.end(),
                     [](const auto& s) { return s.error && s.error->sys_errno == 0; });
}

void print_advice(const Config& config, const Picture& picture) {
  bool dead = !picture.left_decisions.empty();
  bool stranger = false;
  bool out_of_reach = false;
  for (const auto& rm : picture.resource_managers) {
    for (const auto& b : rm.branches) {
      dead = dead || (b.owner == BranchOwner::dead && b.obstacle.empty());
      out_of_reach = out_of_reach || (b.owner == BranchOwner::dead && !b.obstacle.empty());
      stranger = stranger || b.owner == BranchOwner::stranger;
    }
  }
  if (is_damaged(picture)) {
    std::cout << "Log damaged: no start and no recovery finishes what is in the damaged slot. "
                 "Delete nothing: decisions would be lost.\n";
  } else if (dead) {
    std::cout
        << "Owner dead: the service's next start, or `xabridge recover` now, finishes what its "
           "servers let it, and says what is left and why.\n";
  }
  if (out_of_reach) {
    std::cout
        << "Out of reach: the server holds these and does not let the account in the open "
           "string complete them. They keep their locks until `xabridge recover` runs with an "
           "account that may.\n";
  }
  const auto& waiting = picture.misplaced;
  if (std::any_of(waiting.begin(), waiting.end(), [](const auto& m) { return m.in_doubt; })) {
    std::cout << "Server in doubt: it was put back from a backup, or does not show any more that "
                 "it was not. Look in its data for the transaction's work, then `xabridge "
                 "heuristic forget-server --server` with the text above.\n";
  }
  if (std::any_of(waiting.begin(), waiting.end(), [](const auto& m) { return !m.in_doubt; })) {
    std::cout << "Another server: its decisions wait for the one that has the branches. Let the "
                 "address lead there again; if it is gone for good, `xabridge heuristic "
                 "forget-server`.\n";
  }
  if (!picture.heuristics.empty()) {
    std::cout << "Heuristic outcome: compare both databases, put right what is wrong, then "
                 "`xabridge heuristic acknowledge`.\n";
  }
  if (stranger) {
    std::cout << "Owner stranger: made by a copy of this log directory; only the copy knows the "
                 "decision. Never touched from here.\n";
  }
  if (picture.another_log)
    std::cout << picture.another_log->advice(config.log_directory.string()) << '\n';
}

json to_json(const PicturedBranch& b) {
  return {{"xid", b.listed.xid ? json(b.listed.xid->to_string()) : json(nullptr)},
          {"name", printable(b.listed.name)},
          {"transaction", b.gtrid.empty() ? json(nullptr) : json(b.transaction)},
          {"gtrid", b.gtrid.empty() ? json(nullptr) : json(b.gtrid)},
          {"owner", to_string(b.owner)},
          {"decision", to_string(b.decision)},
          {"age_seconds", b.age_seconds < 0 ? json(nullptr) : json(b.age_seconds)},
          {"age_is_upper_limit", b.age_is_limit},
          {"begun_on", printable(b.host)},
          {"role", printable(b.listed.owner)},
          {"out_of_reach", b.obstacle.empty() ? json(nullptr) : json(printable(b.obstacle))}};
}

json to_json(const std::optional<AnotherLog>& another) {
  if (!another) return nullptr;
  json resource_managers = json::array();
  json registers = json::array();
  for (const std::string& name : another->resource_managers) resource_managers.push_back(name);
  for (const std::string& id : another->registers) registers.push_back(id);
  return {{"branches", another->branches},
          {"resource_managers", std::move(resource_managers)},
          {"registers", std::move(registers)},
          {"this_log_is", to_string(another->age)},
          {"finding", another->is_finding()}};
}

json log_json(const Config& config, const Picture& picture) {
  json log{{"directory", config.log_directory.string()},
           {"error", picture.log_error ? json(picture.log_error->to_string()) : json(nullptr)},
           {"register", nullptr},
           {"slots", json::array()}};
  if (!picture.log) return log;
  const auto& id = picture.log->id;
  log["register"] = to_hex({reinterpret_cast<const char*>(id.data()), id.size()});
  for (const auto& slot : picture.log->slots) {
    log["slots"].push_back({{"slot", slot.slot},
                            {"owned", slot.owned},
                            {"unfinished", slot.unfinished.size()},
                            {"heuristics", slot.heuristics.size()},
                            {"error", slot.error ? json(slot.error->to_string()) : json(nullptr)}});
  }
  return log;
}

json to_json(const Config& config, const Picture& picture) {
  json all{{"log", log_json(config, picture)},
           {"resource_managers", json::array()},
           {"unfinished_decisions", json::array()},
           {"other_servers", json::array()},
           {"heuristics", json::array()},
           {"another_log", to_json(picture.another_log)}};
  for (const auto& rm : picture.resource_managers) {
    json branches = json::array();
    for (const auto& b : rm.branches) branches.push_back(to_json(b));
    all["resource_managers"].push_back(
        {{"name", rm.name},
         {"reachable", !rm.error},
         {"error", rm.error ? json(printable(rm.error->to_string())) : json(nullptr)},
         {"server", rm.server.empty() ? json(nullptr) : json(printable(rm.server))},
         {"branches", std::move(branches)}});
  }
  for (const auto& d : picture.left_decisions) {
    json participants = json::array();
    json servers = json::array();
    for (const auto& p : d.participants) {
      participants.push_back(p.resource_manager);
      servers.push_back(p.server.empty() ? json(nullptr) : json(printable(p.server)));
    }
    all["unfinished_decisions"].push_back({{"transaction", tm::transaction_text(d.gtrid)},
                                           {"gtrid", to_hex(d.gtrid)},
                                           {"decided_at", time_text(d.decided_at)},
                                           {"resource_managers", std::move(participants)},
                                           {"servers", std::move(servers)}});
  }
  for (const auto& m : picture.misplaced) {
    all["other_servers"].push_back({{"transaction", tm::transaction_text(m.gtrid)},
                                    {"gtrid", to_hex(m.gtrid)},
                                    {"resource_manager", m.participant.resource_manager},
                                    {"prepared_at", printable(m.participant.server)},
                                    {"answers", printable(m.answers)},
                                    {"in_doubt", m.in_doubt}});
  }
  for (const auto& h : picture.heuristics) {
    all["heuristics"].push_back(
        {{"transaction", tm::transaction_text(h.gtrid)},
         {"gtrid", to_hex(h.gtrid)},
         {"resource_manager", h.resource_manager},
         {"decision", h.decision == tm::Decision::commit ? "commit" : "rollback"},
         {"code", code_name(h.code)},
         {"seen_at", time_text(h.seen_at)},
         {"text", printable(h.text)}});
  }
  return all;
}

Exit judge(const Picture& picture) {
  Exit exit = Exit::ok;
  const bool records =
      !picture.left_decisions.empty() || !picture.misplaced.empty() || !picture.heuristics.empty();
  const bool another = picture.another_log && picture.another_log->is_finding();
  if (records || another) exit = Exit::findings;
  for (const auto& rm : picture.resource_managers) {
    if (rm.error) exit = worse(exit, exit_of(*rm.error));
    for (const auto& b : rm.branches) {
      const bool ours = b.owner == BranchOwner::dead || b.owner == BranchOwner::stranger;
      if (ours) exit = worse(exit, Exit::findings);
    }
  }
  if (picture.log_error) exit = worse(exit, Exit::log);
  if (picture.log) exit = worse(exit, exit_of(*picture.log));
  return exit;
}

}  // namespace

Exit status(const Config& config, bool as_json) {
  const Picture picture = draw(config);
  if (as_json) {
    std::cout << to_json(config, picture).dump() << '\n';
    return judge(picture);
  }
  for (const auto& rm : picture.resource_managers) {
    if (rm.error) {
      std::cout << rm.name << ": cannot be used: " << rm.error->to_string() << '\n';
    } else {
      print_branches(rm);
    }
  }
  print_log(config, picture);
  print_records(picture);
  print_advice(config, picture);
  return judge(picture);
}

}  // namespace xabridge::cli
