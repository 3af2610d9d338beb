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

/// What a heuristic record says to people. A foreign switch has no words of its server.
std::string words_of(const BranchReport& branch, const OutcomeRow& row) {
  if (branch.error && !branch.error->server_text.empty()) return branch.error->server_text;
  if (branch.error && !branch.error->message.empty()) return branch.error->message;
  return std::string(row.reason);
}

std::string detail(std::string_view why, const std::optional<Error>& error) {
  std::string text(why);
  if (error) text += ": " + error->to_string();
  return text;
}

/// What an event's own fields do not tell of a branch: an XID of another layout, and the resource
/// manager in one of ours when another one lists it.
std::string which_branch(const BranchReport& branch) {
  const std::string text = branch_text(*branch.xid);
  if (text != transaction_text(branch.gtrid)) return text + ": ";
  const std::optional<std::string> name = bqual_name(branch.xid->bqual());
  return !name || *name == branch.resource_manager ? "" : "branch of '" + *name + "': ";
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
Sight Recovery::Pass::sight(const Source& source, const Xid& xid, const std::string& name,
                            const std::string& server) const {
  if (!source.listed) return Sight::unreachable;
  if (source.xids.count(xid) != 0) return Sight::listed;
  if (listed_by_another(xid, name)) return Sight::elsewhere;
  if (source.out_of_reach.count(xid) != 0) return Sight::out_of_reach;
  if (shown_by_any(xid)) return Sight::elsewhere;
  const bool other = !server.empty() && !same_server(server, source.server);
  return other ? Sight::other_server : Sight::absent;
}

/// Which server has the branch, as the decision says; empty: it does not.
std::string Recovery::Pass::prepared_by(const DecisionRecord* decision, const std::string& name,
                                        const Xid& xid) {
  if (decision == nullptr) return {};
  for (const Participant& participant : decision->participants) {
    if (participant.resource_manager == name && participant.bqual == xid.bqual())
      return participant.server;
  }
  return {};
}

/// Of a decision on record.
bool Recovery::Pass::is_done(const std::string& gtrid) const {
  const auto open = recovery.decisions_.unfinished();
  return std::none_of(open.begin(), open.end(),
                      [&](const DecisionRecord& record) { return record.gtrid == gtrid; });
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
    branch.text = detail("the decision log cannot say whose it is", who.error());
    branch.error = std::move(who.error());
    tell(EventKind::warning, branch);
    report.branches.push_back(std::move(branch));
    return;
  }
  branch.whose = *who;
  bool sessions_not_asked = false;
  Situation situation;
  situation.whose = *who;
  std::optional<DecisionRecord> decision;
  if (is_ours(*who)) {
    const std::optional<std::string> name = bqual_name(xid.bqual());
    const auto named = name ? sources.find(*name) : sources.end();
    situation.sight = named == sources.end() ? Sight::unnamed : sight(named->second, xid, *name);
    if (situation.sight == Sight::elsewhere && too_old(named->second, source, xid)) {
      wait_for(source, *name);
      situation.sight = Sight::unreachable;
    }
    // The same database under two names: only the one in the bqual acts.
    if (situation.sight == Sight::listed && named->second.port != source.port) return;
    decision = recovery.decisions_.decision(branch.gtrid);
    const bool commit = decision.has_value();
    branch.commit_decided = commit;
    situation.on_record = commit ? OnRecord::commit : OnRecord::none;
    if (*who == Whose::vanished && !commit && situation.sight == Sight::listed) {
      situation.sessions = sessions(source, xid, sessions_not_asked);
      if (sessions_not_asked && may_postpone) {
        source.postponed.push_back(xid);
        return;
      }
    }
    const auto same = [&](const Known& known) { return known.record.gtrid == branch.gtrid; };
    const bool news = commit && std::none_of(decisions.begin(), decisions.end(), same);
    found_new_decision |= news;
    branch.came_back = news && is_done(branch.gtrid);
  }
  const RecoveryRow& row = recovery_row(situation);
  branch.sight = situation.sight;
  branch.action = row.action;
  branch.text = sessions_not_asked ? "whether its vanished owner is still connected is being asked "
                                     "of the other resource managers"
                                   : row.story;
  report.branches.push_back(std::move(branch));
  BranchReport& kept = report.branches.back();

  if (row.action == RecoveryAction::commit) {
    const bool first = no_commit_arrived(xid);
    const std::string server =
        prepared_by(decision ? &*decision : nullptr, source.port->name(), xid);
    act(source, kept, first ? Phase::recover_first : Phase::recover_commit, Verb::commit, server);
  }
  if (row.action == RecoveryAction::rollback) {
    act(source, kept, Phase::recover_rollback, Verb::rollback, {});
  }
  if (row.action == RecoveryAction::wait) tell(EventKind::recovery_waits, kept);
  if (row.action == RecoveryAction::report) tell_once(EventKind::warning, source, kept);
  if (*who == Whose::foreign) tell_once(EventKind::foreign, source, kept);
  if (*who == Whose::foreign) note_another_log(source, xid);
}

