// XA return codes and flags as text, and the one question asked of them everywhere.
#pragma once

#include <string>
#include <string_view>
#include <system_error>

#include <xabridge/api.h>
#include <xabridge/xa.h>

namespace xabridge {

/// True for XA_RB*: the branch is rolled back or can only be rolled back.
[[nodiscard]] constexpr bool is_rollback(int code) noexcept {
  return XA_RBBASE <= code && code <= XA_RBEND;
}
/// True for XA_HEUR*: the resource manager decided by itself.
[[nodiscard]] constexpr bool is_heuristic(int code) noexcept {
  return XA_HEURMIX <= code && code <= XA_HEURHAZ;
}
/// "XAER_RMFAIL"; for codes outside the standard "XA code -10".
[[nodiscard]] XABRIDGE_API std::string code_name(int code);
/// What the code means, in a few words: "resource manager unavailable".
[[nodiscard]] XABRIDGE_API std::string_view code_meaning(int code) noexcept;
/// The category "xa" of std::error_code, for XA return codes; message() is code_meaning().
[[nodiscard]] XABRIDGE_API const std::error_category& xa_category() noexcept;
/// "TMSUCCESS|TMASYNC"; unknown bits in hexadecimal.
[[nodiscard]] XABRIDGE_API std::string flags_text(long flags);

}  // namespace xabridge
