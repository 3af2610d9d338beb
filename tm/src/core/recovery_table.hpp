// The recovery decision table: what to do with one branch, from what is known about it. Total and
// pure.
#pragma once

#include <span>
#include <string_view>

namespace xabridge::tm {

/// Whose the branch's global transaction is.
enum class Whose {
  in_flight,  // this process, and its coordinator is at work (or the register could not tell what
              // stands)
  self,       // this process, and nobody is at work on it any more
  live,       // another process that holds its slot
  dead,       // its owner ended, the slot's lock proves it; its decisions are complete here
  vanished,   // likewise, but it held another lock (another boot or machine, a copied log root), so
              // that the lock proves nothing
  stranger,   // our register id, an incarnation never recorded: a clone of the log root made it
  foreign,    // another transaction manager's
};
inline constexpr int kWhoseCount = 7;

/// This process's to finish: nobody else is at work on it, or will be.
[[nodiscard]] constexpr bool is_ours(Whose whose) noexcept {
  return whose == Whose::self || whose == Whose::dead || whose == Whose::vanished;
}

/// What the resource manager named in the bqual says about the branch.
enum class Sight {
  listed,  // its complete list has it
  absent,  // its complete list, made after the owner was known to be idle or dead, does not have it
  unreachable,  // no list
  unnamed,  // no configured resource manager has that name (renamed, removed), or it is unreadable
  elsewhere,  // it does not list it, but another configured one does: names were exchanged
  out_of_reach,  // it shows it and does not let us complete it: another role, another database
  other_server,  // not in its list, but another server than the one on record has made that list
};
inline constexpr int kSightCount = 7;

/// What the register has on record. For live, stranger and foreign it is not asked.
enum class OnRecord { none, commit };
inline constexpr int kOnRecordCount = 2;

/// Sessions of a vanished owner, at any resource manager: where one is connected, the owner may be
/// alive and about to decide. For others it is not asked.
enum class OwnerSessions { none, connected, cannot_tell };
inline constexpr int kOwnerSessionsCount = 3;

struct Situation {
  Whose whose = Whose::foreign;
  OnRecord on_record = OnRecord::none;
  Sight sight = Sight::listed;
  OwnerSessions sessions = OwnerSessions::none;
};

enum class RecoveryAction {
  commit,    // xa_commit
  rollback,  // xa_rollback
  wait,      // ours to finish, not now: the next pass asks again
  leave,     // somebody else's, or somebody is at work on it
  report,    // never touched; an operator should look
  done,      // finished: this participant no longer holds the decision back
};

struct RecoveryRow {
  std::string_view name;  // short, for messages and tests
  bool (*applies)(const Situation&) noexcept;
  RecoveryAction action;
  std::string_view story;  // which crash leads here, and why this is right
};

[[nodiscard]] std::span<const RecoveryRow> recovery_rows() noexcept;
/// The one row that applies.
[[nodiscard]] const RecoveryRow& recovery_row(const Situation& situation) noexcept;

[[nodiscard]] std::string_view to_string(Whose whose) noexcept;
[[nodiscard]] std::string_view to_string(RecoveryAction action) noexcept;

}  // namespace xabridge::tm
