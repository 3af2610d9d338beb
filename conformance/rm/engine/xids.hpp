// XIDs of the suite: fresh, recognisable, equal as the standard says.
#pragma once

#include <xabridge/xa.h>

#include <string>

namespace xabridge::conformance {

/// Of no transaction manager: what the suite left behind can be told from the work of others.
constexpr long kFormat = 0x78616366;  // "xacf"

/// Never made before, by any run.
XID fresh_xid();
XID null_xid();
XID make_xid(long format, const std::string& gtrid, const std::string& bqual);
bool same(const XID& a, const XID& b);
/// Made by this run.
bool ours(const XID& xid);

/// Hexadecimal, "format:gtrid:bqual", for command lines and the environment.
std::string xid_text(const XID& xid);
XID xid_from_text(const std::string& text);

}  // namespace xabridge::conformance
