// The rows of the recovery decision table. Each tells which crash leads to it and why the action is
// right.
//
//                    |  listed          absent   unreachable,   unnamed,   out of reach
//                    |                           other server   elsewhere
//   -----------------+----------------------------------------------------------------------
//   foreign          |  leave           leave    leave          leave      leave
//   stranger         |  report          report   report         report     report
//   live, in flight  |  leave           leave    leave          leave      leave
//   self, commit     |  commit          commit   wait           report     wait
//   self, none       |  rollback        done     wait           report     wait
//   dead, commit     |  commit          commit   wait           report     wait
//   dead, none       |  rollback        done     wait           report     wait
//   vanished, commit |  commit          commit   wait           report     wait
//   vanished, none   |  rollback, wait  done     wait           report     wait
//
// A list says what its server has, and nothing about what another server has: an address may lead
// elsewhere for a minute. Who lists a branch may complete it, whichever server that is; that a
// branch is gone only the server on record can say. How an answer to xa_commit or xa_rollback is
// read by the same rule is Answered::elsewhere (outcome_table.hpp).
//
// A commit decision read for a transaction that is neither ours nor dead cannot be: it is not asked
// for.
#include "recovery_table.hpp"

#include <cassert>

namespace xabridge::tm {
namespace {

using S = const Situation&;
using Do = RecoveryAction;

constexpr bool ours(S s) noexcept { return is_ours(s.whose); }
constexpr bool decided(S s) noexcept { return s.on_record == OnRecord::commit; }
constexpr bool misnamed(S s) noexcept {
  return s.sight == Sight::unnamed || s.sight == Sight::elsewhere;
}

constexpr RecoveryRow kRows[] = {
    {"foreign", [](S s) noexcept { return s.whose == Whose::foreign && !decided(s); }, Do::leave,
     "another transaction manager's branch, or one of another decision log: never touched"},
    {"stranger", [](S s) noexcept { return s.whose == Whose::stranger && !decided(s); }, Do::report,
     "made by a copy of this log root, whose decisions are in that copy: never touched; run "
     "recovery there"},
    {"live", [](S s) noexcept { return s.whose == Whose::live && !decided(s); }, Do::leave,
     "another process holds its slot: it is at work on it, or will recover it itself"},
    {"in flight", [](S s) noexcept { return s.whose == Whose::in_flight; }, Do::leave,
     "its coordinator is between two steps, or the decision log could not say what stands"},

    {"commit", [](S s) noexcept { return ours(s) && decided(s) && s.sight == Sight::listed; },
     Do::commit,
     "died, or lost the resource manager, between the decision and this branch's commit"},
    {"commit, not listed",
     [](S s) noexcept { return ours(s) && decided(s) && s.sight == Sight::absent; }, Do::commit,
     "died after this branch's commit and before the done record, most likely. But a list shows "
     "only what its user may see, and the open string may have changed: the branch is asked to "
     "commit, and only the server's word that it does not know it ends the matter"},
    {"commit, unreachable",
     [](S s) noexcept { return ours(s) && decided(s) && s.sight == Sight::unreachable; }, Do::wait,
     "the resource manager gave no list (its error says why); the decision is kept however long "
     "that takes"},
    {"commit, out of reach",
     [](S s) noexcept { return ours(s) && decided(s) && s.sight == Sight::out_of_reach; }, Do::wait,
     "the server shows it and does not let this open string complete it; the decision is kept "
     "until an account that may is configured"},
    {"commit, another server",
     [](S s) noexcept { return ours(s) && decided(s) && s.sight == Sight::other_server; }, Do::wait,
     "another server answers at its address than the one that prepared it, and does not have it: "
     "it cannot tell. The decision is kept until the right one answers; if that one is gone for "
     "good, see `xabridge heuristic forget-server`"},
    {"commit, misnamed", [](S s) noexcept { return ours(s) && decided(s) && misnamed(s); },
     Do::report,
     "no configured resource manager of that name holds it: renamed, removed or exchanged in the "
     "configuration; "
     "the decision is kept until the name is back"},

    {"undecided, own",
     [](S s) noexcept { return s.whose == Whose::self && !decided(s) && s.sight == Sight::listed; },
     Do::rollback,
     "a rollback that did not arrive, or a prepare that arrived after it: nobody can decide any "
     "more"},
    {"undecided, owner dead",
     [](S s) noexcept { return s.whose == Whose::dead && !decided(s) && s.sight == Sight::listed; },
     Do::rollback,
     "the owner died between prepare and decision: presumed rollback. Sessions it left behind may "
     "live on, and may even wait for a lock of this very branch: they cannot decide, and a prepare "
     "that arrives late is found by a later pass"},
    {"undecided, owner vanished",
     [](S s) noexcept {
       return s.whose == Whose::vanished && !decided(s) && s.sight == Sight::listed &&
              s.sessions != OwnerSessions::connected;
     },
     Do::rollback,
     "the machine was restarted, the log root moved, or the slot's lock file was deleted, after "
     "the owner died between prepare and decision. Nothing speaks for its being alive"},
    {"undecided, owner connected",
     [](S s) noexcept {
       return s.whose == Whose::vanished && !decided(s) && s.sight == Sight::listed &&
              s.sessions == OwnerSessions::connected;
     },
     Do::wait,
     "the owner is still connected, and the lock that it took is not the slot's any more: it may "
     "be alive and about to decide. It ran on another machine, or the log root was moved or "
     "copied, or the slot's lock file was deleted. When it is certainly dead, end its sessions at "
     "the server; then the branch is rolled back"},
    {"undecided, absent",
     [](S s) noexcept { return ours(s) && !decided(s) && s.sight == Sight::absent; }, Do::done,
     "nothing is prepared and nothing on record: there is nothing to do"},
    {"undecided, unreachable",
     [](S s) noexcept { return ours(s) && !decided(s) && s.sight == Sight::unreachable; }, Do::wait,
     "the resource manager gave no list (its error says why); what it lists when it does is rolled "
     "back then"},
    {"undecided, out of reach",
     [](S s) noexcept { return ours(s) && !decided(s) && s.sight == Sight::out_of_reach; },
     Do::wait,
     "to be rolled back, and it keeps its locks: the server shows it and does not let this open "
     "string complete it"},
    {"undecided, another server",
     [](S s) noexcept { return ours(s) && !decided(s) && s.sight == Sight::other_server; },
     Do::wait,
     "another server answers at its address than the one that has it: what the right one lists is "
     "rolled back then"},
    {"undecided, misnamed", [](S s) noexcept { return ours(s) && !decided(s) && misnamed(s); },
     Do::report,
     "ours, but no configured resource manager of that name holds it: renamed, removed or "
     "exchanged in the "
     "configuration"},

    {"impossible",
     [](S s) noexcept {
       return decided(s) &&
              (s.whose == Whose::foreign || s.whose == Whose::stranger || s.whose == Whose::live);
     },
     Do::report,
     "the decision log answered for a transaction that is not its to answer for: never touched"},
};

constexpr int rows_for(S situation) noexcept {
  int count = 0;
  for (const RecoveryRow& row : kRows) count += row.applies(situation) ? 1 : 0;
  return count;
}

constexpr bool exactly_one_row_each() noexcept {
  for (int w = 0; w < kWhoseCount; ++w) {
    for (int r = 0; r < kOnRecordCount; ++r) {
      for (int s = 0; s < kSightCount; ++s) {
        for (int o = 0; o < kOwnerSessionsCount; ++o) {
          const Situation situation{static_cast<Whose>(w), static_cast<OnRecord>(r),
                                    static_cast<Sight>(s), static_cast<OwnerSessions>(o)};
          if (rows_for(situation) != 1) return false;
        }
      }
    }
  }
  return true;
}
static_assert(exactly_one_row_each(), "a situation has no row, or two");

}  // namespace

std::span<const RecoveryRow> recovery_rows() noexcept { return kRows; }

const RecoveryRow& recovery_row(const Situation& situation) noexcept {
  for (const RecoveryRow& row : kRows) {
    if (row.applies(situation)) return row;
  }
  assert(false && "the table is total");
  return kRows[0];
}

}  // namespace xabridge::tm
