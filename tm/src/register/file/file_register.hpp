// FileRegister: the decision register in a directory of this host, shared by any number of
// processes.
//
//   <root>/register            whose XIDs these are (register_file.hpp)
//   <root>/slots/0000/ ...     one sub-log per process at a time (slot.hpp)
//
// Each process takes the first free slot and writes only there. Slots whose owners died are taken
// over between begin_pass() and end_pass() by whichever process comes first.
//
// fork(): the parent keeps its slot. In the child every call that writes fails; make a new
// FileRegister there.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "../decision_register.hpp"
#include "../../environment.hpp"
#include "decision_log.hpp"

namespace xabridge::tm {

/// Thread-safe. As DecisionRegister, and:
///  * decide() takes a gtrid of this incarnation. For one of a dead owner (own slot, or one taken
///    over) it answers what stands: commit on record, else rollback. For any other: Error, nothing
///    recorded.
///  * A gtrid decided `rollback` is remembered until done(), so that it can never become commit.
///  * After a failed write or sync, decisions that were under way are unknown until the log is read
///    again: owner_of() answers Error for them, decision() throws Exception. Later decide() calls
///    fail, outcome known. decision() throws as well for a gtrid whose slot is not held here:
///    "none" would mean rollback.
///  * A slot that begin_pass() cannot take over (damaged, no permission, disk full) is told to
///    `report` and does not stop the pass: owner_of() answers Error for its gtrids, so nobody acts
///    on them.
class FileRegister final : public DecisionRegister {
 public:
  struct Options {
    std::filesystem::path directory;         // the root; created 0700 where missing
    std::uint64_t segment_size = 8U << 20U;  // bytes; two of these are taken per slot
    std::uint16_t max_slots = 1024;          // processes at once
    bool make = true;                        // false: Error where there is no register yet
    Report report;                           // may be empty; what an operator should know
  };

  /// Takes a slot, reads it, takes its disk space and records a new incarnation. Error: damage with
  /// file and offset, another layout version, no free slot, a directory of another user or one that
  /// others can write to, or what the file system said. A slot that this user may not open is told
  /// to `report` and left out.
  static Result<std::unique_ptr<FileRegister>> open(Environment& environment,
                                                    const Options& options);

  [[nodiscard]] const RegisterId& id() const noexcept override { return id_; }
  /// There was no register in the directory before open() made this one.
  [[nodiscard]] bool is_new() const noexcept { return is_new_; }
  [[nodiscard]] std::uint16_t slot() const noexcept override { return own_->slot_number(); }
  [[nodiscard]] const Incarnation& incarnation() const noexcept override { return incarnation_; }

  Result<Decision> decide(const std::string& gtrid, const std::vector<Participant>& participants,
                          Decision proposed) override;
  void done(const std::string& gtrid) noexcept override;
  Result<void> heuristic(const HeuristicRecord& record) override;
  /// (Of a slot another process holds: acknowledgements.hpp. begin_pass() takes what waits there.)
  /// An operator has dealt with what the resource manager (empty: any) decided by itself on gtrid:
  /// it is not kept any longer. Error: no log held here has such a record, and nothing was written.
  Result<void> acknowledge(const std::string& gtrid, const std::string& resource_manager,
                           const std::string& who);

  /// An operator says that the servers at which the resource manager's branches of gtrid were
  /// prepared are gone for good (DecisionLog::give_up). How many there were, in logs held here.
  Result<std::size_t> give_up(const std::string& gtrid, const std::string& resource_manager,
                              const std::string& server, const std::string& who);

  Result<void> evidence(const std::string& gtrid, const Participant& participant) override;
  Result<void> begin_pass() override;
  Result<Owner> owner_of(const Gtrid& gtrid) override;
  std::optional<DecisionRecord> decision(const std::string& gtrid) override;
  std::vector<DecisionRecord> unfinished() override;
  std::vector<HeuristicRecord> heuristics() override;
  void end_pass() noexcept override;

 private:
  using Log = std::shared_ptr<DecisionLog>;

  FileRegister(Environment& environment, Options options, const RegisterId& id, bool is_new);
  Result<void> take_own_slot();
  Result<std::unique_ptr<Slot>> take_free_slot();
  Result<std::unique_ptr<Slot>> try_take(std::uint16_t slot);
  Result<Log> adopt(std::uint16_t slot);
  Result<void> adopt_if_unfinished(std::uint16_t slot);
  Result<void> take_acknowledgements(DecisionLog& log);
  Result<Owner> ask_running_owner(const Gtrid& gtrid);
  [[nodiscard]] std::optional<Result<Owner>> known_in_pass(const Gtrid& gtrid);
  void remember_in_pass(const Gtrid& gtrid, const Result<Owner>& owner);
  void tell_trouble(std::uint16_t slot, const Result<void>& looked, const char* means);
  [[nodiscard]] Log adopted(std::uint16_t slot);
  /// The log that says what is decided about gtrid; null: not held here.
  [[nodiscard]] Log log_of(const std::string& gtrid);
  [[nodiscard]] std::vector<Log> all_logs();
  [[nodiscard]] std::filesystem::path slot_path(std::uint16_t slot) const;

  Environment& environment_;
  const Options options_;
  const RegisterId id_;
  const bool is_new_;
  Incarnation incarnation_{};
  std::string own_prefix_;  // how every gtrid of this incarnation starts
  Log own_;

  std::mutex mutex_;  // of those below; never held across I/O
  // What was asked about slots that are not held here, by incarnation: one answer a pass. "Live" is
  // always safe, "stranger" was read after the branch was listed, an error leaves it alone.
  bool in_pass_ = false;
  std::map<std::pair<std::uint16_t, Incarnation>, Owner> asked_;
  std::map<std::uint16_t, Error> failed_;
  std::map<std::uint16_t, Log> adopted_;
  std::map<std::uint16_t, std::string> troubles_;  // what was reported about a slot
  std::map<std::uint16_t, std::uint64_t>
      clean_;  // segment a free slot had when nothing in it was unfinished
  std::map<std::uint16_t, std::uint64_t> made_;  // segment this process made in a slot it took over
};

}  // namespace xabridge::tm
