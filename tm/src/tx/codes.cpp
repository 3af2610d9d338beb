// Table-driven: branch states present, in any combination, give the code.
#include "codes.hpp"

#include <xabridge/tx.h>

#include <xabridge/codes.hpp>

namespace xabridge::tx {
namespace {

// Classes of branch outcomes (TX appendix B): committed, rolled back, mixed, hazard.
constexpr unsigned kC = 1;
constexpr unsigned kR = 2;
constexpr unsigned kM = 4;
constexpr unsigned kH = 8;

unsigned class_of(BranchState state, bool pending_commits) noexcept {
  switch (state) {
    case BranchState::read_only:
      return 0;
    case BranchState::committed:
    case BranchState::heuristic_committed:
      return kC;
    case BranchState::rolled_back:
    case BranchState::heuristic_rolled_back:
      return kR;
    case BranchState::pending:
      return pending_commits ? kC : kR;
    case BranchState::heuristic_mixed:
      return kM;
    case BranchState::heuristic_hazard:
    case BranchState::unknown:
      return kH;
  }
  return kH;
}

}  // namespace

int code_of(Asked asked, const Outcome& outcome, bool pending_commits) noexcept {
  unsigned present = outcome.kind == OutcomeKind::unknown ? kH : 0U;
  for (const BranchOutcome& branch : outcome.branches)
    present |= class_of(branch.state, pending_commits);
  if ((present & kM) != 0 || (present & (kC | kR)) == (kC | kR)) return TX_MIXED;
  if ((present & kH) != 0) return TX_HAZARD;
  if (asked == Asked::rollback) return present == kC ? TX_COMMITTED : TX_OK;
  // With no branch that changed anything there is nothing that tells but the outcome itself.
  return present == kR || (present == 0 && !outcome.committed()) ? TX_ROLLBACK : TX_OK;
}

int code_of_open(int xa_code) noexcept {
  switch (xa_code) {
    case XA_OK:
      return TX_OK;
    case XAER_RMERR:
    case XAER_RMFAIL:
      return TX_ERROR;
    default:  // not to be repaired by trying again, or outside the standard
      return TX_FAIL;
  }
}

int code_of_start(int xa_code) noexcept {
  switch (xa_code) {
    case XA_OK:
      return TX_OK;
    case XAER_OUTSIDE:
      return TX_OUTSIDE;
    case XA_RETRY:
    case XAER_RMERR:
      return TX_ERROR;
    default:
      return TX_FAIL;
  }
}

}  // namespace xabridge::tx
