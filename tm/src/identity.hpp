// Who an XID belongs to: the layout of our gtrid and bqual, and nothing else.
//
// gtrid, 35 bytes + host:
//   0  1  layout version (1)
//   1 16  register id: made once, stored in the log root
//  17  2  slot, big endian
//  19  8  incarnation: new at each start, recorded durably before its first use
//  27  8  sequence, big endian
//  35  n  short host name (0..20 bytes), for human eyes only, never compared
// bqual: branch number (1 byte, from 1), then the resource manager's name (1..32 bytes).
//
// An XID is ours when formatID is ours, the whole register id is one we hold, and the incarnation
// is one this register recorded. Two bytes of a name can be equal by chance or by configuration;
// these cannot.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <xabridge/xid.hpp>

namespace xabridge::tm {

inline constexpr long kFormatId = 0x58414252;  // "XABR"
inline constexpr std::uint8_t kGtridVersion = 1;
inline constexpr std::size_t kMaxHostLength = 20;
inline constexpr std::size_t kMaxNameLength = 32;

using RegisterId = std::array<std::uint8_t, 16>;
using Incarnation = std::array<std::uint8_t, 8>;

struct Gtrid {
  RegisterId register_id{};
  std::uint16_t slot = 0;
  Incarnation incarnation{};
  std::uint64_t sequence = 0;
  std::string host;

  [[nodiscard]] std::string encode() const;
  /// nullopt: not of our layout.
  [[nodiscard]] static std::optional<Gtrid> decode(std::string_view bytes);
  friend bool operator==(const Gtrid&, const Gtrid&) = default;
};

[[nodiscard]] std::string make_bqual(std::uint8_t number, std::string_view resource_manager);
/// The resource manager's name in a bqual of ours; nullopt when it is not of our layout.
[[nodiscard]] std::optional<std::string> bqual_name(std::string_view bqual);

/// `xabridge/<register id hex>/<incarnation hex>`: what sessions of this incarnation carry at the
/// servers.
[[nodiscard]] std::string owner_tag(const RegisterId& register_id, const Incarnation& incarnation);

}  // namespace xabridge::tm
