// The end of a pass: which decisions are finished, what is told of it, and one report of what all
// lanes say.
#include <algorithm>
#include <iterator>
#include <utility>

#include "recovery_pass.hpp"

namespace xabridge::tm {

/// With the slot the transaction is of taken over, if it can be had.
Result<void> Recovery::Pass::in_slot_of(
    const std::string& gtrid, const std::function<Result<void>(DecisionRegister&)>& record) {
  const RegisterSection open(recovery);
  if (!open.begun()) return open.begun();
  if (const auto decoded = Gtrid::decode(gtrid)) {
    (void)recovery.decisions_.owner_of(*decoded);  // takes it over
  }
  return record(recovery.decisions_);
}

/// Where the slot cannot be had, in this process's own.
Result<void> Recovery::Pass::record_heuristic(const HeuristicRecord& record) {
  return in_slot_of(record.gtrid, [&](DecisionRegister& reg) { return reg.heuristic(record); });
}

void Recovery::Pass::finish_decisions() {
  for (const Known& known : decisions) finish_decision(known);
}

/// Done when every participant is finished. In a lane, each says what it knows of its own.
void Recovery::Pass::finish_decision(const Known& known) {
  if (done_meanwhile(known)) return;
  // Another process may have taken the slot.
  const std::optional<Gtrid> gtrid = Gtrid::decode(known.record.gtrid);
  const auto owner = recovery.decisions_.owner_of(*gtrid);
  if (!owner || whose_of(*owner) != known.whose) return;
  if (!recovery.decisions_.decision(known.record.gtrid)) return;

  DecisionReport unfinished{known.record.gtrid, known.record.decided_at, {}};
  for (const Participant& participant : known.record.participants) {
    const std::string& name = participant.resource_manager;
    const std::optional<Xid> xid = Xid::make(kFormatId, known.record.gtrid, participant.bqual);
    if (xid && is_finished(name, *xid)) continue;
    const auto it = sources.find(name);
    BranchReport branch;
    branch.resource_manager = name;
    branch.xid = xid;
    branch.gtrid = known.record.gtrid;
    branch.whose = known.whose;
    branch.commit_decided = true;
    branch.sight = !xid || it == sources.end()
                       ? Sight::unnamed
                       : sight(it->second, *xid, name, participant.server);
    const RecoveryRow& row = recovery_row({known.whose, OnRecord::commit, branch.sight});
    branch.action = row.action;
    branch.text = row.story;
    const bool others = it != sources.end() && it->second.port == nullptr;
    if (branch.sight == Sight::other_server) {
      branch.text += " (on record: " + participant.server + "; answering: " +
                     (it->second.server.empty() ? "a switch that cannot say" : it->second.server) +
                     ")";
      if (!others) tell(EventKind::recovery_waits, branch);
    }
    // Listed ones and those out of reach were visited, unlisted ones asked: those are in the report
    // already.
    const bool tried =
        row.action == RecoveryAction::commit || branch.sight == Sight::out_of_reach;
    unfinished.waits_for[name] = tried ? said_of(name, *xid) : branch.text;
    if (!tried && !others) report.branches.push_back(std::move(branch));
  }
  if (!unfinished.waits_for.empty()) {
    report.unfinished.push_back(std::move(unfinished));
  } else if (recovery.options_.act) {
    recovery.decisions_.done(known.record.gtrid);
    {
      const std::lock_guard lock(recovery.mutex_);
      recovery.not_arrived_.erase(known.record.gtrid);
      recovery.progress_.erase(known.record.gtrid);
    }
    ++report.done;
    report.finished_decisions.push_back(known.record.gtrid);
    recovery.events_(
        {EventKind::done, transaction_text(known.record.gtrid), {}, 0, "finished by recovery"});
  }
}

void Recovery::Pass::finish_report() {
  count_branches(report);
  const auto due = [this](std::chrono::steady_clock::time_point when) {
    report.next_due = report.next_due ? std::min(*report.next_due, when) : when;
  };
  // Only failing resource managers and busy branches are worth coming back for early.
  for (const ResourceManagerReport& rm : report.resource_managers) {
    if (rm.next_try) due(*rm.next_try);
  }
  const bool late = std::any_of(sources.begin(), sources.end(),
                                [](const auto& entry) { return entry.second.late; });
  const bool busy = std::any_of(report.branches.begin(), report.branches.end(), [](const auto& b) {
    return !b.finished &&
           (b.action == RecoveryAction::commit || b.action == RecoveryAction::rollback);
  });
  if (!late && (found_new_decision || (busy && recovery.options_.act))) {
    due(recovery.clock_.now() + recovery.options_.first_backoff);
  }
}

void count_branches(PassReport& report) {
  using Do = RecoveryAction;
  report.heuristic = report.committed = report.rolled_back = report.waiting = 0;
  report.reported = report.foreign = report.live = 0;
  for (const BranchReport& b : report.branches) {
    report.heuristic += b.heuristic ? 1 : 0;
    if (is_ours(b.whose) && b.finished && !b.heuristic) {
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
}

std::string DecisionReport::text() const {
  std::string text;
  for (const auto& [name, why] : waits_for) {
    text.append(text.empty() ? "" : "; ").append(name).append(": ").append(why);
  }
  return text;
}

/// Who spoke in a report for itself.
static bool speaks(const PassReport& report, const std::string& name) {
  return std::any_of(report.resource_managers.begin(), report.resource_managers.end(),
                     [&](const auto& rm) { return rm.name == name; });
}

/// A lane that has not listed another's branches takes them for out of sight: what that other one
/// says of them counts, also that it says nothing.
static void merge_unfinished(PassReport& report, PassReport& later) {
  for (DecisionReport& decision : later.unfinished) {
    const auto before =
        std::find_if(report.unfinished.begin(), report.unfinished.end(),
                     [&](const auto& other) { return other.gtrid == decision.gtrid; });
    if (before == report.unfinished.end()) {
      report.unfinished.push_back(std::move(decision));
      continue;
    }
    DecisionReport merged = decision;
    std::erase_if(merged.waits_for, [&](const auto& part) {
      return speaks(report, part.first) && !speaks(later, part.first);
    });
    for (const auto& [name, why] : before->waits_for) {
      if (!speaks(later, name)) merged.waits_for.emplace(name, why);
    }
    if (!merged.waits_for.empty()) *before = std::move(merged);
  }
  std::erase_if(report.unfinished, [&](const DecisionReport& decision) {
    const auto& done = report.finished_decisions;
    return std::find(done.begin(), done.end(), decision.gtrid) != done.end();
  });
}

void merge(PassReport& report, PassReport later) {
  const auto of_later = [&](const std::string& name) { return speaks(later, name); };
  const auto known = [](const auto& branches, const BranchReport& branch) {
    return std::any_of(branches.begin(), branches.end(), [&](const BranchReport& other) {
      return other.resource_manager == branch.resource_manager && other.xid == branch.xid &&
             other.gtrid == branch.gtrid;
    });
  };
  report.finished_decisions.insert(report.finished_decisions.end(),
                                   later.finished_decisions.begin(),
                                   later.finished_decisions.end());
  merge_unfinished(report, later);
  std::erase_if(report.resource_managers, [&](const auto& rm) { return of_later(rm.name); });
  std::erase_if(report.branches, [&](const BranchReport& branch) {
    return known(later.branches, branch) || (of_later(branch.resource_manager) && !branch.finished);
  });
  std::move(later.resource_managers.begin(), later.resource_managers.end(),
            std::back_inserter(report.resource_managers));
  std::move(later.branches.begin(), later.branches.end(), std::back_inserter(report.branches));
  report.done += later.done;
  report.completed = report.completed && later.completed;
  if (later.error) report.error = std::move(later.error);
  if (later.next_due && (!report.next_due || *later.next_due < *report.next_due)) {
    report.next_due = later.next_due;
  }
  report.waits_for.insert(later.waits_for.begin(), later.waits_for.end());
  count_branches(report);
}

}  // namespace xabridge::tm
