// Slot: the part of a log root that one process owns at a time: a directory with
//
//   lock                  held while owned; ends with the process
//   incarnations          see incarnations.hpp
//   <16 digits>.log       the current segment (log_format.hpp), written to by the process that made
//                         it; lower numbers are left by a crash
//   <16 digits>.taken.log the same, of an earlier owner: renamed by whoever read it since
//   spare.log             space for the next segment, taken in advance
//
// From one segment to the next (rotate), and what a crash leaves after each step:
//   1. spare.log exists and is large enough, zeros, synced         -> old segment, and a spare
//   2. a carry-over batch of all live records goes into it, synced  -> the same: not a segment yet
//   3. spare.log gets the next number as its name, directory synced -> old or new, both complete
//   4. the old segment becomes spare.log, directory synced          -> new; the old one is unread
// Every process rotates before it writes: what it read becomes durable by its own sync (a page
// cache may hold what a failed sync of its predecessor never brought to the disk), and a torn tail
// stays behind.
//
// The lock is only as good as its file. Where that is deleted (or a network file system forgets
// who holds it) two processes own the slot, so each of them is held by names instead:
//   * a taker renames the segment before it reads it;
//   * a writer looks after each sync whether lock and segment still have their names. When they
//     have, whoever takes the slot later reads what was synced. When they have not, a taker may
//     have read before: the batch is unknown and every later one refused, as after a failed sync;
//     A segment that was deleted, and that no taker moved, is read by nobody: what it held is only
//     in the writer's memory, and a restart would lose it (segment_lost);
//   * a segment never gets a name that is taken, and what a taker did not see to be left by a dead
//     process (its lock was another one) is deleted, not used again: its writer may write on.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "../../environment.hpp"
#include "incarnations.hpp"
#include "live_records.hpp"
#include "segment_names.hpp"
#include "segment_reader.hpp"

namespace xabridge::tm {

/// Tells people what they should know; called from whichever thread found it.
using Report = std::function<void(const std::string&)>;

/// Not thread-safe, except held() and segment_lost().
class Slot {
 public:
  struct Options {
    std::filesystem::path directory;
    RegisterId register_id{};
    std::uint16_t number = 0;
    std::uint64_t segment_size = 0;
    Report report;
  };

  /// Null: somebody owns it. Error: also damage.
  static Result<std::unique_ptr<Slot>> try_take(Environment& environment, Options options);

  [[nodiscard]] const Options& options() const noexcept { return options_; }
  [[nodiscard]] const IncarnationList& incarnations() const noexcept { return incarnations_; }
  /// What the log said when the slot was taken. Moved out by the first to ask.
  [[nodiscard]] LiveRecords& found() noexcept { return found_; }
  /// Number of the current segment; 0: none yet.
  [[nodiscard]] std::uint64_t segment() const noexcept { return segment_; }

  /// Records a new incarnation; durable on return. After the first rotate().
  Result<void> start(const IncarnationEntry& entry);

  /// False in a forked child. Thread-safe.
  [[nodiscard]] bool held() const noexcept { return lock_->held(); }
  [[nodiscard]] LockIdentity lock_identity() const noexcept { return lock_->identity(); }
  /// Error: this is a forked child, or a write or sync failed in a way that leaves the files
  /// unknown; everything is refused from then on.
  [[nodiscard]] Result<void> writable() const;

  /// The current segment was deleted or replaced while this process wrote to it: no start reads
  /// what is in it. Everything is refused from then on. Thread-safe.
  [[nodiscard]] bool segment_lost() const noexcept { return segment_lost_.load(); }

  /// What is in the files is not known any more: everything is refused, as after a failed sync.
  void give_up() noexcept { failed_ = true; }

  /// True when a batch of this many bytes (header included, padding not) can be appended now.
  [[nodiscard]] bool fits(std::uint64_t size) const noexcept;
  /// Writes and syncs a begun batch; fits() is true. outcome_known = false: it may be on disk.
  Result<void> append(std::string& batch, std::uint32_t records);
  /// Goes on in a new segment that starts with the live records (encoded) and has room for `room`
  /// more bytes. On error no decision is affected, and while writable() there is a segment to go on
  /// with.
  Result<void> rotate(const std::string& live, std::uint32_t count, std::uint64_t room);
  /// Takes the disk space of the next rotation now.
  Result<void> reserve();

 private:
  Slot(Environment& environment, Options options, std::unique_ptr<FileLock> lock);
  Result<void> load();
  Result<void> read_segment(const CurrentSegment& current);
  Result<void> still_ours();
  void notice_lost_segment();
  [[nodiscard]] Error lost_segment() const;
  Result<std::unique_ptr<File>> make_spare(std::uint64_t size);
  Result<void> fill_with_zeros(File& file, std::uint64_t size);
  Result<void> name_spare(std::uint64_t number);
  Result<bool> stands_at_end(const std::string& batch);
  Result<void> retire_old_segments();
  Result<void> remove_doubtful_spare();
  Error fail(Error error);

  Environment& environment_;
  Options options_;
  std::unique_ptr<FileLock> lock_;
  IncarnationList incarnations_;
  LiveRecords found_;
  std::unique_ptr<File> file_;  // null until the first rotate()
  std::uint64_t segment_ = 0;
  std::uint64_t size_ = 0;
  std::uint64_t end_ = 0;
  std::uint64_t salt_ = 0;
  std::uint64_t number_ = 0;      // of the last batch
  bool predecessor_gone_ = true;  // for certain: its files may be used again
  bool failed_ = false;
  std::atomic<bool> segment_lost_ = false;
};

}  // namespace xabridge::tm
