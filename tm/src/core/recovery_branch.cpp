// One branch in a recovery pass: whose it is, which row of the table applies, what its resource
// manager answers.
#include <algorithm>
#include <utility>
#include <xabridge/codes.hpp>

#include "recovery_pass.hpp"

namespace xabridge::tm {
namespace {

/// The register's answer as the table's column.
struct WhoseRow {
  Owner owner;
  Whose whose;
};
constexpr WhoseRow kOwners[] = {
    {Owner::self, Whose::self},         {Owner::live, Whose::live},
    {Owner::dead, Whose::dead},         {Owner::vanished, Whose::vanished},
    {Owner::stranger, Whose::stranger}, {Owner::foreign, Whose::foreign},
};

std::string detail(std::string_view why, const std::optional<Error>& error) {
  std::string text(why);
  if (error) text += ": " + error->to_string();
  return text;
}

}  // namespace

Whose Recovery::Pass::whose_of(Owner owner) noexcept {
  for (const WhoseRow& row : kOwners) {
    if (row.owner == owner) return row.whose;
  }
  return Whose::foreign;
}

Result<Whose> Recovery::Pass::whose(const Xid& xid) const {
  if (xid.format_id() != kFormatId) return Whose::foreign;
  const std::optional<Gtrid> gtrid = Gtrid::decode(xid.gtrid());
  if (!gtrid) return Whose::foreign;
  Result<Owner> owner = recovery.decisions_.owner_of(*gtrid);
  if (!owner) return std::move(owner.error());
  // Before the decision is read, never after: see the order in recovery.hpp.
  if (*owner == Owner::self && at_work(xid.gtrid())) return Whose::in_flight;
  return whose_of(*owner);
}

bool Recovery::Pass::listed_by_another(const Xid& xid, const std::string& name) const {
  return std::any_of(sources.begin(), sources.end(), [&](const auto& other) {
    return other.first != name && other.second.xids.count(xid) != 0;
  });
}

/// How the resource manager named in the bqual sees the branch. `source` is that resource manager.
Sight Recovery::Pass::sight(const Source& source, const Xid& xid, const std::string& name) const {
  if (!source.listed) return Sight::unreachable;
  if (source.xids.count(xid) != 0) return Sight::listed;
  return listed_by_another(xid, name) ? Sight::elsewhere : Sight::absent;
}

/// Asked of every resource manager: some cannot tell, and one that can speaks for all.
OwnerSessions Recovery::Pass::sessions(const Xid& xid) {
  const std::optional<Gtrid> gtrid = Gtrid::decode(xid.gtrid());
  if (!gtrid) return OwnerSessions::cannot_tell;
  const std::string tag = owner_tag(gtrid->register_id, gtrid->incarnation);
  if (const auto it = owners.find(tag); it != owners.end()) return it->second;
  OwnerSessions result = OwnerSessions::none;
  for (auto& [name, source] : sources) {
    const std::optional<long> count =
        source.listed ? source.port->owner_sessions(tag) : std::nullopt;
    if (!count) result = OwnerSessions::cannot_tell;
    if (count && *count > 0) {
      result = OwnerSessions::connected;
      break;
    }
  }
  owners.emplace(tag, result);
  return result;
}

/// A branch that `source` lists.
void Recovery::Pass::visit(Source& source, const Xid& xid) {
  BranchReport branch;
  branch.resource_manager = source.port->name();
  branch.xid = xid;
  branch.gtrid = std::string(xid.gtrid());

  Result<Whose> who = whose(xid);
  if (!who) {
    branch.whose = Whose::live;  // as good as: somebody may be at work on it
    branch.action = RecoveryAction::report;
    branch.text = detail("the decision register cannot say whose it is", who.error());
    branch.error = std::move(who.error());
    tell(EventKind::warning, branch);
    report.branches.push_back(std::move(branch));
    return;
  }
  branch.whose = *who;
  Situation situation;
  situation.whose = *who;
  if (is_ours(*who)) {
    const std::optional<std::string> name = bqual_name(xid.bqual());
    const auto named = name ? sources.find(*name) : sources.end();
    situation.sight = named == sources.end() ? Sight::unnamed : sight(named->second, xid, *name);
    // The same database under two names: only the one in the bqual acts.
    if (situation.sight == Sight::listed && named->second.port != source.port) return;
    const bool commit = recovery.decisions_.decision(branch.gtrid).has_value();
    branch.commit_decided = commit;
    situation.on_record = commit ? OnRecord::commit : OnRecord::none;
    if (*who == Whose::vanished && !commit && situation.sight == Sight::listed) {
      situation.sessions = sessions(xid);
    }
    found_new_decision |=
        commit && std::none_of(decisions.begin(), decisions.end(), [&](const Known& known) {
          return known.record.gtrid == branch.gtrid;
        });
  }
  const RecoveryRow& row = recovery_row(situation);
  branch.sight = situation.sight;
  branch.action = row.action;
  branch.text = row.story;
  report.branches.push_back(std::move(branch));
  BranchReport& kept = report.branches.back();

  if (row.action == RecoveryAction::commit) {
    const bool first = no_commit_arrived(xid);
    act(source, kept, first ? Phase::recover_first : Phase::recover_commit, Verb::commit);
  }
  if (row.action == RecoveryAction::rollback) {
    act(source, kept, Phase::recover_rollback, Verb::rollback);
  }
  if (row.action == RecoveryAction::wait) tell(EventKind::recovery_waits, kept);
  if (row.action == RecoveryAction::report) tell_once(EventKind::warning, source, kept);
  if (*who == Whose::foreign) tell_once(EventKind::foreign, source, kept);
}

/// Participants of decisions that `source` does not list. Its list shows what its user may see in
/// its database; whether the branch exists is another question, so the branch is asked to commit.
void Recovery::Pass::ask_unlisted(Source& source) {
  for (const Known& known : decisions) {
    for (const Participant& participant : known.record.participants) {
      if (stopped()) return;
      if (participant.resource_manager == source.port->name()) {
        ask_unlisted(source, known, participant);
      }
    }
  }
}

void Recovery::Pass::ask_unlisted(Source& source, const Known& known,
                                  const Participant& participant) {
  const auto xid = Xid::make(kFormatId, known.record.gtrid, participant.bqual);
  if (!xid || sight(source, *xid, participant.resource_manager) != Sight::absent) return;
  const RecoveryRow& row = recovery_row({known.whose, OnRecord::commit, Sight::absent});
  BranchReport branch;
  branch.resource_manager = participant.resource_manager;
  branch.xid = xid;
  branch.gtrid = known.record.gtrid;
  branch.whose = known.whose;
  branch.commit_decided = true;
  branch.sight = Sight::absent;
  branch.action = row.action;
  branch.text = row.story;
  report.branches.push_back(std::move(branch));
  const bool first = no_commit_arrived(*xid);
  act(source, report.branches.back(), first ? Phase::recover_first_unseen : Phase::recover_unseen,
      Verb::commit);
}

void Recovery::Pass::act(Source& source, BranchReport& branch, Phase phase, Verb verb) {
  if (!recovery.options_.act) return;
  const auto index = static_cast<std::size_t>(&branch - report.branches.data());
  judge(source, index, phase, verb, source.port->call(verb, *branch.xid));
}

/// One fresh list for everything that was answered: only what the server no longer shows is
/// finished.
void Recovery::Pass::confirm(Source& source) {
  if (source.to_confirm.empty()) return;
  const auto pending = std::exchange(source.to_confirm, {});
  std::set<Xid> still;
  CallAnswer no_list{XAER_RMFAIL, std::nullopt};
  bool known = false;
  if (!stopped()) {
    Result<std::vector<Xid>> listed = source.port->list();
    known = listed.ok();
    if (known) {
      still.insert(listed->begin(), listed->end());
    } else {
      no_list.error = std::move(listed.error());
    }
  }
  for (const auto& [index, phase] : pending) {
    const bool listed = still.count(*report.branches[index].xid) != 0;
    judge(source, index, phase, Verb::confirm,
          known ? CallAnswer{listed ? XA_OK : XAER_NOTA, std::nullopt} : no_list);
  }
}

/// What an answer changes, by its row of the outcome table.
void Recovery::Pass::judge(Source& source, std::size_t index, Phase phase, Verb verb,
                           CallAnswer answer) {
  const Answered answered = classify(answer);
  const OutcomeRow& row = lookup(phase, verb, answered);
  BranchReport& branch = report.branches[index];
  if (tm::no_commit_arrived(phase) && !tm::no_commit_arrived(row.next)) {
    commit_may_have_arrived(*branch.xid);
  }
  if (answer.error) {
    branch.error = std::move(answer.error);
  } else if (verb != Verb::confirm && answer.code != XA_OK) {
    Error error;
    error.xa_code = answer.code;
    error.operation = to_string(verb);
    error.resource_manager = branch.resource_manager;
    error.xid = branch.xid->to_string();
    error.message = row.reason;
    branch.error = std::move(error);
  }
  branch.text = row.reason;

  switch (row.action) {
    case Action::confirm:
      source.to_confirm.emplace_back(index, row.next);
      return;
    case Action::final:
      branch.finished = true;
      finished.insert({branch.resource_manager, *branch.xid});
      // That a commit had arrived before is no news.
      if (phase == Phase::recover_unseen) return;
      tell(row.state == BranchState::committed ? EventKind::recovered_commit
                                               : EventKind::recovered_rollback,
           branch);
      return;
    case Action::heuristic:
    case Action::note:
      heuristic(source, branch, row, answered, answer.code);
      return;
    case Action::retry:
      // A session that the server still keeps for an owner that is proved dead, for the host has
      // vanished, or a child has its connection.
      if (branch.whose == Whose::dead && answer.code == XA_RETRY)
        end_sessions_of_owner(source, branch);
      tell(EventKind::recovery_waits, branch);
      return;
    default:  // leave: the answer means that trying again will not help before somebody looked
      tell(EventKind::warning, branch);
      return;
  }
}

void Recovery::Pass::end_sessions_of_owner(Source& source, const BranchReport& branch) {
  const std::optional<Gtrid> gtrid = Gtrid::decode(branch.gtrid);
  if (gtrid) source.port->end_owner_sessions(owner_tag(gtrid->register_id, gtrid->incarnation));
}

/// Record, then forget: the other order could lose the only evidence.
void Recovery::Pass::heuristic(Source& source, BranchReport& branch, const OutcomeRow& row,
                               Answered answered, int code) {
  const bool held =
      row.action == Action::heuristic;  // the resource manager keeps it until xa_forget
  const BranchState state = held ? heuristic_state(answered) : row.state;
  if (!held && branch.error) code = branch.error->xa_code;
  branch.text = std::string(to_string(state)) + ": " + std::string(row.reason);

  const std::string bqual(branch.xid->bqual());
  if (recorded.count({branch.resource_manager, branch.gtrid + bqual}) == 0) {
    const HeuristicRecord record{branch.gtrid,
                                 branch.resource_manager,
                                 bqual,
                                 branch.commit_decided ? Decision::commit : Decision::rollback,
                                 code,
                                 branch.error ? branch.error->server_text : std::string(),
                                 recovery.clock_.wall()};
    if (Result<void> kept = recovery.decisions_.heuristic(record); !kept) {
      branch.text += "; it could not be recorded and is left with the resource manager";
      branch.error = std::move(kept.error());
      tell(EventKind::warning, branch);
      return;
    }
    recorded.emplace(branch.resource_manager, branch.gtrid + bqual);
    branch.heuristic = true;
    tell(EventKind::heuristic, branch);
  }
  if (held) {
    const CallAnswer forgot = source.port->call(Verb::forget, *branch.xid);
    const OutcomeRow& after = lookup(Phase::heuristic, Verb::forget, classify(forgot));
    if (after.action != Action::forgotten) {
      branch.text += "; " + std::string(after.reason);
      return;
    }
  }
  branch.finished = true;
  finished.insert({branch.resource_manager, *branch.xid});
}

void Recovery::Pass::tell(EventKind kind, const BranchReport& branch) const {
  const int code = branch.error ? branch.error->xa_code : XA_OK;
  recovery.events_({kind, to_hex(branch.gtrid), branch.resource_manager, code,
                    branch.xid->to_string() + ": " + detail(branch.text, branch.error)});
}

/// Branches that are not ours to finish stay for long: told when first seen, not at every pass.
void Recovery::Pass::tell_once(EventKind kind, const Source& source,
                               const BranchReport& branch) const {
  std::set<Xid>& seen = recovery.seen_foreign_[source.port->name()];
  if (seen.insert(*branch.xid).second) tell(kind, branch);
}

}  // namespace xabridge::tm
