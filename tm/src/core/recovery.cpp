// A recovery pass: ask the register, then every resource manager, act, ask again, finish decisions.
#include "recovery.hpp"

#include <algorithm>
#include <utility>

#include "recovery_pass.hpp"

namespace xabridge::tm {
namespace {

/// Gives the register's pass back however the pass ends.
class RegisterPass {
 public:
  explicit RegisterPass(DecisionRegister& decisions) : decisions_(decisions) {}
  RegisterPass(const RegisterPass&) = delete;
  RegisterPass& operator=(const RegisterPass&) = delete;
  ~RegisterPass() { decisions_.end_pass(); }

 private:
  DecisionRegister& decisions_;
};

}  // namespace

Recovery::Recovery(DecisionRegister& decisions, Clock& clock, Options options, EventSink events)
    : decisions_(decisions), clock_(clock), options_(options), events_(std::move(events)) {
  if (!events_) events_ = [](const Event&) {};
}

void Recovery::hurry() noexcept {
  const std::lock_guard lock(mutex_);
  hurry_ = true;
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
  {
    const std::lock_guard lock(mutex_);
    if (hurry_) backoff_.clear();
    hurry_ = false;
  }
  Pass pass{*this, is_live, stop, {}, {}, {}, {}, {}, {}, false};
  events_({EventKind::recovery_started, {}, {}, 0, {}});
  if (Result<void> begun = decisions_.begin_pass(); !begun) {
    // Without the register nothing can be told: not what is decided, not who is dead.
    pass.report.completed = false;
    events_({EventKind::warning,
             {},
             {},
             begun.error().xa_code,
             "recovery cannot read the decision register: " + begun.error().to_string()});
    pass.report.error = std::move(begun.error());
    pass.report.next_due = clock_.now() + options_.first_backoff;
  } else {
    const RegisterPass guard(decisions_);
    pass.run(resource_managers);
  }
  events_({EventKind::recovery_finished, {}, {}, 0, {}});
  return std::move(pass.report);
}

void Recovery::Pass::run(std::span<ResourceManagerPort* const> ports) {
  for (ResourceManagerPort* port : ports) sources[port->name()].port = port;
  read_decisions();
  // Every list before any act: whether a branch is listed under another name must not depend on the
  // order.
  for (auto& [name, source] : sources) {
    if (!stopped()) list(source);
  }
  for (auto& [name, source] : sources) {
    for (const Xid& xid : source.xids) {
      if (stopped()) break;
      visit(source, xid);
    }
    ask_unlisted(source);
    confirm(source);
  }
  if (!stopped()) finish_decisions();
  finish_report();
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
  for (DecisionRecord& record : recovery.decisions_.unfinished()) {
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
}

void Recovery::Pass::list(Source& source) {
  const std::string& name = source.port->name();
  const auto now = recovery.clock_.now();
  ResourceManagerReport result;
  result.name = name;

  if (const auto it = recovery.backoff_.find(name);
      it != recovery.backoff_.end() && now < it->second.next_try) {
    result.asked = false;
    result.next_try = it->second.next_try;
    report.resource_managers.push_back(std::move(result));
    return;
  }
  Result<std::vector<Xid>> listed = source.port->list();
  if (listed) {
    // A set: a resource manager may repeat XIDs, and each is visited once.
    source.xids.insert(listed->begin(), listed->end());
    source.listed = true;
    source.server = source.port->answered_by();
    result.reachable = true;
    result.listed = source.xids.size();
    recovery.backoff_.erase(name);
    // Told once: what is no longer listed need not be remembered.
    std::set<Xid>& seen = recovery.seen_foreign_[name];
    std::erase_if(seen, [&](const Xid& xid) { return source.xids.count(xid) == 0; });
  } else {
    Backoff& backoff = recovery.backoff_[name];
    std::chrono::milliseconds delay = recovery.options_.first_backoff;
    for (int i = 0; i < backoff.failures && delay < recovery.options_.maximum_backoff; ++i)
      delay *= 2;
    ++backoff.failures;
    backoff.next_try = now + std::min(delay, recovery.options_.maximum_backoff);
    result.next_try = backoff.next_try;
    const std::string text = "cannot list its branches: " + listed.error().to_string();
    recovery.events_({EventKind::recovery_waits, {}, name, listed.error().xa_code, text});
    result.error = std::move(listed.error());
  }
  report.resource_managers.push_back(std::move(result));
}

void Recovery::Pass::finish_decisions() {
  for (const Known& known : decisions) finish_decision(known);
}

/// Done when this pass finished every participant.
void Recovery::Pass::finish_decision(const Known& known) {
  DecisionReport unfinished{known.record.gtrid, known.record.decided_at, {}};
  for (const Participant& participant : known.record.participants) {
    const std::optional<Xid> xid = Xid::make(kFormatId, known.record.gtrid, participant.bqual);
    const auto it = sources.find(participant.resource_manager);
    BranchReport branch;
    branch.resource_manager = participant.resource_manager;
    branch.xid = xid;
    branch.gtrid = known.record.gtrid;
    branch.whose = known.whose;
    branch.commit_decided = true;
    if (!xid) {
      branch.sight = Sight::unnamed;
    } else if (finished.count({participant.resource_manager, *xid}) != 0) {
      continue;
    } else if (it == sources.end()) {
      branch.sight = Sight::unnamed;
    } else {
      branch.sight = sight(it->second, *xid, participant.resource_manager, participant.server);
    }
    const RecoveryRow& row = recovery_row({known.whose, OnRecord::commit, branch.sight});
    branch.action = row.action;
    branch.text = row.story;
    if (branch.sight == Sight::other_server) {
      branch.text += " (on record: " + participant.server + "; answering: " +
                     (it->second.server.empty() ? "a switch that cannot say" : it->second.server) +
                     ")";
      tell(EventKind::recovery_waits, branch);
    }
    // Listed ones were visited, unlisted ones asked: those are in the report already.
    const bool tried = row.action == RecoveryAction::commit;
    unfinished.text += (unfinished.text.empty() ? "" : "; ") + participant.resource_manager + ": " +
                       (tried ? said_of(participant.resource_manager, *xid) : branch.text);
    if (!tried) report.branches.push_back(std::move(branch));
  }
  if (!unfinished.text.empty()) {
    report.unfinished.push_back(std::move(unfinished));
  } else if (recovery.options_.act) {
    recovery.decisions_.done(known.record.gtrid);
    {
      const std::lock_guard lock(recovery.mutex_);
      recovery.not_arrived_.erase(known.record.gtrid);
    }
    ++report.done;
    recovery.events_({EventKind::done, to_hex(known.record.gtrid), {}, 0, "finished by recovery"});
  }
}

/// What the visit of a listed branch ended with.
std::string Recovery::Pass::said_of(const std::string& resource_manager, const Xid& xid) const {
  for (const BranchReport& branch : report.branches) {
    if (branch.resource_manager != resource_manager || branch.xid != xid) continue;
    return branch.error ? branch.text + ": " + branch.error->to_string() : branch.text;
  }
  return "not tried in this pass";
}

void Recovery::Pass::finish_report() {
  using Do = RecoveryAction;
  for (const BranchReport& b : report.branches) {
    const bool ours = is_ours(b.whose);
    report.heuristic += b.heuristic ? 1 : 0;
    if (ours && b.finished && !b.heuristic) {
      report.committed += b.action == Do::commit && b.sight == Sight::listed ? 1 : 0;
      report.rolled_back += b.action == Do::rollback ? 1 : 0;
    }
    const bool to_finish =
        b.action == Do::commit || b.action == Do::rollback || b.action == Do::wait;
    report.waiting += to_finish && !b.finished ? 1 : 0;
    report.reported += b.action == Do::report ? 1 : 0;
    report.foreign += b.whose == Whose::foreign ? 1 : 0;
    const bool at_work = b.whose == Whose::live || b.whose == Whose::in_flight;
    report.live += at_work && b.action == Do::leave ? 1 : 0;
  }
  const auto due = [this](std::chrono::steady_clock::time_point when) {
    report.next_due = report.next_due ? std::min(*report.next_due, when) : when;
  };
  // Only failing resource managers and busy branches are worth coming back for early.
  for (const ResourceManagerReport& rm : report.resource_managers) {
    if (rm.next_try) due(*rm.next_try);
  }
  const bool busy = std::any_of(report.branches.begin(), report.branches.end(), [](const auto& b) {
    return !b.finished && (b.action == Do::commit || b.action == Do::rollback);
  });
  if (found_new_decision || (busy && recovery.options_.act)) {
    due(recovery.clock_.now() + recovery.options_.first_backoff);
  }
}

}  // namespace xabridge::tm
