// Taking a slot, appending batches, and the rotation whose steps are listed in slot.hpp.

#include "slot.hpp"

#include <algorithm>
#include <cerrno>
#include <xabridge/xid.hpp>

namespace xabridge::tm {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kZeroChunk = 256U << 10U;

// The file system said no before it took anything: the bytes it refused are not on disk and never
// will be.
bool refused_for_space(const Error& error) {
  return error.sys_errno == ENOSPC || error.sys_errno == EDQUOT || error.sys_errno == EFBIG;
}

std::span<const std::byte> as_bytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

}  // namespace

Slot::Slot(Environment& environment, Options options, std::unique_ptr<FileLock> lock)
    : environment_(environment),
      options_(std::move(options)),
      lock_(std::move(lock)),
      found_(kept_finished(options_.segment_size)) {}

Result<std::unique_ptr<Slot>> Slot::try_take(Environment& environment, Options options) {
  if (auto own =
          environment.files.require_own_directory(options.directory, FileSystem::Links::refused);
      !own)
    return own.error();
  auto lock = environment.files.try_lock(options.directory / "lock");
  if (!lock) return lock.error();
  if (!*lock) return std::unique_ptr<Slot>();
  std::unique_ptr<Slot> slot(new Slot(environment, std::move(options), std::move(*lock)));
  if (auto loaded = slot->load(); !loaded) return loaded.error();
  return slot;
}

Result<void> Slot::load() {
  auto incarnations = read_incarnations(environment_.files, options_.directory);
  if (!incarnations) return incarnations.error();
  incarnations_ = std::move(*incarnations);
  const LockIdentity lock = lock_->identity();
  predecessor_gone_ = incarnations_.entries.empty() ||
                      (lock != LockIdentity{} && incarnations_.entries.back().lock == lock);
  const auto current = current_segment(environment_.files, options_.directory);
  if (!current) return current.error();
  if (current->number == 0) {
    if (incarnations_.entries.empty()) return {};
    // A segment is made before the first incarnation is recorded.
    return damaged(options_.directory, 0, "the slot has been used, but its segment is missing");
  }
  if (current->taken) return read_segment(*current);
  // From here on nobody is told that what they add to it is durable.
  const fs::path taken = taken_path(options_.directory, current->number);
  if (auto renamed = environment_.files.rename_new(current->path, taken); !renamed) return renamed;
  auto read = read_segment({current->number, taken, true});
  // What cannot be read is left as it was found.
  if (!read) (void)environment_.files.rename_new(taken, current->path);
  return read;
}

Result<void> Slot::read_segment(const CurrentSegment& current) {
  const auto bytes = read_whole_file(environment_.files, current.path);
  if (!bytes) return bytes.error();
  const fs::path path = segment_path(options_.directory, current.number);  // for people
  const auto scan =
      scan_segment(path, current.number, *bytes,
                   [this](std::uint64_t, Record record) { found_.apply(std::move(record)); });
  if (!scan) return scan.error();
  if (scan->segment.register_id != options_.register_id || scan->segment.slot != options_.number)
    return damaged(path, 0, "the segment was made for another log root or slot");
  if (scan->torn && options_.report)
    options_.report("decision log: torn tail cut at " + path.string() + ":" +
                    std::to_string(scan->end) +
                    " (a write that was not finished when its owner died; no decision is lost)");
  segment_ = current.number;
  number_ = scan->last_number;
  return {};
}

// By what the names lead to, see slot.hpp.
Result<void> Slot::still_ours() {
  const fs::path lock = options_.directory / "lock";
  const fs::path segment = segment_path(options_.directory, segment_);
  auto at = lock_->is_at(lock);
  const bool lock_is = at && *at;
  if (lock_is && file_ != nullptr) at = file_->is_at(segment);
  if (!at) return at.error();
  if (*at) return {};
  notice_lost_segment();
  if (segment_lost_) return lost_segment();
  Error error;
  error.operation = "write decision log";
  error.message = (lock_is ? segment : lock).string() +
                  " was deleted or replaced while this process used it: another process may own "
                  "the slot now. Restart this process, and let nothing but xabridge change files "
                  "in the log directory";
  return error;
}

/// Ours has not its name any more, and no taker has read it: that one goes on in a later segment.
void Slot::notice_lost_segment() {
  if (file_ == nullptr) return;
  const auto at = file_->is_at(segment_path(options_.directory, segment_));
  if (!at || *at) return;
  const auto there = current_segment(environment_.files, options_.directory);
  if (there && there->number > segment_) return;
  if (there && there->number == segment_) {
    const auto moved = file_->is_at(there->path);
    if (!moved || *moved) return;
  }
  segment_lost_ = true;
}

