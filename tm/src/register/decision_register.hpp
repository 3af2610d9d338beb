// The decision register: the one authority on whether a global transaction commits
// (docs/decisions/0001-decision-register.md).
//
// Presumed rollback: only commit decisions are recorded; no record of a dead owner means rollback.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>
#include <xabridge/error.hpp>

#include "identity.hpp"

namespace xabridge::tm {

enum class Decision { commit, rollback };

/// A branch that voted commit.
struct Participant {
  std::string resource_manager;
  std::string bqual;     // bytes
  std::string server{};  // that prepared it, see ResourceManagerPort::answered_by
  friend bool operator==(const Participant&, const Participant&) = default;
};

struct DecisionRecord {
  std::string gtrid;  // bytes
  std::vector<Participant> participants;
  std::chrono::system_clock::time_point decided_at;
  bool servers_recorded = true;  // false: written by a version that did not
};

/// A resource manager decided by itself, or answered against the decision. Kept until acknowledged.
struct HeuristicRecord {
  std::string gtrid;  // bytes
  std::string resource_manager;
  std::string bqual;                       // bytes
  Decision decision = Decision::rollback;  // what stood in the register
  int code = 0;                            // XA_HEUR*, XAER_RMERR, ...
  std::string text;                        // what the server said; cut to fit the record
  std::chrono::system_clock::time_point seen_at;
};

/// Whose transaction a gtrid is, as far as this register can tell right now.
enum class Owner {
  self,  // this process, this incarnation
  live,  // another process that holds its slot
  dead,  // ended, and this process now holds its slot: its decisions are complete and readable here
  vanished,  // likewise, but it held another lock than ours (another boot or machine, a copied log
             // root): it may still be running somewhere
  stranger,  // our register id, but an incarnation never recorded here: a clone of the log root
  foreign,   // another register
};

/// Thread-safe. No call holds a lock while another waits for the disk, except to share one sync.
class DecisionRegister {
 public:
  virtual ~DecisionRegister() = default;

  [[nodiscard]] virtual const RegisterId& id() const noexcept = 0;
  [[nodiscard]] virtual std::uint16_t slot() const noexcept = 0;
  [[nodiscard]] virtual const Incarnation& incarnation() const noexcept = 0;

  /// Makes `proposed` the outcome of gtrid unless one stands already; returns the one that stands,
  /// durably. Error with outcome_known = true: nothing was recorded, the transaction may be rolled
  /// back. Error with outcome_known = false: it may be on disk; leave the branches to recovery.
  virtual Result<Decision> decide(const std::string& gtrid,
                                  const std::vector<Participant>& participants,
                                  Decision proposed) = 0;
  /// Every branch has answered finally. Not forced: a lost one costs recovery a question.
  virtual void done(const std::string& gtrid) noexcept = 0;
  /// Durable on return. Call before xa_forget.
  virtual Result<void> heuristic(const HeuristicRecord& record) = 0;

  // --- Recovery. One at a time: begin_pass, questions, end_pass, with no server asked in between:
  // what is taken over looks alive to other processes until it is given back. ---

  /// Takes over the slots of dead owners that have unfinished decisions.
  virtual Result<void> begin_pass() = 0;
  /// Takes over the owner's slot when it is free; so `dead` is an answer that stays true until
  /// end_pass().
  virtual Result<Owner> owner_of(const Gtrid& gtrid) = 0;
  /// The commit decision on record for a gtrid whose owner is self or dead; nullopt: none, so
  /// rollback.
  virtual std::optional<DecisionRecord> decision(const std::string& gtrid) = 0;
  /// From now on `participant.server` is what stands in the decision for that participant: what
  /// was learnt of its server outlives this process. Durable on return.
  virtual Result<void> evidence(const std::string& gtrid, const Participant& participant) = 0;
  /// Commit decisions not done, of this process and of dead owners.
  virtual std::vector<DecisionRecord> unfinished() = 0;
  /// Heuristic records nobody acknowledged, likewise.
  virtual std::vector<HeuristicRecord> heuristics() = 0;
  /// Gives back the slots that were taken over.
  virtual void end_pass() noexcept = 0;
};

}  // namespace xabridge::tm
