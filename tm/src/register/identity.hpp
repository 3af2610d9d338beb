// Who an XID belongs to: the layout of our gtrid and bqual, and what people are shown of it.
//
// An XID of ours compares greatest in every part: formatID, lengths, bytes. MySQL orders XIDs when
// it starts after a crash, wrongly where formatIDs differ, and may then roll a prepared branch back
// (drivers/mysql/README.md); what is greatest in every part it finds among any others. So
//
// formatID 2147483647, the largest that MySQL and MariaDB keep,
// gtrid, always 64 bytes:                         bqual, always 64 bytes:
//   0  8  0xFF                                      0  8  0xFF
//   8  1  layout version (2)                        8  1  layout version (2)
//   9 16  register id: made once, stored in         9  1  branch number, from 1
//         the log root                             10  n  the resource manager's name (1..32 bytes,
//  25  2  slot, big endian                                none of them zero)
//  27  8  incarnation: new at each start,         10+n    zeros
//         recorded durably before its first use
//  35  8  sequence, big endian
//  43  n  short host name (0..20 bytes, none of them zero), for human eyes only, never compared
// 43+n    zeros
// (Version 1, formatID 1480671826, had 35 to 55 bytes and 2 to 33. Its XIDs are foreign ones here,
// and a log root of that time is refused: see file/register_file.hpp.)
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

inline constexpr long kFormatId = 2147483647;
inline constexpr std::uint8_t kLayoutVersion = 2;
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
  /// What every gtrid of one incarnation begins with.
  [[nodiscard]] std::string prefix() const;
  /// nullopt: not of our layout. Accepts exactly what encode() writes.
  [[nodiscard]] static std::optional<Gtrid> decode(std::string_view bytes);
  friend bool operator==(const Gtrid&, const Gtrid&) = default;
};

struct Bqual {
  std::uint8_t number = 0;
  std::string resource_manager;

  /// nullopt: not of our layout. Accepts exactly what make_bqual() writes.
  [[nodiscard]] static std::optional<Bqual> decode(std::string_view bytes);
  friend bool operator==(const Bqual&, const Bqual&) = default;
};
[[nodiscard]] std::string make_bqual(std::uint8_t number, std::string_view resource_manager);
/// The resource manager's name in a bqual of ours; nullopt when it is not of our layout.
[[nodiscard]] std::optional<std::string> bqual_name(std::string_view bqual);

struct BranchOrigin {
  Gtrid gtrid;
  std::string resource_manager;
};
/// Who began the branch, on which host, and for which resource manager; nullopt unless it is of our
/// layout.
[[nodiscard]] std::optional<BranchOrigin> origin_of(const Xid& xid);

/// What tells a global transaction from every other one: what people see of a gtrid, everywhere.
/// Its text is `<incarnation, 16 hexadecimal digits>-<sequence>`: "9c41f20be6d8735a-17".
struct TransactionName {
  Incarnation incarnation{};
  std::uint64_t sequence = 0;

  [[nodiscard]] std::string to_string() const;
  /// Accepts exactly what to_string() writes.
  [[nodiscard]] static std::optional<TransactionName> parse(std::string_view text);
  friend bool operator==(const TransactionName&, const TransactionName&) = default;
};

/// For people: the TransactionName in a gtrid of our layout; of another all bytes, in hexadecimal.
[[nodiscard]] std::string transaction_text(std::string_view gtrid);
/// For people: of a branch with an XID of our layout the text of its transaction, since its
/// resource manager is named beside it; of another the whole XID.
[[nodiscard]] std::string branch_text(const Xid& xid);

/// `xabridge/<register id hex>/<incarnation hex>`: what sessions of this incarnation carry at the
/// servers.
[[nodiscard]] std::string owner_tag(const RegisterId& register_id, const Incarnation& incarnation);

}  // namespace xabridge::tm
