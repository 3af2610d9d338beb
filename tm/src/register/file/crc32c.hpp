// CRC-32C (Castagnoli), the checksum of everything in the log root.
#pragma once

#include <cstdint>
#include <string_view>

namespace xabridge::tm {

/// To continue over several pieces, pass the result of the previous one as `crc`.
[[nodiscard]] std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc = 0) noexcept;

}  // namespace xabridge::tm