/// A branch of another register, for a resource manager of this service's. When the log directory
/// is not the one of before, the first list of a process shows such branches; in later ones they
/// are the work of another service. A container has another host name with each start.
void Recovery::Pass::note_another_log(const Source& source, const Xid& xid) {
  if (recovery.options_.host.empty()) return;
  const auto origin = origin_of(xid);
  if (!origin || sources.count(origin->resource_manager) == 0) return;
  {
    const std::lock_guard lock(recovery.mutex_);
    if (recovery.lanes_[source.port->name()].lists != 1) return;
  }
  const Gtrid& gtrid = origin->gtrid;
  AnotherLog& theirs =
      of_another_log[source.port->name()][owner_tag(gtrid.register_id, gtrid.incarnation)];
  ++theirs.branches;
  theirs.host = gtrid.host;
}

/// Once in the life of the process. Whose owner is connected is the work of a service that runs.
void Recovery::Pass::tell_of_another_log() {
  for (const auto& [name, owners] : of_another_log) {
    std::size_t count = 0;
    std::set<std::string> hosts;
    for (const auto& [tag, theirs] : owners) {
      if (stopped()) return;
      if (sources[name].port->owner_sessions(tag).value_or(0) != 0) continue;
      count += theirs.branches;
      hosts.insert(theirs.host == recovery.options_.host ? "this host" : theirs.host);
    }
    if (count == 0) continue;
    {
      const std::lock_guard lock(recovery.mutex_);
      if (std::exchange(recovery.told_of_another_log_, true)) return;
    }
    std::string where;
    for (const std::string& host : hosts) where += (where.empty() ? "" : ", ") + host;
    const std::string text =
        "branches for this service's resource managers are prepared here under another decision "
        "log (" +
        std::to_string(count) + " of them, begun on " + where +
        "); they are left alone. If no other service uses this server, the log of this service is "
        "missing: stop the service, look at log.directory and whether its volume is mounted. "
        "`xabridge status` shows the branches";
    recovery.events_({EventKind::warning, {}, name, 0, text});
  }
}

/// Participants of decisions that `source` does not list. Its list shows what its user may see in
/// its database; whether the branch exists is another question, so the branch is asked to commit.
void Recovery::Pass::ask_unlisted(Source& source) {
  for (const Known& known : decisions) {
    if (done_meanwhile(known)) continue;
    for (const Participant& participant : known.record.participants) {
      if (participant.resource_manager == source.port->name()) {
        ask_unlisted(source, known, participant);
      }
    }
  }
}

void Recovery::Pass::ask_unlisted(Source& source, const Known& known,
                                  const Participant& participant) {
  const auto xid = Xid::make(kFormatId, known.record.gtrid, participant.bqual);
  const std::string& server = participant.server;
  if (!xid || sight(source, *xid, participant.resource_manager, server) != Sight::absent) return;
  if (is_finished(participant.resource_manager, *xid)) return;
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
  if (!all_listed_since(known, source)) {
    // Under exchanged names another one may hold it, and this one's XAER_NOTA would end the matter.
    branch.action = RecoveryAction::wait;
    branch.text = "not listed; whether another resource manager holds it under an exchanged name "
                  "is not known before all of them have listed their branches";
    report.branches.push_back(std::move(branch));
    return;
  }
  report.branches.push_back(std::move(branch));
  const bool first = no_commit_arrived(*xid);
  // Where a switch can say which server answers and the record cannot, "unknown" is no proof.
  const bool old = server.empty() && !source.server.empty();
  const Phase unseen = old ? Phase::recover_old_unseen : Phase::recover_unseen;
  act(source, report.branches.back(), first ? Phase::recover_first_unseen : unseen, Verb::commit,
      server);
}

