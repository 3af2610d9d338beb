// Reading slots that others may be writing to.

#include "log_view.hpp"

#include <algorithm>

#include "register_file.hpp"
#include "slot.hpp"

namespace xabridge::tm {
namespace {

namespace fs = std::filesystem;

// What one attempt at reading a slot's current segment gave.
struct Attempt {
  std::uint64_t segment = 0;
  std::vector<LoggedRecord> records;
  std::optional<std::uint64_t> torn_at;
  std::optional<Error> error;
};

Attempt read_segment(FileSystem& files, const fs::path& slot) {
  Attempt attempt;
  const auto newest = current_segment(files, slot);
  if (!newest) {
    attempt.error = newest.error();
    return attempt;
  }
  attempt.segment = newest->number;
  if (newest->number == 0) return attempt;
  const fs::path& path = newest->path;
  const auto bytes = read_whole_file(files, path);
  if (!bytes) {
    attempt.error = bytes.error();
    return attempt;
  }
  const auto scan =
      scan_segment(path, newest->number, *bytes, [&](std::uint64_t offset, Record record) {
        attempt.records.push_back({path, offset, std::move(record)});
      });
  if (!scan) attempt.error = scan.error();
  if (scan && scan->torn) attempt.torn_at = scan->end;
  return attempt;
}

// A batch written while we read looks like damage when we miss it and see its successor, and a
// segment recycled while we read looks like anything. Both are gone at the next look; damage is
// still there.
Attempt read_steadily(FileSystem& files, const fs::path& slot) {
  constexpr int kMaxLooks = 100;  // each a whole segment: rotations are far rarer
  Attempt attempt = read_segment(files, slot);
  for (int look = 1; attempt.error && look < kMaxLooks; ++look) {
    Attempt again = read_segment(files, slot);
    const bool same = again.error && again.segment == attempt.segment &&
                      again.error->message == attempt.error->message;
    attempt = std::move(again);
    if (same) break;
  }
  return attempt;
}

// The order is what keeps "nobody owns it, and nothing is decided" true. An owner decides only
// while it has the lock, and is the last incarnation on record: so who is seen to be gone, by its
// lock or by a later incarnation, has written all it ever will, and the segment that is read
// afterwards shows it. The other way round, one that decides and dies in between would look
// undecided.
SlotView view_slot(FileSystem& files, std::uint16_t number, const fs::path& directory) {
  SlotView view;
  view.slot = number;
  view.directory = directory;
  const auto locked = files.is_locked(directory / "lock");
  view.owned = locked && *locked;
  auto incarnations = read_incarnations(files, directory);
  Attempt attempt = read_steadily(files, directory);
  // A segment is made before the first incarnation is recorded: so there is one by now.
  if (incarnations && !incarnations->entries.empty() && attempt.segment == 0 && !attempt.error)
    attempt.error = damaged(directory, 0, "the slot has been used, but its segment is missing");
  view.records = std::move(attempt.records);
  view.torn_at = attempt.torn_at;
  view.error = std::move(attempt.error);
  LiveRecords live;
  for (const LoggedRecord& logged : view.records) live.apply(logged.record);
  view.unfinished = live.decisions();
  view.finished = live.finished();
  view.heuristics = live.heuristics();

  if (incarnations)
    view.incarnations = std::move(incarnations->entries);
  else if (!view.error)
    view.error = incarnations.error();
  if (!locked && !view.error) view.error = locked.error();
  return view;
}

}  // namespace

Result<LogView> read_log(Environment& environment, const fs::path& root) {
  FileSystem& files = environment.files;
  const auto id = read_register_file(files, root);
  if (!id) return id.error();
  LogView view{*id, {}};
  const auto there = files.exists(root / "slots");
  if (!there) return there.error();
  if (!*there) return view;
  const auto names = files.list(root / "slots");
  if (!names) return names.error();
  for (const std::string& name : *names)
    if (const auto number = slot_number(name))
      view.slots.push_back(view_slot(files, *number, root / "slots" / name));
  std::sort(view.slots.begin(), view.slots.end(),
            [](const SlotView& a, const SlotView& b) { return a.slot < b.slot; });
  return view;
}

}  // namespace xabridge::tm
