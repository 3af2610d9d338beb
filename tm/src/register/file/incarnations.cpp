// Reading and appending incarnation entries.

#include "incarnations.hpp"

#include <algorithm>
#include <optional>

#include "crc32c.hpp"
#include "fields.hpp"
#include "segment_reader.hpp"

namespace xabridge::tm {
namespace {

constexpr std::string_view kMagic = "XABI";
constexpr std::size_t kEntrySize = 56;

std::filesystem::path file_of(const std::filesystem::path& slot) { return slot / "incarnations"; }

std::string encode(const IncarnationEntry& entry) {
  std::string body;
  FieldWriter io(body);
  io.fixed(entry.incarnation);
  io.time(entry.started_at);
  io.fixed(entry.lock);
  std::string out(kMagic);
  FieldWriter(out).integer(crc32c(body));
  return out + body;
}

std::optional<IncarnationEntry> decode(std::string_view bytes) {
  if (bytes.size() != kEntrySize || !bytes.starts_with(kMagic)) return {};
  FieldReader io(bytes.substr(kMagic.size()));
  std::uint32_t crc = 0;
  IncarnationEntry entry;
  io.integer(crc);
  io.fixed(entry.incarnation);
  io.time(entry.started_at);
  io.fixed(entry.lock);
  if (crc != crc32c(bytes.substr(8))) return {};
  return entry;
}

}  // namespace

const IncarnationEntry* IncarnationList::find(const Incarnation& incarnation) const noexcept {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const auto& entry) {
    return entry.incarnation == incarnation;
  });
  return found == entries.end() ? nullptr : &*found;
}

Result<IncarnationList> read_incarnations(FileSystem& files, const std::filesystem::path& slot) {
  const std::filesystem::path path = file_of(slot);
  const auto there = files.exists(path);
  if (!there) return there.error();
  IncarnationList list;
  if (!*there) return list;
  const auto bytes = read_whole_file(files, path);
  if (!bytes) return bytes.error();
  for (std::size_t at = 0; at < bytes->size(); at += kEntrySize) {
    const auto entry = decode(std::string_view(*bytes).substr(at, kEntrySize));
    if (entry && list.torn)
      return damaged(path, list.entries.size() * kEntrySize,
                     "an entry is not whole, but the one at offset " + std::to_string(at) + " is");
    if (entry)
      list.entries.push_back(*entry);
    else
      list.torn = true;
  }
  return list;
}

Result<void> record_incarnation(FileSystem& files, const std::filesystem::path& slot,
                                const IncarnationList& known, const IncarnationEntry& entry) {
  const std::filesystem::path path = file_of(slot);
  const auto there = files.exists(path);
  if (!there) return there.error();
  auto file = files.open(path, *there ? OpenMode::read_write : OpenMode::create_new);
  if (!file) return file.error();
  const std::uint64_t end = known.entries.size() * kEntrySize;
  const std::string bytes = encode(entry);
  const auto append = [&]() -> Result<void> {
    if (known.torn) {
      if (auto cut = (*file)->truncate(end); !cut) return cut;
    }
    if (auto put = (*file)->write_at(end, std::as_bytes(std::span(bytes))); !put) return put;
    if (auto synced = (*file)->sync(); !synced) return synced;
    return files.sync_directory(slot);
  };
  auto appended = append();
  // Whoever opens the slot next must not append behind an entry that is in the cache but not on the
  // disk.
  if (!appended) (void)(*file)->truncate(end);
  return appended;
}

}  // namespace xabridge::tm
