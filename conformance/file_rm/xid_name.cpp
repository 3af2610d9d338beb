// Base64 without padding, in the alphabet that has no slash.
#include "xid_name.hpp"

#include <charconv>
#include <cstring>

namespace file_rm {
namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string encode(const char* bytes, long length) {
  std::string out;
  unsigned bits = 0;
  unsigned held = 0;
  for (long i = 0; i < length; ++i) {
    held = (held << 8U) | static_cast<unsigned char>(bytes[i]);
    for (bits += 8; bits >= 6; bits -= 6) out += kAlphabet[(held >> (bits - 6)) & 63U];
  }
  if (bits != 0) out += kAlphabet[(held << (6 - bits)) & 63U];
  return out;
}

/// -1: no text of ours.
long decode(const std::string& text, char* bytes, long room) {
  long length = 0;
  unsigned bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    const char* found = std::strchr(kAlphabet, c);
    if (found == nullptr || length == room) return -1;
    held = (held << 6U) | static_cast<unsigned>(found - kAlphabet);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[length++] = static_cast<char>((held >> bits) & 255U);
  }
  return length;
}

}  // namespace

std::optional<std::string> name_of(const XID* xid) {
  if (xid == nullptr || xid->formatID < 0) return std::nullopt;
  if (xid->gtrid_length < 1 || xid->gtrid_length > MAXGTRIDSIZE) return std::nullopt;
  if (xid->bqual_length < 1 || xid->bqual_length > MAXBQUALSIZE) return std::nullopt;
  return std::to_string(xid->formatID) + "." + encode(xid->data, xid->gtrid_length) + "." +
         encode(xid->data + xid->gtrid_length, xid->bqual_length);
}

std::optional<XID> xid_of(const std::string& name) {
  const std::size_t first = name.find('.');
  const std::size_t second = name.find('.', first + 1);
  if (first == std::string::npos || second == std::string::npos) return std::nullopt;
  XID xid{};
  const auto [end, error] = std::from_chars(name.data(), name.data() + first, xid.formatID);
  if (error != std::errc{} || end != name.data() + first) return std::nullopt;
  xid.gtrid_length = decode(name.substr(first + 1, second - first - 1), xid.data, MAXGTRIDSIZE);
  if (xid.gtrid_length < 0) return std::nullopt;
  xid.bqual_length = decode(name.substr(second + 1), xid.data + xid.gtrid_length, MAXBQUALSIZE);
  // What name_of() would write otherwise was written by somebody else.
  if (name_of(&xid) != name) return std::nullopt;
  return xid;
}

}  // namespace file_rm
