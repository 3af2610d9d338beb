// What XA answers and outcomes are in TX's words (docs/spec/xa.md).
#pragma once

#include <xabridge/outcome.hpp>

namespace xabridge::tx {

/// tx_open and tx_close: one resource manager's answer to xa_open or xa_close, or why there is no
/// transaction manager.
[[nodiscard]] int code_of_open(int xa_code) noexcept;
/// tx_begin: a resource manager's answer to xa_start.
[[nodiscard]] int code_of_start(int xa_code) noexcept;

enum class Asked { commit, rollback };

/// tx_commit or tx_rollback, without the successor's part in it. `pending_commits`: what is left to
/// recovery is going to be committed.
[[nodiscard]] int code_of(Asked asked, const Outcome& outcome, bool pending_commits) noexcept;

}  // namespace xabridge::tx
