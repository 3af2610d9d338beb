// DecisionLog: the write-once register of one slot, with group commit.
//
// A thread with something to force appends its record to the buffer. If nobody is writing it
// becomes the writer: it takes the whole buffer, writes and syncs it as one batch without holding
// the mutex, and tells everyone whose record was in it. Who comes meanwhile fills the next buffer,
// and one of them writes it next. A lone committer therefore never waits for company.
//
// `done` records are appended and left for the next batch. The entry stops being live at once: a
// lost done record makes recovery ask again, nothing more.
//
// A gtrid here is in exactly one of these states:
//   none      never proposed, or done long ago                 -> whoever proposes first decides
//   pending   commit is in a batch being written               -> everyone waits for it
//   decided   commit is durable, not done (live_)              -> commit
//   finished  the same, done not long ago (live_)              -> commit
//   unknown   its batch may be on the disk, or it is there and memory ran out before it became
//             live (the log has failed)                        -> not known before the next reading
//   refused   rollback was proposed first                      -> rollback, until done()
//
// Heuristic records and their acknowledgements are pending likewise. An acknowledgement speaks for
// the whole gtrid and repeats what it does not mean, so it waits until nothing of the gtrid is
// pending: what is not live yet would not be repeated.
//
// An exception (memory) leaves nothing behind: a record is in the buffer together with whoever
// waits for it, or not at all, and the writing thread always ends its batch and wakes the others.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "slot.hpp"

namespace xabridge::tm {

/// Thread-safe.
class DecisionLog {
 public:
  DecisionLog(Environment& environment, std::unique_ptr<Slot> slot);
  DecisionLog(const DecisionLog&) = delete;
  DecisionLog& operator=(const DecisionLog&) = delete;
  /// Writes what is buffered. No other call may be under way.
  ~DecisionLog();

  [[nodiscard]] std::uint16_t slot_number() const noexcept { return slot_->options().number; }
  /// Fixed once start() has returned.
  [[nodiscard]] const IncarnationList& incarnations() const noexcept {
    return slot_->incarnations();
  }

  /// Holding the slot proves that the owner of this entry, which ended up in it, is dead.
  [[nodiscard]] bool lock_proves(const IncarnationEntry& entry) const noexcept {
    return entry.lock != LockIdentity{} && entry.lock == slot_->lock_identity();
  }

  /// First segment: makes everything that was read durable. Before any call below, by one thread.
  Result<void> rotate();
  /// Then, for the slot's owner: space for the next rotation, and the incarnation on record.
  Result<void> start(const Incarnation& incarnation);

  /// As DecisionRegister::decide.
  Result<Decision> decide(const std::string& gtrid, const std::vector<Participant>& participants,
                          Decision proposed);
  void done(const std::string& gtrid) noexcept;
  Result<void> heuristic(HeuristicRecord record);
  /// Empty resource manager: of all. `who` is cut to 255 bytes.
  Result<void> acknowledge(const std::string& gtrid, const std::string& resource_manager,
                           const std::string& who);
  /// The participants at a resource manager (`server` not empty: only those prepared at that one)
  /// are nobody's to finish any more: recorded as heuristic hazards with `who`, cut to 255 bytes.
  /// How many there were.
  Result<std::size_t> give_up(const std::string& gtrid, const std::string& resource_manager,
                              const std::string& server, const std::string& who);
  /// See DecisionRegister.
  Result<void> evidence(const std::string& gtrid, const Participant& participant);
  /// Brings buffered records to the disk, if any.
  Result<void> flush();

  /// The commit decision on record. Error, outcome_known = false: the gtrid is unknown as above.
  Result<std::optional<DecisionRecord>> decision(const std::string& gtrid);
  [[nodiscard]] std::vector<DecisionRecord> unfinished();
  [[nodiscard]] std::vector<HeuristicRecord> heuristics();
  [[nodiscard]] bool nothing_live();

 private:
  struct Request;
  class Draft;
  class Pending;
  enum class Writing { pending, unknown };
  using Lock = std::unique_lock<std::mutex>;
  using Written = std::optional<Result<void>>;  // nullopt: an exception ended the write

  Result<void> force(Lock& lock, Request& request);
  void lead(Lock& lock) noexcept;
  Written write_or_give_up() noexcept;
  Result<void> write_batch();
  void finish(Request& request, const Written& written) noexcept;
  void settle(const std::string& gtrid, Lock& lock);
  Error explain(Error error, const char* what) const;

  Environment& environment_;
  const std::unique_ptr<Slot> slot_;  // written to by the writing thread only

  std::mutex mutex_;
  std::condition_variable settled_;  // something is not pending any more
  LiveRecords live_;
  std::unordered_map<std::string, Writing> undecided_;       // pending and unknown ones
  std::unordered_multiset<std::string> pending_heuristics_;  // gtrids; acknowledgements, too
  std::unordered_set<std::string> refused_;
  std::string buffer_;  // a begun batch
  std::uint32_t buffered_ = 0;
  std::vector<Request*> waiting_;  // whose records are in buffer_, plus who only waits for it
  bool writing_ = false;

  // The writing thread's, swapped with the above so that no batch allocates.
  std::string batch_;
  std::uint32_t batch_records_ = 0;
  std::vector<Request*> batch_waiting_;
};

}  // namespace xabridge::tm
