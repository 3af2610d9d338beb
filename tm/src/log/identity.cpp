// gtrid and bqual as bytes. The decoders accept exactly what the encoders write.

#include "../identity.hpp"

#include <algorithm>
#include <xabridge/xid.hpp>

namespace xabridge::tm {
namespace {

constexpr std::size_t kFixedLength = 35;

template <std::size_t N>
void put(std::string& out, const std::array<std::uint8_t, N>& bytes) {
  for (const std::uint8_t byte : bytes) out += static_cast<char>(byte);
}

void put_big_endian(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out += static_cast<char>(static_cast<std::uint8_t>(value >> static_cast<unsigned>(shift)));
}

template <std::size_t N>
void get(std::string_view from, std::array<std::uint8_t, N>& bytes) {
  std::transform(from.begin(), from.begin() + N, bytes.begin(),
                 [](char c) { return static_cast<std::uint8_t>(c); });
}

std::uint64_t get_big_endian(std::string_view from) {
  std::uint64_t value = 0;
  for (const char c : from) value = value << 8U | static_cast<std::uint8_t>(c);
  return value;
}

template <std::size_t N>
std::string hex(const std::array<std::uint8_t, N>& bytes) {
  std::string raw;
  put(raw, bytes);
  return to_hex(raw);
}

}  // namespace

std::string Gtrid::encode() const {
  std::string out;
  out.reserve(kFixedLength + kMaxHostLength);
  out += static_cast<char>(kGtridVersion);
  put(out, register_id);
  put_big_endian(out, slot, 2);
  put(out, incarnation);
  put_big_endian(out, sequence, 8);
  out += host.substr(0, kMaxHostLength);
  return out;
}

std::optional<Gtrid> Gtrid::decode(std::string_view bytes) {
  if (bytes.size() < kFixedLength || bytes.size() > kFixedLength + kMaxHostLength) return {};
  if (static_cast<std::uint8_t>(bytes[0]) != kGtridVersion) return {};
  Gtrid out;
  get(bytes.substr(1), out.register_id);
  out.slot = static_cast<std::uint16_t>(get_big_endian(bytes.substr(17, 2)));
  get(bytes.substr(19), out.incarnation);
  out.sequence = get_big_endian(bytes.substr(27, 8));
  out.host = bytes.substr(kFixedLength);
  return out;
}

std::string make_bqual(std::uint8_t number, std::string_view resource_manager) {
  std::string out(1, static_cast<char>(number));
  out += resource_manager.substr(0, kMaxNameLength);
  return out;
}

std::optional<std::string> bqual_name(std::string_view bqual) {
  if (bqual.size() < 2 || bqual.size() > 1 + kMaxNameLength || bqual[0] == 0) return {};
  return std::string(bqual.substr(1));
}

std::string owner_tag(const RegisterId& register_id, const Incarnation& incarnation) {
  return "xabridge/" + hex(register_id) + "/" + hex(incarnation);
}

}  // namespace xabridge::tm
