// Xid: a transaction branch identifier as a value (XA 4.2), its text forms and their strict
// decoders.
//
// An Xid is always valid: gtrid 1..64 bytes, bqual 0..64 bytes (0 only in what a server lists; XIDs
// we make have 1..64), and any formatID but -1, the null XID's. Negative ones exist: pgjdbc and
// Connector/J pass on whatever 32 bits they are given. Equality follows the standard: formatID,
// both lengths and the bytes in use; bytes past them have no meaning. Copyable, comparable,
// hashable; no thread rules.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <xabridge/api.h>
#include <xabridge/xa.h>

namespace xabridge {

class XABRIDGE_API Xid {
 public:
  /// From parts; nullopt when formatID is -1 or a length is outside gtrid 1..64, bqual 0..64.
  [[nodiscard]] static std::optional<Xid> make(long format_id, std::string_view gtrid,
                                               std::string_view bqual) noexcept;
  /// From the standard's struct; nullopt for a null pointer, the null XID and bad lengths.
  [[nodiscard]] static std::optional<Xid> from(const XID* xid) noexcept;

  [[nodiscard]] long format_id() const noexcept { return xid_.formatID; }
  [[nodiscard]] std::string_view gtrid() const noexcept;
  [[nodiscard]] std::string_view bqual() const noexcept;
  /// The standard's struct, for calls through a switch (which take it non-const, and do not write).
  [[nodiscard]] const XID& raw() const noexcept { return xid_; }

  /// `formatID_base64(gtrid)_base64(bqual)`: PostgreSQL's gid, the form pgjdbc and others share.
  [[nodiscard]] std::string to_gid() const;
  /// The strict inverse: nullopt for anything to_gid() would not have written (it is not an XID).
  [[nodiscard]] static std::optional<Xid> from_gid(std::string_view gid) noexcept;

  /// `X'gtrid',X'bqual',formatID`: the literal MySQL and MariaDB take in XA statements.
  /// A negative formatID is `0x` and its 32 bits, which only MySQL takes. No server takes one that
  /// needs more than 32 bits: the text then has the number as it is.
  [[nodiscard]] std::string to_mysql() const;

  /// For people, logs and the command line: `formatID:gtrid hex:bqual hex`; parse() is its inverse.
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] static std::optional<Xid> parse(std::string_view text) noexcept;

  friend XABRIDGE_API bool operator==(const Xid& a, const Xid& b) noexcept;
  friend XABRIDGE_API std::strong_ordering operator<=>(const Xid& a, const Xid& b) noexcept;

 private:
  Xid() = default;
  XID xid_{};
};

/// Lower-case hexadecimal, two digits a byte.
[[nodiscard]] XABRIDGE_API std::string to_hex(std::string_view bytes);
/// The strict inverse; accepts both cases, nullopt for an odd length or any other character.
[[nodiscard]] XABRIDGE_API std::optional<std::string> from_hex(std::string_view text);

}  // namespace xabridge

template <>
struct std::hash<xabridge::Xid> {
  std::size_t operator()(const xabridge::Xid& xid) const noexcept {
    const std::size_t h = std::hash<std::string_view>{}(xid.gtrid());
    return h ^ (std::hash<std::string_view>{}(xid.bqual()) + 0x9e3779b97f4a7c15ULL + (h << 6U));
  }
};
