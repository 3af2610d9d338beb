// Names, and the way back from them.

#include "segment_names.hpp"

#include <algorithm>
#include <charconv>

#include "segment_reader.hpp"

namespace xabridge::tm {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kNameDigits = 16;
constexpr std::size_t kSlotDigits = 4;
constexpr std::string_view kSuffix = ".log";
constexpr std::string_view kTakenSuffix = ".taken.log";

std::string digits_of(std::uint64_t number) {
  std::string digits = std::to_string(number);
  digits.insert(0, kNameDigits - std::min(kNameDigits, digits.size()), '0');
  return digits;
}

// Nothing: two of one number, or one that was renamed while the directory was read.
std::optional<CurrentSegment> newest_of(const std::vector<std::string>& names,
                                        const fs::path& slot) {
  CurrentSegment newest;
  bool twice = false;
  for (const std::string& name : names) {
    const std::uint64_t number = segment_number(name);
    if (number == 0 || number < newest.number) continue;
    twice = number == newest.number;
    newest = {number, slot / name, name.ends_with(kTakenSuffix)};
  }
  if (twice) return {};
  return newest;
}

}  // namespace

std::uint64_t segment_number(std::string_view name) {
  const std::string_view suffix = name.substr(std::min(kNameDigits, name.size()));
  if (suffix != kSuffix && suffix != kTakenSuffix) return 0;
  std::uint64_t number = 0;
  const char* end = name.data() + kNameDigits;
  const auto [stop, code] = std::from_chars(name.data(), end, number);
  return code == std::errc() && stop == end ? number : 0;
}

fs::path taken_path(const fs::path& slot, std::uint64_t number) {
  return slot / (digits_of(number) + std::string(kTakenSuffix));
}

fs::path spare_path(const fs::path& slot) { return slot / "spare.log"; }

fs::path segment_path(const fs::path& slot, std::uint64_t number) {
  return slot / (digits_of(number) + std::string(kSuffix));
}

std::string slot_name(std::uint16_t number) {
  std::string name = std::to_string(number);
  if (name.size() < kSlotDigits) name.insert(0, kSlotDigits - name.size(), '0');
  return name;
}

std::optional<std::uint16_t> slot_number(std::string_view name) {
  std::uint16_t number = 0;
  const char* end = name.data() + name.size();
  const auto [stop, code] = std::from_chars(name.data(), end, number);
  if (code != std::errc() || stop != end || slot_name(number) != name) return {};
  return number;
}

Result<CurrentSegment> current_segment(FileSystem& files, const fs::path& slot) {
  constexpr int kLooks = 3;
  for (int look = 0; look < kLooks; ++look) {
    const auto names = files.list(slot);
    if (!names) return names.error();
    if (auto newest = newest_of(*names, slot)) return *std::move(newest);
  }
  return damaged(slot, 0, "it holds two segments of one number");
}

Result<std::uint64_t> newest_segment(FileSystem& files, const fs::path& slot) {
  const auto current = current_segment(files, slot);
  if (!current) return current.error();
  return current->number;
}

}  // namespace xabridge::tm
