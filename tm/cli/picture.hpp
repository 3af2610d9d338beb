// Picture: everything in doubt, as `xabridge status` shows it: what the servers list, beside what
// the log says.
//
// Nothing is taken over and nothing is called but lists, so it may be drawn beside running
// services; it is a moment of a moving thing then.
#pragma once

#include <optional>
#include <string>
#include <vector>
#include <xabridge/config.hpp>

#include "../src/manager/resource_manager.hpp"
#include "../src/register/file/log_view.hpp"
#include "another_log.hpp"
#include "command.hpp"

namespace xabridge::cli {

/// A slot that cannot be read may have decisions that nobody carries out.
[[nodiscard]] inline Exit exit_of(const tm::LogView& log) noexcept {
  for (const tm::SlotView& slot : log.slots)
    if (slot.error) return Exit::log;
  return Exit::ok;
}

/// Whose a listed branch is.
enum class BranchOwner {
  live,  // a running process holds its slot: it is at work on it, or recovering it
  dead,  // ours, and nobody is at work on it: `xabridge recover`, or the next start, finishes it
  stranger,  // our register id, an incarnation never recorded here: a copy of the log root made it
  foreign,   // another transaction manager's, or another register's
};
[[nodiscard]] const char* to_string(BranchOwner owner) noexcept;

/// What stands about a listed branch.
enum class DecisionOnRecord {
  commit,
  none_yet,   // the owner is running and may still decide
  rollback,   // none, and nobody can decide any more: presumed rollback
  not_known,  // not ours to know, or the log cannot be read
};
[[nodiscard]] const char* to_string(DecisionOnRecord decision) noexcept;

struct PicturedBranch {
  tm::ListedBranch listed;
  BranchOwner owner = BranchOwner::foreign;
  DecisionOnRecord decision = DecisionOnRecord::not_known;
  std::string gtrid;          // hex; empty: the name is no XID
  std::string transaction;    // the gtrid for people: tm::transaction_text()
  std::string host;           // where it was begun, as its gtrid says; ours only
  long age_seconds = -1;      // -1: not known
  bool age_is_limit = false;  // it is at most that old (the server does not tell)
  std::string obstacle{};     // why it cannot be completed from here, and who can; empty: it can
};

struct PicturedResourceManager {
  std::string name;
  std::optional<Error> error;  // not reachable
  std::string server{};        // that answers; empty: it cannot say
  std::vector<PicturedBranch> branches;
};

/// A decision waits for a branch that was prepared at another server than the one that answers, or
/// at the one that answers, which could not tell whether its history still holds the branch.
struct Misplaced {
  std::string gtrid;  // bytes
  tm::Participant participant;
  std::string answers;
  bool in_doubt = false;  // the latter
};

struct Picture {
  std::vector<PicturedResourceManager> resource_managers;
  std::optional<tm::LogView> log;
  std::optional<Error> log_error;  // there is a log root, and it cannot be read
  /// Commit decisions of slots nobody holds that are not finished.
  std::vector<tm::DecisionRecord> left_decisions;
  std::vector<Misplaced> misplaced;  // running processes' decisions included
  std::vector<tm::HeuristicRecord> heuristics;
  std::optional<AnotherLog> another_log;  // by find_another_log(), which asks the servers
};

/// What one resource manager lists, and what it shows and does not let us complete.
struct Listed {
  std::string name;
  std::optional<Error> error;
  std::vector<tm::ListedBranch> branches;
  std::vector<tm::OutOfReach> out_of_reach;
  std::string server;  // that made the lists; empty: it cannot say
};
[[nodiscard]] Listed list_of(tm::ResourceManager& resource_manager);

[[nodiscard]] Picture draw(const Config& config);
/// The same, of lists that were made before.
[[nodiscard]] Picture draw(const Config& config, const std::vector<Listed>& lists);

}  // namespace xabridge::cli
