// Xid and its text forms. The decoders read what servers list, that is, input anybody may have
// written: they accept exactly what the encoder writes and nothing else, so two texts never mean
// one XID.

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <xabridge/xid.hpp>

namespace xabridge {
namespace {

constexpr std::string_view base64_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view hex_alphabet = "0123456789abcdef";

constexpr long null_format_id = -1;  // of the null XID (XA 4.2)

unsigned byte_at(std::string_view bytes, std::size_t i) noexcept {
  return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U;
}

void append_base64(std::string& out, std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const unsigned group =
        byte_at(bytes, i) << 16U | byte_at(bytes, i + 1) << 8U | byte_at(bytes, i + 2);
    out += base64_alphabet[group >> 18U & 63U];
    out += base64_alphabet[group >> 12U & 63U];
    out += i + 1 < bytes.size() ? base64_alphabet[group >> 6U & 63U] : '=';
    out += i + 2 < bytes.size() ? base64_alphabet[group & 63U] : '=';
  }
}

// A fixed buffer for one part of an XID: decoders need no allocation and cannot overrun.
struct Part {
  std::array<char, MAXGTRIDSIZE> bytes;
  std::size_t size = 0;

  [[nodiscard]] std::string_view view() const noexcept { return {bytes.data(), size}; }
  bool push(unsigned byte) noexcept {
    if (size == bytes.size()) return false;
    bytes[size++] = static_cast<char>(byte);
    return true;
  }
};
static_assert(MAXGTRIDSIZE == MAXBQUALSIZE, "one buffer size for both parts");

std::optional<Part> decode_base64(std::string_view text) noexcept {
  if (text.size() % 4 != 0) return std::nullopt;
  Part part;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    unsigned group = 0;
    std::size_t padding = 0;
    for (std::size_t j = i; j < i + 4; ++j) {
      const auto digit = base64_alphabet.find(text[j]);
      const bool pad = text[j] == '=' && j >= i + 2 && i + 4 == text.size();
      if (!pad && (digit == std::string_view::npos || padding != 0)) return std::nullopt;
      padding += pad ? 1 : 0;
      group = group << 6U | (pad ? 0U : static_cast<unsigned>(digit));
    }
    // Bits that belong to no byte must be zero, or a second text would decode to the same bytes.
    const unsigned unused = padding == 2 ? 0xffffU : padding == 1 ? 0xffU : 0U;
    if ((group & unused) != 0) return std::nullopt;
    for (std::size_t byte = 0; byte < 3 - padding; ++byte)
      if (!part.push(group >> (16U - 8U * byte) & 0xffU)) return std::nullopt;
  }
  return part;
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<Part> decode_hex(std::string_view text) noexcept {
  if (text.size() % 2 != 0) return std::nullopt;
  Part part;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_digit(text[i]);
    const int low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0 || !part.push(static_cast<unsigned>(high * 16 + low)))
      return std::nullopt;
  }
  return part;
}

