// What a PostgreSQL SQLSTATE means in XA: the one place where the server's codes become XA codes.
//
// Two columns of meaning exist, because the same code says different things about a branch that is
// still being worked on (it is rolled back: which RB*?) and about one that is prepared (it is still
// there: try again, or refused for good?).
#pragma once

#include <string_view>
#include <xabridge/codes.hpp>

namespace xabridge::postgresql {

enum class Phase {
  begin,   // BEGIN of a branch: whatever the error says, there is none
  work,    // statements of the branch, PREPARE TRANSACTION, COMMIT in one phase
  second,  // COMMIT PREPARED, ROLLBACK PREPARED
};

struct Meaning {
  Phase phase = Phase::work;
  std::string_view sqlstate;  // five characters, or a class of two, or empty: everything else
  int xa_code = XA_RBOTHER;
  std::string_view advice;  // what to do about it; empty where the server's text says enough
};

/// The row for `sqlstate`: the exact one, else its class, else the phase's last row. Never fails.
[[nodiscard]] const Meaning& meaning_of(Phase phase, std::string_view sqlstate) noexcept;

}  // namespace xabridge::postgresql
