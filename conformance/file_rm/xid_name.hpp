// An XID as a file name and back: "<formatID>.<gtrid>.<bqual>", the bytes in base64 for URLs. At
// most 192 characters, where hexadecimal would be too long for a file name.
#pragma once

#include <xabridge/xa.h>

#include <optional>
#include <string>

namespace file_rm {

/// nullopt: the null XID, or lengths out of range.
[[nodiscard]] std::optional<std::string> name_of(const XID* xid);
/// nullopt: the name is somebody else's, and no XID.
[[nodiscard]] std::optional<XID> xid_of(const std::string& name);

}  // namespace file_rm