// Leading zeros, and a sign before zero, would be a second spelling.
std::optional<long> decode_format_id(std::string_view text) noexcept {
  const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
  if (digits.empty() || digits.front() < '0' || digits.front() > '9') return std::nullopt;
  if (text.size() > 1 && digits.front() == '0') return std::nullopt;
  long value = 0;
  const auto [stop, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc{} || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

struct Fields {
  std::string_view format_id, gtrid, bqual;
};

std::optional<Fields> split(std::string_view text, char separator) noexcept {
  const auto first = text.find(separator);
  if (first == std::string_view::npos) return std::nullopt;
  const auto second = text.find(separator, first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  return Fields{text.substr(0, first), text.substr(first + 1, second - first - 1),
                text.substr(second + 1)};
}

template <class Decode>
std::optional<Xid> decode(std::string_view text, char separator, Decode decode_part) noexcept {
  const auto fields = split(text, separator);
  if (!fields) return std::nullopt;
  const auto format_id = decode_format_id(fields->format_id);
  const auto gtrid = decode_part(fields->gtrid);
  const auto bqual = decode_part(fields->bqual);
  if (!format_id || !gtrid || !bqual) return std::nullopt;
  return Xid::make(*format_id, gtrid->view(), bqual->view());
}

}  // namespace

std::optional<Xid> Xid::make(long format_id, std::string_view gtrid,
                             std::string_view bqual) noexcept {
  if (format_id == null_format_id || gtrid.empty() || gtrid.size() > MAXGTRIDSIZE ||
      bqual.size() > MAXBQUALSIZE)
    return std::nullopt;
  Xid xid;
  xid.xid_.formatID = format_id;
  xid.xid_.gtrid_length = static_cast<long>(gtrid.size());
  xid.xid_.bqual_length = static_cast<long>(bqual.size());
  gtrid.copy(xid.xid_.data, gtrid.size());
  bqual.copy(xid.xid_.data + gtrid.size(), bqual.size());
  return xid;
}

std::optional<Xid> Xid::from(const XID* xid) noexcept {
  if (xid == nullptr || xid->gtrid_length < 1 || xid->gtrid_length > MAXGTRIDSIZE ||
      xid->bqual_length < 0 || xid->bqual_length > MAXBQUALSIZE)
    return std::nullopt;
  const auto gtrid_length = static_cast<std::size_t>(xid->gtrid_length);
  const auto bqual_length = static_cast<std::size_t>(xid->bqual_length);
  return make(xid->formatID, {xid->data, gtrid_length}, {xid->data + gtrid_length, bqual_length});
}

std::string_view Xid::gtrid() const noexcept {
  return {xid_.data, static_cast<std::size_t>(xid_.gtrid_length)};
}

std::string_view Xid::bqual() const noexcept {
  return {xid_.data + xid_.gtrid_length, static_cast<std::size_t>(xid_.bqual_length)};
}

std::string Xid::to_gid() const {
  std::string text = std::to_string(format_id());
  text += '_';
  append_base64(text, gtrid());
  text += '_';
  append_base64(text, bqual());
  return text;
}

std::optional<Xid> Xid::from_gid(std::string_view gid) noexcept {
  return decode(gid, '_', decode_base64);
}

std::string Xid::to_mysql() const {
  std::string text = "X'" + to_hex(gtrid()) + "',X'" + to_hex(bqual()) + "',";
  // No sign is allowed there; MySQL takes the 32 bits, as Connector/J writes them. What has more
  // bits is a formatID of neither server's: it keeps its sign, so that it is refused and is not cut
  // to another XID's.
  if (format_id() >= 0 || format_id() < INT32_MIN) return text + std::to_string(format_id());
  char bits[16];
  std::snprintf(bits, sizeof bits, "0x%08x", static_cast<unsigned>(format_id()));
  return text + bits;
}

std::string Xid::to_string() const {
  return std::to_string(format_id()) + ":" + to_hex(gtrid()) + ":" + to_hex(bqual());
}

std::optional<Xid> Xid::parse(std::string_view text) noexcept {
  return decode(text, ':', decode_hex);
}

bool operator==(const Xid& a, const Xid& b) noexcept {
  return a.format_id() == b.format_id() && a.gtrid() == b.gtrid() && a.bqual() == b.bqual();
}

std::strong_ordering operator<=>(const Xid& a, const Xid& b) noexcept {
  if (const auto order = a.format_id() <=> b.format_id(); order != 0) return order;
  if (const auto order = a.gtrid() <=> b.gtrid(); order != 0) return order;
  return a.bqual() <=> b.bqual();
}

std::string to_hex(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    text += hex_alphabet[byte_at(bytes, i) >> 4U];
    text += hex_alphabet[byte_at(bytes, i) & 15U];
  }
  return text;
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_digit(text[i]);
    const int low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

}  // namespace xabridge
