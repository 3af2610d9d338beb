// Codes and flags as text.
#pragma once

#include <string>
#include <xabridge/codes.hpp>

#include "engine/xids.hpp"

namespace xabridge::conformance {

/// "XA_OK", "XAER_PROTO"; RB and HEUR as RB* and HEUR*; numbers that mean nothing stay numbers.
std::string code_text(int code);
/// What ax_reg returns.
std::string registration_text(int code);
/// The key under which the work of this branch is written.
std::string key_of(const XID& xid);

}  // namespace xabridge::conformance
