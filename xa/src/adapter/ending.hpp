// Ending: one xa_end, apart from the branch it is about.
#pragma once

#include "impl.hpp"

namespace xabridge::rm {

struct Ending {
  T association;
  Mode mode;
  bool failed;   // TMFAIL
  bool migrate;  // TMMIGRATE

  /// Work that can only be rolled back is marked here, and xa_rollback will tell the server; of a
  /// suspended association the server was told when it was suspended.
  [[nodiscard]] bool asks_server(const Branch& branch) const noexcept {
    return association == T::T1 && !failed && branch.rollback_reason() == XA_OK;
  }
  /// The answer where the server is not asked: XA_OK, or RB* with its reason.
  [[nodiscard]] Answer without_server(const Claim& claim, ThreadToken thread) const;
};

// prepare_at_end.cpp: for instances with that option.

/// The end of the last association, which there is also the vote.
Checked end_and_prepare(const Call& call, const Xid& xid, Claim claim, const Ending& ending);

}  // namespace xabridge::rm