Error Slot::lost_segment() const {
  Error error;
  error.operation = "write decision log";
  error.message = segment_path(options_.directory, segment_).string() +
                  " was deleted or replaced while this process used it. What was decided and is "
                  "not finished is now known to this process alone, which still commits it. Do "
                  "not restart it while `xabridge status` lists branches";
  if (!incarnations_.entries.empty()) {
    const Incarnation& own = incarnations_.entries.back().incarnation;
    error.message += " of " + to_hex({reinterpret_cast<const char*>(own.data()), own.size()});
  }
  error.message +=
      ": a restart loses these decisions. See \"Files of the log were deleted\" in "
      "docs/operating.md";
  return error;
}

Result<void> Slot::start(const IncarnationEntry& entry) {
  if (auto allowed = writable(); !allowed) return allowed;
  if (incarnations_.torn && options_.report)
    options_.report("decision log: torn tail cut at " +
                    (options_.directory / "incarnations").string() +
                    " (an incarnation that was never used)");
  if (auto ours = still_ours(); !ours) return fail(std::move(ours.error()));
  auto recorded = record_incarnation(environment_.files, options_.directory, incarnations_, entry);
  if (!recorded) return recorded;
  incarnations_.torn = false;
  incarnations_.entries.push_back(entry);
  if (auto ours = still_ours(); !ours) return fail(std::move(ours.error()));
  return {};
}

Result<void> Slot::writable() const {
  Error error;
  error.operation = "write decision log";
  if (!held()) {
    error.message = "this process is a fork of the one that owns the decision log " +
                    options_.directory.string() +
                    "; make a TransactionManager of its own after the fork";
    return error;
  }
  if (segment_lost_) return lost_segment();
  if (failed_) {
    error.message =
        "the decision log " + options_.directory.string() +
        " refuses every write after one that failed: what is on the disk is not known until "
        "it is read again. Check the disk and restart this process";
    return error;
  }
  return {};
}

Error Slot::fail(Error error) {
  failed_ = true;
  return error;
}

bool Slot::fits(std::uint64_t size) const noexcept {
  return file_ != nullptr && end_ + round_up_to_sector(size) <= size_;
}

Result<void> Slot::append(std::string& batch, std::uint32_t records) {
  if (auto allowed = writable(); !allowed) return allowed;
  seal_batch(batch, {.kind = BatchKind::ordinary,
                     .segment = segment_,
                     .salt = salt_,
                     .number = number_ + 1,
                     .records = records});
  auto done = file_->write_at(end_, as_bytes(batch));
  if (!done && refused_for_space(done.error())) {
    const auto whole = stands_at_end(batch);
    // Not whole: no reader takes it, and the next batch goes over it.
    if (whole && !*whole) return done;
    done = whole ? Result<void>() : whole.error();
  }
  if (done) done = file_->sync();
  if (done) {
    done = still_ours();
    // A taker that comes later must not find what was not told. One that came before has seen it,
    // or has not: unknown all the same.
    if (!done && file_->write_at(end_, as_bytes(std::string(kSectorSize, '\0'))))
      (void)file_->sync();
  }
  if (!done) {
    notice_lost_segment();
    if (segment_lost_) done = lost_segment();
    done.error().outcome_known = false;
    return fail(std::move(done.error()));
  }
  end_ += batch.size();
  ++number_;
  return {};
}

// A write that was refused in the middle has written the whole batch all the same when the bytes it
// did not come to stood there already: a batch ends in zeros, and so does an unused segment.
Result<bool> Slot::stands_at_end(const std::string& batch) {
  std::string there(batch.size(), '\0');
  const auto got = file_->read_at(end_, std::as_writable_bytes(std::span(there)));
  if (!got) return got.error();
  return *got == there.size() && there == batch;
}

Result<void> Slot::rotate(const std::string& live, std::uint32_t count, std::uint64_t room) {
  if (auto allowed = writable(); !allowed) return allowed;
  if (auto ours = still_ours(); !ours) return fail(std::move(ours.error()));
  if (auto retired = retire_old_segments(); !retired) return retired;
  if (auto removed = remove_doubtful_spare(); !removed) return removed;

  // Twice the live records: else a log full of them would be copied again for every few batches.
  const std::uint64_t first = round_up_to_sector(live.size() + kSectorSize);
  const std::uint64_t size =
      std::max({options_.segment_size, 2 * first, first + round_up_to_sector(room)});
  auto spare = make_spare(size);
  if (!spare) return spare.error();
  const auto actual = (*spare)->size();
  if (!actual) return actual.error();

  std::uint64_t salt = 0;
  environment_.entropy.fill(std::as_writable_bytes(std::span(&salt, 1)));
  std::string batch;
  begin_batch(batch);
  (void)append_record(batch, SegmentRecord{.size = *actual,
                                           .register_id = options_.register_id,
                                           .slot = options_.number,
                                           .created_at = environment_.clock.wall()});
  batch += live;
  seal_batch(batch, {.kind = BatchKind::carry_over,
                     .segment = segment_ + 1,
                     .salt = salt,
                     .number = number_ + 1,
                     .records = count + 1});
  auto done = (*spare)->write_at(0, as_bytes(batch));
  if (!done && refused_for_space(done.error())) return done;
  if (done) done = (*spare)->sync();
  if (!done) return fail(std::move(done.error()));
  if (auto named = name_spare(segment_ + 1); !named) return named;
  // Opened again for the name in its messages; short of file descriptors, the old one does as well.
  auto opened =
      environment_.files.open(segment_path(options_.directory, segment_ + 1), OpenMode::read_write);
  file_ = std::move(opened ? *opened : *spare);
  ++segment_;
  ++number_;
  salt_ = salt;
  size_ = *actual;
  end_ = batch.size();
  auto retired = retire_old_segments();
  predecessor_gone_ = true;  // nothing of it is left
  return retired;
}

