// Outcome: what became of a global transaction, as a value. Never implied by the path taken.
#pragma once

#include <xabridge/api.h>

#include <string>
#include <string_view>
#include <vector>
#include <xabridge/error.hpp>

namespace xabridge {

/// The combined answer (spec: XA 2.3, TX appendix B). Only `committed` and `committed_pending` mean
/// that the work is done; only `rolled_back` means that nothing of it is.
enum class OutcomeKind {
  committed,          // every branch is committed
  committed_pending,  // decided and durable: committed, some branches finish in the background
  rolled_back,        // no branch committed anything
  heuristic,          // a resource manager decided by itself, against or before the decision
  unknown,            // a reply was lost and nobody could be asked; see `branches` for where
};

/// What is known of one branch.
enum class BranchState {
  read_only,  // changed nothing, finished at prepare
  committed,
  rolled_back,
  pending,  // the outcome stands, recovery delivers it
  heuristic_committed,
  heuristic_rolled_back,
  heuristic_mixed,
  heuristic_hazard,  // may have been completed, nobody knows how
  unknown,
};

struct XABRIDGE_API BranchOutcome {
  std::string resource_manager;
  std::string xid;  // the whole, as its server needs it: Xid::parse() reads it
  BranchState state = BranchState::unknown;
  std::vector<Error> errors;  // everything this resource manager answered that was not XA_OK
};

/// One attempt that run() gave up and repeated.
struct XABRIDGE_API Retry {
  int attempt = 0;     // counted from 1
  std::string reason;  // who said what, as in Outcome::reason
};

struct XABRIDGE_API Outcome {
  OutcomeKind kind = OutcomeKind::unknown;
  std::string gtrid;                    // as Transaction::gtrid()
  std::vector<BranchOutcome> branches;  // in the order of enlistment
  std::string reason;                   // why not committed: who said what; empty otherwise
  int reason_code = XA_OK;              // the XA code behind `reason`, e.g. XA_RBDEADLOCK
  std::vector<Retry> retries;           // filled by run()

  /// The decision is commit and durable.
  [[nodiscard]] bool committed() const noexcept {
    return kind == OutcomeKind::committed || kind == OutcomeKind::committed_pending;
  }
  /// One line for people: "rolled back: stock: deadlock (XA_RBDEADLOCK): what the server said".
  [[nodiscard]] std::string to_string() const;
};

[[nodiscard]] XABRIDGE_API std::string_view to_string(OutcomeKind kind) noexcept;
[[nodiscard]] XABRIDGE_API std::string_view to_string(BranchState state) noexcept;

}  // namespace xabridge
