// Validation of what a caller passes, before any state is looked at: flags, XIDs, texts.
#pragma once

#include <optional>
#include <string>
#include <xabridge/error.hpp>
#include <xabridge/rm/session.hpp>
#include <xabridge/state_tables.hpp>
#include <xabridge/xid.hpp>

namespace xabridge::rm {

/// "xa_prepare"
[[nodiscard]] const char* entry_name(Verb verb) noexcept;

/// TMASYNC is bit 31: a caller that keeps flags in an int hands it on with the sign extended.
[[nodiscard]] constexpr long normalized(long flags) noexcept {
  constexpr long low = 0xffffffffL;
  return flags < 0 && (flags | low) == -1L ? flags & low : flags;
}

/// XA_OK, XAER_INVAL for flags this call does not have or that exclude each other, XAER_ASYNC.
[[nodiscard]] int check_flags(Verb verb, long flags, long switch_flags) noexcept;

/// For xa_start, which makes a branch: both lengths 1..64. Other calls also take the empty bqual
/// that servers list.
[[nodiscard]] std::optional<Xid> new_branch_xid(const XID* xid) noexcept;

/// xa_info when it is terminated within MAXINFOSIZE bytes.
[[nodiscard]] std::optional<std::string> open_info(const char* info);

/// An answer of ours, not of the server: code and what is wrong.
[[nodiscard]] Answer refused(int code, std::string message);

}  // namespace xabridge::rm
