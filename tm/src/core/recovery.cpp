// A recovery pass: read the register, ask the resource managers, act, ask again, finish decisions.
#include "recovery.hpp"

#include <algorithm>
#include <utility>

#include "recovery_pass.hpp"

namespace xabridge::tm {

Recovery::RegisterSection::RegisterSection(Recovery& recovery)
    : alone_(recovery.register_mutex_),
      decisions_(recovery.decisions_),
      begun_([this] {
        try {
          return decisions_.begin_pass();
        } catch (...) {
          decisions_.end_pass();  // slots it took over are not kept from others
          throw;
        }
      }()) {}

Recovery::RegisterSection::~RegisterSection() {
  if (begun_) decisions_.end_pass();
}

Recovery::Recovery(DecisionRegister& decisions, Clock& clock, Options options, EventSink events)
    : decisions_(decisions), clock_(clock), options_(options), events_(std::move(events)) {
  if (!events_) events_ = [](const Event&) {};
}

void Recovery::hurry() noexcept {
  const std::lock_guard lock(mutex_);
  for (auto& [name, lane] : lanes_) lane.backoff = {};
}

void Recovery::hurry(const std::string& resource_manager) noexcept {
  const std::lock_guard lock(mutex_);
  if (const auto lane = lanes_.find(resource_manager); lane != lanes_.end()) {
    lane->second.backoff = {};
  }
}

void Recovery::hold(std::string gtrid) {
  const std::lock_guard lock(mutex_);
  held_.insert(std::move(gtrid));
}

void Recovery::no_commit_arrived(const std::vector<Xid>& branches) {
  const std::lock_guard lock(mutex_);
  for (const Xid& xid : branches) not_arrived_[std::string(xid.gtrid())].insert(xid);
}

PassReport Recovery::pass(std::span<ResourceManagerPort* const> resource_managers,
                          const IsLive& is_live, const Stop& stop) {
  Pass pass{*this, is_live, stop};
  for (ResourceManagerPort* port : resource_managers) pass.sources[port->name()].port = port;
  return run(pass, {});
}

PassReport Recovery::lane_pass(ResourceManagerPort& own, std::span<const std::string> configured,
                               const IsLive& is_live, const Stop& stop) {
  Pass pass{*this, is_live, stop};
  for (const std::string& name : configured) pass.sources[name];
  pass.sources[own.name()].port = &own;
  return run(pass, own.name());
}

/// `lane`: empty where the pass is of all.
PassReport Recovery::run(Pass& pass, std::string_view lane) {
  events_({EventKind::recovery_started, {}, lane, 0, {}});
  if (!pass.run()) {
    // Without the register nothing can be told: not what is decided, not who is dead.
    pass.report.completed = false;
    pass.report.next_due = clock_.now() + options_.first_backoff;
    events_({EventKind::warning,
             {},
             {},
             pass.report.error->xa_code,
             "recovery cannot read the decision log: " + pass.report.error->to_string()});
  }
  events_({EventKind::recovery_finished, {}, lane, 0, {}});
  return std::move(pass.report);
}

/// False: the register could not be asked, see report.error.
bool Recovery::Pass::run() {
  if (!in_register(&Pass::read_decisions)) return false;
  // Every list before any act: whether a branch is listed under another name must not depend on the
  // order. Those of other lanes are looked at when the own ones are there.
  for (auto& [name, source] : sources) {
    if (source.port != nullptr && !stopped()) list(source);
  }
  remember();
  const bool any = std::any_of(sources.begin(), sources.end(), [](const auto& entry) {
    const Source& source = entry.second;
    return source.port != nullptr && !(source.xids.empty() && source.out_of_reach.empty());
  });
  if ((any || !decisions.empty()) && !in_register(&Pass::plan)) return false;
  tell_of_another_log();
  bool postponed = false;
  for (auto& [name, source] : sources) {
    if (source.port != nullptr && source.listed && !stopped()) ask_for_sessions(source);
    postponed |= !source.postponed.empty();
  }
  may_postpone = false;
  if (postponed && !in_register(&Pass::plan_postponed)) return false;
  act_all();
  if (!decisions.empty() && !stopped() && !in_register(&Pass::finish_decisions)) return false;
  finish_report();
  return true;
}

bool Recovery::Pass::in_register(void (Pass::*stage)()) {
  const RegisterSection open(recovery);
  if (!open.begun()) {
    report.error = open.begun().error();
    return false;
  }
  (this->*stage)();
  return true;
}

/// Somebody in this process is at work on it, or nobody may be.
bool Recovery::Pass::at_work(std::string_view gtrid) const {
  if (is_live && is_live(gtrid)) return true;
  const std::lock_guard lock(recovery.mutex_);
  return recovery.held_.count(gtrid) != 0;
}

bool Recovery::Pass::no_commit_arrived(const Xid& xid) const {
  const std::lock_guard lock(recovery.mutex_);
  const auto of_transaction = recovery.not_arrived_.find(xid.gtrid());
  return of_transaction != recovery.not_arrived_.end() && of_transaction->second.count(xid) != 0;
}

void Recovery::Pass::commit_may_have_arrived(const Xid& xid) {
  const std::lock_guard lock(recovery.mutex_);
  const auto of_transaction = recovery.not_arrived_.find(xid.gtrid());
  if (of_transaction != recovery.not_arrived_.end()) of_transaction->second.erase(xid);
}

bool Recovery::Pass::stopped() {
  if (report.completed && stop && stop()) report.completed = false;
  return !report.completed;
}

/// What is decided, before any list is made. See the order in recovery.hpp.
void Recovery::Pass::read_decisions() {
  std::set<std::string, std::less<>> open;
  for (DecisionRecord& record : recovery.decisions_.unfinished()) {
    open.insert(record.gtrid);
    const std::optional<Gtrid> gtrid = Gtrid::decode(record.gtrid);
    const auto owner =
        gtrid ? recovery.decisions_.owner_of(*gtrid) : Result<Owner>(Owner::stranger);
    if (!owner) continue;
    const Whose who = whose_of(*owner);
    if (!is_ours(who) || (who == Whose::self && at_work(record.gtrid))) continue;
    decisions.push_back({std::move(record), who});
  }
  for (const HeuristicRecord& record : recovery.decisions_.heuristics()) {
    recorded.emplace(record.resource_manager, record.gtrid + record.bqual);
  }
  const std::lock_guard lock(recovery.mutex_);
  const Tick now = ++recovery.tick_;  // what is read was decided before
  for (Known& known : decisions) {
    Progress& progress = recovery.progress_[known.record.gtrid];
    if (progress.read == 0) progress.read = now;
    known.read = progress.read;
  }
  std::erase_if(recovery.progress_, [&](const auto& entry) { return !open.contains(entry.first); });
}

void Recovery::Pass::list(Source& source) {
  const std::string& name = source.port->name();
  const auto now = recovery.clock_.now();
  ResourceManagerReport result;
  result.name = name;
  Tick began = 0;
  {
    const std::lock_guard lock(recovery.mutex_);
    const Backoff& backoff = recovery.lanes_[name].backoff;
    if (backoff.failures > 0 && now < backoff.next_try) {
      result.asked = false;
      result.next_try = backoff.next_try;
    }
    began = lists_began == 0 ? lists_began = ++recovery.tick_ : lists_began;
  }
  if (!result.asked) {
    result.late = source.port->late();
    report.resource_managers.push_back(std::move(result));
    return;
  }
  Result<Listing> listed = look(*source.port);
  if (listed) {
    result.reachable = true;
    keep_list(source, *listed, began);
    result.listed = source.xids.size();
  } else {
    result.next_try = recovery.put_off(name, now);
    result.late = source.port->late();
    source.late = !result.late.empty();
    const std::string text = source.late
                                 ? "the recovery pass is stuck there: " + result.late
                                 : "cannot list its branches: " + listed.error().to_string();
    recovery.events_({EventKind::recovery_waits, {}, name, listed.error().xa_code, text});
    result.error = std::move(listed.error());
  }
  report.resource_managers.push_back(std::move(result));
}

/// What is to be done, with the register open; no server is asked meanwhile.
void Recovery::Pass::plan() {
  for (auto& [name, source] : sources) {
    if (source.port == nullptr) continue;
    for (const Xid& xid : source.xids) visit(source, xid);
    for (const auto& [xid, obstacle] : source.out_of_reach)
      visit_out_of_reach(source, xid, obstacle);
    if (source.listed) ask_unlisted(source);
  }
}

void Recovery::Pass::plan_postponed() {
  for (auto& [name, source] : sources) {
    for (const Xid& xid : std::exchange(source.postponed, {})) visit(source, xid);
  }
}

void Recovery::Pass::act_all() {
  for (auto& [name, source] : sources) {
    if (source.port == nullptr) continue;
    for (const Source::Todo& todo : std::exchange(source.to_act, {})) {
      BranchReport& branch = report.branches[todo.branch];
      if (source.late || stopped()) {
        branch.text = source.late ? "not tried: " + source.port->late() : "not tried in this pass";
        continue;
      }
      if (!todo.server.empty() && !source.port->prepared_at(*branch.xid, todo.server)) {
        branch.text = "not tried: its resource manager cannot be told where it was prepared";
        tell(EventKind::recovery_waits, branch);
        notice_late(source);
        continue;
      }
      CallAnswer answer = source.port->call(todo.verb, *branch.xid);
      keep_evidence(branch, todo.server, answer);
      judge(source, todo.branch, todo.phase, todo.verb, std::move(answer),
            todo.server.empty() ? source.server : todo.server);
      notice_late(source);
    }
    confirm(source);
  }
}

/// After a call: it may not have come back. The lane goes on after a while, if need be in another
/// thread.
void Recovery::Pass::notice_late(Source& source) {
  const std::string late = source.port->late();
  if (late.empty()) return;
  source.late = true;
  const std::string& name = source.port->name();
  const auto next_try = recovery.put_off(name, recovery.clock_.now());
  for (ResourceManagerReport& result : report.resource_managers) {
    if (result.name != name) continue;
    result.late = late;
    result.next_try = next_try;
  }
  recovery.events_({EventKind::recovery_waits,
                    {},
                    name,
                    XAER_RMFAIL,
                    "the recovery pass is stuck there: " + late});
}

}  // namespace xabridge::tm
