// What the files and directories of a slot are called; slot.hpp tells what is in them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "../../environment.hpp"

namespace xabridge::tm {

/// The name of a slot's directory, and its inverse (nullopt: not a slot's).
[[nodiscard]] std::string slot_name(std::uint16_t number);
[[nodiscard]] std::optional<std::uint16_t> slot_number(std::string_view name);

/// The number in a segment's name, taken or not; 0: not a segment's.
[[nodiscard]] std::uint64_t segment_number(std::string_view name);
/// The current segment of a slot's directory; number 0: none.
struct CurrentSegment {
  std::uint64_t number = 0;
  std::filesystem::path path;
  bool taken = false;
};
[[nodiscard]] Result<CurrentSegment> current_segment(FileSystem& files,
                                                     const std::filesystem::path& slot);
/// Its number alone.
[[nodiscard]] Result<std::uint64_t> newest_segment(FileSystem& files,
                                                   const std::filesystem::path& slot);
/// What a segment is called by the process that writes it, and by those that took the slot later.
[[nodiscard]] std::filesystem::path segment_path(const std::filesystem::path& slot,
                                                 std::uint64_t number);
[[nodiscard]] std::filesystem::path taken_path(const std::filesystem::path& slot,
                                               std::uint64_t number);
[[nodiscard]] std::filesystem::path spare_path(const std::filesystem::path& slot);

}  // namespace xabridge::tm