Result<void> Slot::name_spare(std::uint64_t number) {
  const fs::path path = segment_path(options_.directory, number);
  auto renamed = environment_.files.rename_new(spare_path(options_.directory), path);
  if (!renamed && refused_for_space(renamed.error())) return renamed;
  if (renamed) renamed = environment_.files.sync_directory(options_.directory);
  if (!renamed) return fail(std::move(renamed.error()));
  return {};
}

Result<void> Slot::remove_doubtful_spare() {
  if (predecessor_gone_) return {};
  const fs::path path = spare_path(options_.directory);
  const auto there = environment_.files.exists(path);
  if (!there) return there.error();
  if (!*there) return {};
  return environment_.files.remove(path);
}

Result<void> Slot::reserve() {
  if (auto allowed = writable(); !allowed) return allowed;
  auto spare = make_spare(options_.segment_size);
  if (!spare) return spare.error();
  return {};
}

// spare.log with at least `size` bytes that are really there, so that a commit never waits for the
// file system's metadata and a full disk shows here, before anything depends on it.
Result<std::unique_ptr<File>> Slot::make_spare(std::uint64_t size) {
  FileSystem& files = environment_.files;
  const fs::path path = spare_path(options_.directory);
  auto there = files.exists(path);
  if (!there) return there.error();
  if (*there) {
    auto file = files.open(path, OpenMode::read_write);
    if (!file) return file;
    const auto actual = (*file)->size();
    if (!actual) return actual.error();
    // One much too large is left over from a time with many live records.
    if (*actual >= size && *actual <= 2 * size) return file;
    if (auto removed = files.remove(path); !removed) return removed.error();
  }
  auto file = files.open(path, OpenMode::create_new);
  if (!file) return file;
  if (auto filled = fill_with_zeros(**file, size); !filled) {
    (void)files.remove(path);  // gives the space back to whoever needs it now
    if (refused_for_space(filled.error()))
      filled.error().message += " (" + std::to_string(size) + " bytes for the next log segment)";
    return filled.error();
  }
  return file;
}

Result<void> Slot::fill_with_zeros(File& file, std::uint64_t size) {
  const std::string zeros(std::min<std::uint64_t>(size, kZeroChunk), '\0');
  for (std::uint64_t at = 0; at < size; at += zeros.size()) {
    const auto piece = as_bytes(zeros).first(std::min<std::uint64_t>(zeros.size(), size - at));
    if (auto put = file.write_at(at, piece); !put) return put;
  }
  auto synced = file.sync();
  // Some file systems find out only here that there is no space: the file was not in use yet.
  if (!synced && !refused_for_space(synced.error())) return fail(std::move(synced.error()));
  return synced;
}

// The directory is synced before a retired segment can be written to: were its old and its new name
// both to survive a crash, one file would stand for two segments.
Result<void> Slot::retire_old_segments() {
  FileSystem& files = environment_.files;
  const auto names = files.list(options_.directory);
  if (!names) return names.error();
  bool have_spare = std::find(names->begin(), names->end(), "spare.log") != names->end();
  bool changed = false;
  for (const std::string& name : *names) {
    const std::uint64_t number = segment_number(name);
    if (number == 0 || number >= segment_) continue;
    const fs::path path = options_.directory / name;
    const bool again = !have_spare && predecessor_gone_;
    auto retired = again ? files.rename(path, spare_path(options_.directory)) : files.remove(path);
    if (!retired) return fail(std::move(retired.error()));
    have_spare = have_spare || again;
    changed = true;
  }
  if (!changed) return {};
  auto synced = files.sync_directory(options_.directory);
  if (!synced) return fail(std::move(synced.error()));
  return {};
}

}  // namespace xabridge::tm
