// CRC-32C, eight bytes a step: a batch is half a kilobyte, a segment scanned at start is megabytes.

#include "crc32c.hpp"

#include <array>

namespace xabridge::tm {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // Castagnoli's, bits reversed

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

// tables[n][b]: what byte b does to the remainder when n more zero bytes follow it.
constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? kPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (std::size_t n = 1; n < tables.size(); ++n)
    for (std::size_t byte = 0; byte < 256; ++byte)
      tables[n][byte] = (tables[n - 1][byte] >> 8U) ^ tables[0][tables[n - 1][byte] & 0xffU];
  return tables;
}

constexpr Tables kTables = make_tables();

}  // namespace

std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc) noexcept {
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  crc = ~crc;
  while (bytes.size() >= 8) {
    crc = kTables[7][(crc ^ at(0)) & 0xffU] ^ kTables[6][((crc >> 8U) ^ at(1)) & 0xffU] ^
          kTables[5][((crc >> 16U) ^ at(2)) & 0xffU] ^ kTables[4][(crc >> 24U) ^ at(3)] ^
          kTables[3][at(4)] ^ kTables[2][at(5)] ^ kTables[1][at(6)] ^ kTables[0][at(7)];
    bytes.remove_prefix(8);
  }
  for (const char c : bytes)
    crc = (crc >> 8U) ^ kTables[0][(crc ^ static_cast<std::uint8_t>(c)) & 0xffU];
  return ~crc;
}

}  // namespace xabridge::tm
