// What the lanes of recovery know of each other.
//
// Each lane leaves here what its resource manager listed, whose sessions it saw, and which
// participants of a decision it finished. Whether that is new enough to answer another lane's
// question is told by ticks, which count what happens in order: a list that began after a decision
// was read shows every branch of it that is still there.
#include <algorithm>
#include <utility>

#include "recovery_pass.hpp"

namespace xabridge::tm {

/// `listed` may repeat XIDs; each is visited once.
void Recovery::Pass::keep_list(Source& source, const Listing& listed, Tick began) {
  source.listed = true;
  source.began = began;
  source.server = listed.server;
  source.xids.insert(listed.xids.begin(), listed.xids.end());
  for (const OutOfReach& branch : listed.out_of_reach)
    source.out_of_reach.emplace(branch.xid, branch.obstacle);

  const std::lock_guard lock(recovery.mutex_);
  const std::string& name = source.port->name();
  Lane& lane = recovery.lanes_[name];
  const Tick ended = ++recovery.tick_;
  const auto gone = [&](const Xid& xid) {
    return source.xids.count(xid) == 0 && source.out_of_reach.count(xid) == 0;
  };
  lane.backoff = {};
  ++lane.lists;
  lane.listed = true;
  lane.began = began;
  lane.server = source.server;
  lane.xids = source.xids;
  lane.out_of_reach = source.out_of_reach;
  // What is no longer listed need not be remembered.
  std::erase_if(lane.seen_foreign, gone);
  std::erase_if(lane.first_listed, [&](const auto& entry) { return gone(entry.first); });
  for (const Xid& xid : source.xids) {
    if (xid.format_id() == kFormatId) lane.first_listed.emplace(xid, FirstListed{began, ended});
  }
  // Finished is what no list shows.
  for (auto& [gtrid, progress] : recovery.progress_) {
    std::erase_if(progress.finished, [&](const auto& participant) {
      return participant.first == name && !gone(participant.second);
    });
  }
}

/// No list, until one comes again.
std::chrono::steady_clock::time_point Recovery::put_off(const std::string& name,
                                                        std::chrono::steady_clock::time_point now) {
  const std::lock_guard lock(mutex_);
  Lane& lane = lanes_[name];
  lane.listed = false;
  lane.tried = ++tick_;
  lane.xids.clear();
  lane.out_of_reach.clear();
  std::chrono::milliseconds delay = options_.first_backoff;
  for (int i = 0; i < lane.backoff.failures && delay < options_.maximum_backoff; ++i) delay *= 2;
  ++lane.backoff.failures;
  lane.backoff.next_try = now + std::min(delay, options_.maximum_backoff);
  return lane.backoff.next_try;
}

/// What the lanes that are not of this pass listed last; what this one waits for is found out anew.
void Recovery::Pass::remember() {
  const std::lock_guard lock(recovery.mutex_);
  for (auto& [name, source] : sources) {
    Lane& lane = recovery.lanes_[name];
    if (source.port != nullptr) {
      lane.tags_wanted.clear();
      lane.waits_for.clear();
      continue;
    }
    source.listed = lane.listed;
    source.began = lane.began;
    source.server = lane.server;
    source.xids = lane.xids;
    source.out_of_reach = lane.out_of_reach;
  }
}

void Recovery::Pass::wait_for(const Source& waiting, const std::string& name) {
  const std::lock_guard lock(recovery.mutex_);
  recovery.lanes_[waiting.port->name()].waits_for[name] = recovery.tick_;
  report.waits_for.insert(name);
}

bool Recovery::answered(const std::string& resource_manager) {
  const std::lock_guard lock(mutex_);
  auto& waits_for = lanes_[resource_manager].waits_for;
  const auto learnt = std::erase_if(waits_for, [&](const auto& entry) {
    const Lane& other = lanes_[entry.first];
    return other.listed && other.began > entry.second;
  });
  return learnt != 0;
}

/// The list of the resource manager that the branch names was made before `source` first listed the
/// branch: that it is missing there says nothing.
bool Recovery::Pass::too_old(const Source& named, const Source& source, const Xid& xid) {
  const std::lock_guard lock(recovery.mutex_);
  return named.began < recovery.lanes_[source.port->name()].first_listed[xid].began;
}

/// No list that could show a participant of the decision is missing.
bool Recovery::Pass::all_listed_since(const Known& known, const Source& source) {
  bool all = true;
  for (const auto& [name, other] : sources) {
    if (&other == &source || (other.listed && other.began > known.read)) continue;
    wait_for(source, name);
    all = false;
  }
  return all;
}

/// Of the owners that some lane wants to know about.
void Recovery::Pass::ask_for_sessions(Source& source) {
  const std::string& name = source.port->name();
  for (const std::string& tag : recovery.tags_wanted()) {
    if (source.late || stopped()) return;
    Sessions answer;
    {
      const std::lock_guard lock(recovery.mutex_);
      answer.asked = ++recovery.tick_;
    }
    answer.count = source.port->owner_sessions(tag);
    notice_late(source);
    if (source.late) return;
    const std::lock_guard lock(recovery.mutex_);
    recovery.lanes_[name].sessions[tag] = answer;
  }
}

std::set<std::string> Recovery::tags_wanted() {
  const std::lock_guard lock(mutex_);
  std::set<std::string> all;
  for (const auto& [name, lane] : lanes_) {
    all.insert(lane.tags_wanted.begin(), lane.tags_wanted.end());
  }
  for (auto& [name, lane] : lanes_) {
    std::erase_if(lane.sessions, [&](const auto& entry) { return all.count(entry.first) == 0; });
  }
  return all;
}

/// Asked of every resource manager: some cannot tell, and one that can speaks for all. An answer
/// counts that this pass was given, or another lane after the branch was listed here; `not_asked`:
/// one that is missing can be had, and until then the owner is taken for connected.
OwnerSessions Recovery::Pass::sessions(const Source& source, const Xid& xid, bool& not_asked) {
  const std::optional<Gtrid> gtrid = Gtrid::decode(xid.gtrid());
  if (!gtrid) return OwnerSessions::cannot_tell;
  const std::string tag = owner_tag(gtrid->register_id, gtrid->incarnation);
  OwnerSessions result = OwnerSessions::none;
  std::vector<std::string> missing;
  {
    const std::lock_guard lock(recovery.mutex_);
    Lane& own = recovery.lanes_[source.port->name()];
    own.tags_wanted.insert(tag);
    const Tick listed = own.first_listed[xid].ended;
    for (const auto& [name, other] : sources) {
      const auto& known = recovery.lanes_[name].sessions;
      const auto answer = known.find(tag);
      if (!other.listed && recovery.lanes_[name].tried <= listed) {
        missing.push_back(name);  // it has not come to that yet
      } else if (!other.listed) {
        result = OwnerSessions::cannot_tell;
      } else if (answer == known.end() ||
                 answer->second.asked <= (other.port == nullptr ? listed : lists_began)) {
        missing.push_back(name);
      } else if (!answer->second.count) {
        result = OwnerSessions::cannot_tell;
      } else if (*answer->second.count > 0) {
        return OwnerSessions::connected;
      }
    }
  }
  for (const std::string& name : missing) {
    if (sources.at(name).port == nullptr) wait_for(source, name);
  }
  not_asked = !missing.empty();
  return not_asked ? OwnerSessions::connected : result;
}

void Recovery::Pass::keep_finished(const BranchReport& branch) {
  const std::lock_guard lock(recovery.mutex_);
  const auto progress = recovery.progress_.find(branch.gtrid);
  if (progress == recovery.progress_.end()) return;  // no decision, or one that is not open
  progress->second.finished.insert({branch.resource_manager, *branch.xid});
}

/// Another lane came first.
bool Recovery::Pass::done_meanwhile(const Known& known) const {
  const std::lock_guard lock(recovery.mutex_);
  return !recovery.progress_.contains(known.record.gtrid);
}

bool Recovery::Pass::is_finished(const std::string& name, const Xid& xid) {
  const std::lock_guard lock(recovery.mutex_);
  const auto progress = recovery.progress_.find(std::string(xid.gtrid()));
  return progress != recovery.progress_.end() && progress->second.finished.count({name, xid}) != 0;
}

/// What the visit of a listed branch ended with, in this pass or in another lane's last one.
std::string Recovery::Pass::said_of(const std::string& resource_manager, const Xid& xid) {
  const std::lock_guard lock(recovery.mutex_);
  auto& said = recovery.progress_[std::string(xid.gtrid())].said;
  std::string& text = said[{resource_manager, xid}];
  for (const BranchReport& branch : report.branches) {
    if (branch.resource_manager != resource_manager || branch.xid != xid) continue;
    text = branch.error ? branch.text + ": " + branch.error->to_string() : branch.text;
    return text;
  }
  return text.empty() ? "not tried in this pass" : text;
}

}  // namespace xabridge::tm