/// Decided here, while the register is open; called when it is closed, see act_all(). `server`:
/// that prepared the branch, as far as that is on record; else it is the one that lists it.
void Recovery::Pass::act(Source& source, BranchReport& branch, Phase phase, Verb verb,
                         const std::string& server) {
  if (!recovery.options_.act) return;
  const auto index = static_cast<std::size_t>(&branch - report.branches.data());
  source.to_act.push_back({index, phase, verb, server});
}

/// One fresh list for everything that was answered: only what the server no longer shows is
/// finished.
void Recovery::Pass::confirm(Source& source) {
  if (source.to_confirm.empty()) return;
  const auto pending = std::exchange(source.to_confirm, {});
  Listing still;
  CallAnswer no_list{XAER_RMFAIL, std::nullopt};
  bool known = false;
  if (!source.late && !stopped()) {
    Result<Listing> listed = look(*source.port);
    known = listed.ok();
    if (known) {
      still = *std::move(listed);
    } else {
      no_list.error = std::move(listed.error());
    }
  }
  for (const auto& [index, phase, server] : pending) {
    const bool listed = still.holds(*report.branches[index].xid);
    judge(source, index, phase, Verb::confirm,
          known ? CallAnswer{listed ? XA_OK : XAER_NOTA, std::nullopt, still.server} : no_list,
          server);
  }
}

/// What an answer changes, by its row of the outcome table.
void Recovery::Pass::judge(Source& source, std::size_t index, Phase phase, Verb verb,
                           CallAnswer answer, const std::string& server) {
  const Answered answered = classify(answer, server);
  if (answered == Answered::elsewhere) explain_elsewhere(answer, server);
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
    error.xid = branch_text(*branch.xid);
    error.message = row.reason;
    branch.error = std::move(error);
  }
  branch.text = row.reason;

  switch (row.action) {
    case Action::confirm:
      // A yes is confirmed by the list of whoever said it.
      source.to_confirm.push_back(
          {index, row.next, answer.server.empty() ? server : answer.server});
      return;
    case Action::final:
      branch.finished = true;
      keep_finished(branch);
      // That a commit had arrived before is no news.
      if (phase == Phase::recover_unseen) return;
      if (branch.came_back && row.state == BranchState::committed)
        branch.text +=
            ", after its decision had been closed without it: its server was given up, or had "
            "answered that it did not know it. What was done by hand in its place is there twice "
            "now";
      tell(row.state == BranchState::committed ? EventKind::recovered_commit
                                               : EventKind::recovered_rollback,
           branch);
      if (branch.came_back && row.state == BranchState::committed) tell(EventKind::warning, branch);
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

/// A server that could not tell what became of the branch may look later as if it could: restarted
/// once more, it does not show any more that it had been put back. So that it could not is kept.
void Recovery::Pass::keep_evidence(const BranchReport& branch, const std::string& on_record,
                                   const CallAnswer& answer) {
  const bool says_more = answer.server.find(' ') != std::string::npos;
  if (answer.code != XA_RETRY || on_record.empty() || answer.server == on_record || !says_more ||
      !same_server(answer.server, on_record))
    return;
  const Participant learnt{branch.resource_manager, std::string(branch.xid->bqual()),
                           answer.server};
  const Result<void> kept = in_slot_of(branch.gtrid, [&](DecisionRegister& reg) {
    return reg.evidence(branch.gtrid, learnt);
  });
  if (kept) return;
  BranchReport told = branch;
  told.text = detail("that the server cannot tell could not be recorded", kept.error());
  tell(EventKind::warning, told);
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
                                 words_of(branch, row),
                                 recovery.clock_.wall()};
    if (Result<void> kept = record_heuristic(record); !kept) {
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
  keep_finished(branch);
}

void Recovery::Pass::tell(EventKind kind, const BranchReport& branch) const {
  const int code = branch.error ? branch.error->xa_code : XA_OK;
  recovery.events_({kind, transaction_text(branch.gtrid), branch.resource_manager, code,
                    which_branch(branch) + detail(branch.text, branch.error)});
}

/// Branches that are not ours to finish stay for long: told when first seen, not at every pass.
void Recovery::Pass::tell_once(EventKind kind, const Source& source,
                               const BranchReport& branch) const {
  const bool first = [&] {
    const std::lock_guard lock(recovery.mutex_);
    return recovery.lanes_[source.port->name()].seen_foreign.insert(*branch.xid).second;
  }();
  if (first) tell(kind, branch);
}

}  // namespace xabridge::tm
