// Judging branches of other registers by where they were begun, and by when.
#include "another_log.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <variant>

#include "../src/register/identity.hpp"
#include "ask_all.hpp"
#include "picture.hpp"

namespace xabridge::cli {
namespace {

using std::chrono::system_clock;

struct Candidate {
  tm::Gtrid gtrid;
  std::string gtrid_bytes;
  std::string resource_manager;  // that its bqual names
  long age_seconds;              // -1: not known
};

std::string hex(const tm::RegisterId& id) {
  return to_hex({reinterpret_cast<const char*>(id.data()), id.size()});
}

bool is_configured(const Config& config, const std::string& name) {
  const auto& all = config.resource_managers;
  return std::any_of(all.begin(), all.end(), [&](const auto& rm) { return rm.name == name; });
}

std::vector<Candidate> candidates(const Config& config, const Picture& picture) {
  std::vector<Candidate> found;
  for (const PicturedResourceManager& rm : picture.resource_managers) {
    for (const PicturedBranch& b : rm.branches) {
      if (b.owner != BranchOwner::foreign || !b.listed.xid) continue;
      auto origin = tm::origin_of(*b.listed.xid);
      if (!origin || !is_configured(config, origin->resource_manager)) continue;
      found.push_back({std::move(origin->gtrid), std::string(b.listed.xid->gtrid()),
                       std::move(origin->resource_manager), b.listed.age_seconds});
    }
  }
  // Not every server tells. The branches of one transaction are prepared at about the same time.
  std::map<std::string, long> ages;
  for (const Candidate& one : found) {
    long& age = ages.emplace(one.gtrid_bytes, -1).first->second;
    age = std::max(age, one.age_seconds);
  }
  for (Candidate& one : found) one.age_seconds = ages[one.gtrid_bytes];
  return found;
}

/// When the first process used it; nullopt: none has.
std::optional<system_clock::time_point> made_at(const tm::LogView& log) {
  std::optional<system_clock::time_point> first;
  for (const tm::SlotView& slot : log.slots) {
    for (const tm::IncarnationEntry& entry : slot.incarnations)
      first = first ? std::min(*first, entry.started_at) : entry.started_at;
  }
  return first;
}

bool has_decided(const tm::LogView& log) {
  return std::any_of(log.slots.begin(), log.slots.end(), [](const tm::SlotView& slot) {
    return slot.error || std::any_of(slot.records.begin(), slot.records.end(), [](const auto& r) {
             return !std::holds_alternative<tm::SegmentRecord>(r.record);
           });
  });
}

/// As far as the branch's age tells; nullopt: it is not known.
std::optional<LogAge> age_beside(const Picture& picture, const Candidate& one) {
  if (!picture.log) return one.age_seconds < 0 ? std::nullopt : std::optional(LogAge::missing);
  const auto made = made_at(*picture.log);
  if (one.age_seconds < 0 || !made)
    return has_decided(*picture.log) ? std::optional(LogAge::older) : std::nullopt;
  // A server counts whole seconds.
  const auto prepared = tm::posix_environment().clock.wall() -
                        std::chrono::seconds(one.age_seconds) - std::chrono::seconds(1);
  return prepared < *made ? LogAge::younger : LogAge::older;
}

/// The owners among `tags` that have sessions at one of the servers: they are running.
std::set<std::string> connected(const Config& config, const std::vector<Looked>& looked,
                                const Picture& picture, const std::set<std::string>& tags) {
  std::vector<Looked> reached;
  for (const Looked& one : looked) {
    const auto& all = picture.resource_managers;
    const bool answers = std::any_of(all.begin(), all.end(), [&](const auto& rm) {
      return rm.name == one.name && !rm.error;
    });
    if (answers) reached.push_back(one);
  }
  using Tags = std::set<std::string>;
  Tags found;
  const auto answers = ask_all<Tags>(reached, config.recovery_call_timeout, "count sessions",
                                     [tags](tm::ResourceManager& rm) -> Result<Tags> {
                                       Tags connected;
                                       for (const std::string& tag : tags)
                                         if (rm.owner_sessions(tag).value_or(0) > 0)
                                           connected.insert(tag);
                                       return connected;
                                     });
  for (const auto& answer : answers) {
    if (answer) found.insert(answer->begin(), answer->end());
  }
  return found;
}

std::string tag_of(const Candidate& one) {
  return tm::owner_tag(one.gtrid.register_id, one.gtrid.incarnation);
}

/// The reason why somebody has to look; older: there is none.
LogAge judge(const Config& config, const std::vector<Looked>& looked, const Picture& picture,
             const std::vector<Candidate>& all) {
  const LogAge where_unknown = picture.log ? LogAge::undecided : LogAge::missing;
  std::map<std::string, LogAge> reasons;  // by the branch's owner
  for (const Candidate& one : all) {
    const auto age = age_beside(picture, one);
    if (age != LogAge::older) reasons.emplace(tag_of(one), age.value_or(where_unknown));
  }
  if (reasons.empty()) return LogAge::older;
  std::set<std::string> owners;
  for (const auto& [owner, reason] : reasons) owners.insert(owner);
  // Whose owner is connected is the work of a service that runs, with its own log.
  for (const std::string& owner : connected(config, looked, picture, owners)) reasons.erase(owner);
  return reasons.empty() ? LogAge::older : reasons.begin()->second;
}

}  // namespace

const char* to_string(LogAge age) noexcept {
  switch (age) {
    case LogAge::older:
      return "older";
    case LogAge::missing:
      return "missing";
    case LogAge::younger:
      return "younger";
    case LogAge::undecided:
      return "undecided";
  }
  return "?";
}

std::string AnotherLog::found(const std::string& directory) const {
  std::string text = count_text(branches, "branch", "branches") + " of";
  for (const std::string& name : resource_managers) text += " " + name;
  text += branches == 1 ? " was" : " were";
  text += " begun on ";
  for (const std::string& host : hosts) text += (host == *hosts.begin() ? "" : ", ") + host;
  text += " under another decision log";
  switch (age) {
    case LogAge::older:
      return text + ". A second service with a log of its own leaves such branches";
    case LogAge::missing:
      return text + ", and there is none in " + directory;
    case LogAge::younger:
      return text + ", and the one in " + directory + " was made later";
    case LogAge::undecided:
      break;
  }
  return text + ", and the one in " + directory + " has never decided anything";
}

const char* AnotherLog::fix() const noexcept {
  return is_finding()
             ? "Look whether log.directory is right and its volume is mounted. Until you know, do "
               "not start the service and complete nothing by hand: only that log has the "
               "decisions."
             : "If there is none, look whether log.directory is right and its volume is mounted.";
}

std::string AnotherLog::advice(const std::string& directory) const {
  return "Another log: " + found(directory) + ". " + fix();
}

std::optional<AnotherLog> find_another_log(const Config& config, const std::vector<Looked>& looked,
                                           const Picture& picture) {
  if (picture.log_error) return std::nullopt;  // which is told, and worse
  const std::vector<Candidate> all = candidates(config, picture);
  if (all.empty()) return std::nullopt;
  AnotherLog found;
  found.branches = all.size();
  for (const Candidate& one : all) {
    found.resource_managers.insert(one.resource_manager);
    found.registers.insert(hex(one.gtrid.register_id));
    const std::string& host = one.gtrid.host;
    found.hosts.insert(host == tm::posix_environment().host ? "this host" : printable(host));
  }
  found.age = judge(config, looked, picture, all);
  return found;
}

}  // namespace xabridge::cli
