// XIDs and their text forms: what servers list is input anybody may have written.
//
// One text means one XID and one XID has one text, in every form; nothing else is accepted.

#include <algorithm>
#include <array>
#include <climits>
#include <cstdio>
#include <register/identity.hpp>
#include <string>
#include <xabridge/xid.hpp>

#include "input.hpp"

namespace {

using xabridge::Xid;
using xabridge::fuzz::Input;
using xabridge::fuzz::require;

void decode(std::string_view text) {
  if (const auto xid = Xid::from_gid(text))
    require(xid->to_gid() == text, "a gid is accepted that to_gid() does not write");
  if (const auto xid = Xid::parse(text)) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
    require(xid->to_string() == lower, "a text is accepted that to_string() does not write");
  }
  if (const auto bytes = xabridge::from_hex(text))
    require(bytes->size() * 2 == text.size(), "hexadecimal digits are lost");
  require(xabridge::from_hex(xabridge::to_hex(text)) == std::string(text),
          "bytes do not come back from hexadecimal");
}

// What servers list as ours, and what an operator types.
void decode_as_ours(std::string_view text) {
  using namespace xabridge::tm;
  if (const auto gtrid = Gtrid::decode(text)) {
    require(gtrid->encode() == text, "a gtrid is accepted that encode() does not write");
    const auto name = TransactionName::parse(transaction_text(text));
    require(name && name->incarnation == gtrid->incarnation && name->sequence == gtrid->sequence,
            "a transaction is not what it is called");
  }
  if (const auto bqual = Bqual::decode(text)) {
    require(make_bqual(bqual->number, bqual->resource_manager) == text,
            "a bqual is accepted that make_bqual() does not write");
  }
  if (const auto name = TransactionName::parse(text))
    require(name->to_string() == text, "a transaction has two names");
}

// The whole of what MySQL reads, and nothing of what the XID's bytes say: it goes into a statement.
void check_literal(const Xid& xid) {
  const long id = xid.format_id();
  std::string number = std::to_string(id);
  if (id < 0 && id >= INT_MIN) {
    std::array<char, 16> bits{};
    std::snprintf(bits.data(), bits.size(), "0x%08x", static_cast<unsigned>(id));
    number = bits.data();
  }
  require(xid.to_mysql() == "X'" + xabridge::to_hex(xid.gtrid()) + "',X'" +
                                xabridge::to_hex(xid.bqual()) + "'," + number,
          "a MySQL literal is not the XID's");
}

void check(const Xid& xid) {
  require(Xid::from_gid(xid.to_gid()) == xid, "an XID does not come back from its gid");
  require(xid.to_gid().size() < 200, "a gid is longer than PostgreSQL takes");
  require(Xid::parse(xid.to_string()) == xid, "an XID does not come back from its text");
  require(Xid::from(&xid.raw()) == xid, "an XID does not come back from the standard's struct");
  check_literal(xid);
}

// The standard's struct as a caller may have filled it.
void from_struct(Input& in) {
  static constexpr std::array<long, 10> kLengths{0, 1, 63, 64, 65, 128, -1, LONG_MAX, LONG_MIN, 2};
  XID raw{};
  raw.formatID = in.integer();
  raw.gtrid_length = in.one_of(kLengths);
  raw.bqual_length = in.one_of(kLengths);
  in.bytes(sizeof raw.data).copy(raw.data, sizeof raw.data);
  const auto xid = Xid::from(&raw);
  const bool sound = raw.formatID != -1 && raw.gtrid_length >= 1 && raw.gtrid_length <= 64 &&
                     raw.bqual_length >= 0 && raw.bqual_length <= 64;
  require(xid.has_value() == sound, "the lengths or the formatID are not what decides");
  if (xid) check(*xid);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  decode(xabridge::fuzz::as_text(data, size));
  decode_as_ours(xabridge::fuzz::as_text(data, size));
  Input in(data, size);
  from_struct(in);

  Input parts(data, size);
  const long format = parts.integer();
  const std::size_t gtrid_length = parts.byte();
  const std::string_view gtrid = parts.bytes(gtrid_length);
  if (const auto xid = Xid::make(format, gtrid, parts.all())) check(*xid);
  return 0;
}
