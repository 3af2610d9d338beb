// Which slot's log a call concerns, and taking over the slots of dead owners.

#include "file_register.hpp"

#include <algorithm>
#include <cerrno>
#include <xabridge/xid.hpp>

#include "acknowledgements.hpp"
#include "register_file.hpp"

namespace xabridge::tm {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMinSegmentSize = 2 * kSectorSize;

Error failure(const char* operation, std::string message) {
  Error error;
  error.operation = operation;
  error.message = std::move(message);
  return error;
}

bool is_forbidden(const Error& error) {
  return error.sys_errno == EACCES || error.sys_errno == EPERM || error.sys_errno == ELOOP;
}

}  // namespace

FileRegister::FileRegister(Environment& environment, Options options, const RegisterId& id,
                           bool is_new)
    : environment_(environment), options_(std::move(options)), id_(id), is_new_(is_new) {}

Result<std::unique_ptr<FileRegister>> FileRegister::open(Environment& environment,
                                                         const Options& options) {
  Options checked = options;
  // The names are looked up again and again, and the process may go elsewhere meanwhile (chdir).
  std::error_code no_working_directory;
  const fs::path absolute = fs::absolute(checked.directory, no_working_directory);
  if (!no_working_directory) checked.directory = absolute;
  checked.segment_size = std::max(kMinSegmentSize, round_up_to_sector(options.segment_size));
  if (!checked.make) {
    if (auto there = read_register_file(environment.files, checked.directory); !there)
      return there.error();
  }
  const auto opened = open_register_file(environment, checked.directory);
  if (!opened) return opened.error();
  std::unique_ptr<FileRegister> made(
      new FileRegister(environment, std::move(checked), opened->id, opened->made));
  if (auto taken = made->take_own_slot(); !taken) return taken.error();
  return made;
}

fs::path FileRegister::slot_path(std::uint16_t slot) const {
  return options_.directory / "slots" / slot_name(slot);
}

Result<std::unique_ptr<Slot>> FileRegister::try_take(std::uint16_t slot) {
  return Slot::try_take(environment_, {.directory = slot_path(slot),
                                       .register_id = id_,
                                       .number = slot,
                                       .segment_size = options_.segment_size,
                                       .report = options_.report});
}

/// One that this user may not use says nothing about the others, nor about what is in it.
Result<std::unique_ptr<Slot>> FileRegister::take_free_slot() {
  const fs::path slots = options_.directory / "slots";
  if (auto made = environment_.files.create_directories(slots); !made) return made.error();
  if (auto own = environment_.files.require_own_directory(slots, FileSystem::Links::refused); !own)
    return own.error();
  std::optional<Error> first_trouble;
  for (std::uint32_t number = 0; number < options_.max_slots; ++number) {
    const auto candidate = static_cast<std::uint16_t>(number);
    if (auto made = environment_.files.create_directories(slot_path(candidate)); !made)
      return made.error();
    auto taken = try_take(candidate);
    if (taken && *taken != nullptr) return taken;
    if (taken) continue;
    if (!is_forbidden(taken.error())) return taken;
    tell_trouble(candidate, taken.error(),
                 "it cannot be opened and is left out; what it decided is not known here");
    if (!first_trouble) first_trouble = std::move(taken.error());
  }
  if (first_trouble) return std::move(*first_trouble);
  return failure("open decision log",
                 "all " + std::to_string(options_.max_slots) + " slots of " +
                     options_.directory.string() +
                     " are owned by running processes; stop some, or use another log directory");
}

Result<void> FileRegister::take_own_slot() {
  auto slot = take_free_slot();
  if (!slot) return slot.error();
  // Also by who found the directories there: their maker may not have come to this yet.
  for (const fs::path& directory : {options_.directory / "slots", options_.directory})
    if (auto synced = environment_.files.sync_directory(directory); !synced) return synced;

  own_ = std::make_shared<DecisionLog>(environment_, *std::move(slot));
  if (auto rotated = own_->rotate(); !rotated) return rotated;
  environment_.entropy.fill(std::as_writable_bytes(std::span(incarnation_)));
  if (auto started = own_->start(incarnation_); !started) return started;
  own_prefix_ = Gtrid{id_, own_->slot_number(), incarnation_, 0, ""}.prefix();
  return {};
}

FileRegister::Log FileRegister::adopted(std::uint16_t slot) {
  const std::lock_guard guard(mutex_);
  const auto found = adopted_.find(slot);
  return found == adopted_.end() ? nullptr : found->second;
}

FileRegister::Log FileRegister::log_of(const std::string& gtrid) {
  if (gtrid.starts_with(own_prefix_)) return own_;
  const auto parsed = Gtrid::decode(gtrid);
  if (!parsed || parsed->register_id != id_) return nullptr;
  return parsed->slot == own_->slot_number() ? own_ : adopted(parsed->slot);
}

std::vector<FileRegister::Log> FileRegister::all_logs() {
  std::vector<Log> logs{own_};
  const std::lock_guard guard(mutex_);
  for (const auto& [number, log] : adopted_) logs.push_back(log);
  return logs;
}

Result<Decision> FileRegister::decide(const std::string& gtrid,
                                      const std::vector<Participant>& participants,
                                      Decision proposed) {
  if (gtrid.starts_with(own_prefix_)) return own_->decide(gtrid, participants, proposed);
  const Log log = log_of(gtrid);
  if (log == nullptr)
    return failure("record decision", "the global transaction " + transaction_text(gtrid) +
                                          " is not one of this process or of a dead owner whose "
                                          "slot it holds; nothing was recorded");
  // Its owner died without a decision on record: that is its rollback, whatever is proposed now.
  return log->decide(gtrid, {}, Decision::rollback);
}

void FileRegister::done(const std::string& gtrid) noexcept try {
  if (const Log log = log_of(gtrid)) log->done(gtrid);
} catch (...) {
  // Out of memory: the record is lost, which costs recovery a question.
}

Result<void> FileRegister::heuristic(const HeuristicRecord& record) {
  const Log log = log_of(record.gtrid);
  return (log != nullptr ? log : own_)->heuristic(record);
}

Result<void> FileRegister::evidence(const std::string& gtrid, const Participant& participant) {
  if (const Log log = log_of(gtrid)) return log->evidence(gtrid, participant);
  return failure("record evidence", "the slot of global transaction " + transaction_text(gtrid) +
                                        " is not held by this process");
}

Result<void> FileRegister::acknowledge(const std::string& gtrid,
                                       const std::string& resource_manager,
                                       const std::string& who) {
  bool found = false;
  for (const Log& log : all_logs()) {
    const auto records = log->heuristics();
    if (std::none_of(records.begin(), records.end(), [&](const HeuristicRecord& record) {
          return record.gtrid == gtrid &&
                 (resource_manager.empty() || record.resource_manager == resource_manager);
        })) {
      continue;
    }
    found = true;
    if (auto done = log->acknowledge(gtrid, resource_manager, who); !done) return done;
  }
  if (found) return {};
  return failure("acknowledge heuristic outcome",
                 "there is no such record of global transaction " + transaction_text(gtrid) +
                     " in a log this process holds; nothing was written");
}

Result<std::size_t> FileRegister::give_up(const std::string& gtrid,
                                          const std::string& resource_manager,
                                          const std::string& server, const std::string& who) {
  const Log log = log_of(gtrid);
  if (log == nullptr) return std::size_t{0};
  return log->give_up(gtrid, resource_manager, server, who);
}

// Takes the slot over; null: somebody owns it. What is unfinished in it is made durable by our own
// sync before anybody acts on it.
Result<FileRegister::Log> FileRegister::adopt(std::uint16_t slot) {
  auto taken = try_take(slot);
  if (!taken) return taken.error();
  if (*taken == nullptr) return Log();
  const std::uint64_t segment = (*taken)->segment();
  Slot& owned = **taken;
  auto log = std::make_shared<DecisionLog>(environment_, std::move(*taken));
  const bool clean = log->nothing_live();
  {
    const std::lock_guard guard(mutex_);
    if (clean) clean_[slot] = segment;
    // Nobody has written to the segment that this process made when it had the slot before.
    const auto made = made_.find(slot);
    if (clean || (made != made_.end() && made->second == segment)) return adopted_[slot] = log;
  }
  if (auto rotated = log->rotate(); !rotated) return rotated.error();
  const std::lock_guard guard(mutex_);
  made_[slot] = owned.segment();
  return adopted_[slot] = log;
}

Result<void> FileRegister::adopt_if_unfinished(std::uint16_t slot) {
  const auto newest = newest_segment(environment_.files, slot_path(slot));
  if (!newest) return newest.error();
  {
    // Whoever writes to a slot first makes a new segment: with the old number, nothing has changed.
    const std::lock_guard guard(mutex_);
    const auto known = clean_.find(slot);
    if (known != clean_.end() && known->second == *newest) return {};
  }
  auto log = adopt(slot);
  if (!log) return log.error();
  if (*log != nullptr && (*log)->nothing_live()) {
    const std::lock_guard guard(mutex_);
    adopted_.erase(slot);
  }
  return {};
}

Result<void> FileRegister::begin_pass() {
  {
    const std::lock_guard guard(mutex_);
    in_pass_ = true;
    asked_.clear();
    failed_.clear();
  }
  (void)own_->flush();  // an idle process shows nothing as unfinished
  const auto names = environment_.files.list(options_.directory / "slots");
  if (!names) return names.error();
  for (const std::string& name : *names) {
    const auto slot = slot_number(name);
    if (!slot || *slot == own_->slot_number() || adopted(*slot) != nullptr) continue;
    tell_trouble(*slot, adopt_if_unfinished(*slot),
                 "its owner is dead and it cannot be taken over; its branches are left alone");
  }
  for (const Log& log : all_logs()) {
    tell_trouble(log->slot_number(), take_acknowledgements(*log),
                 "the acknowledgements left at it wait");
  }
  return {};
}

/// What operators acknowledged while this process had the slot. Removed only after the record.
Result<void> FileRegister::take_acknowledgements(DecisionLog& log) {
  const fs::path path = slot_path(log.slot_number());
  const auto waiting = waiting_acknowledgements(environment_.files, path);
  if (!waiting) return waiting.error();
  for (const Acknowledgement& one : *waiting) {
    if (one.give_up) {
      const auto given_up = log.give_up(one.gtrid, one.resource_manager, one.server, one.who);
      if (!given_up) return given_up.error();
    }
    const auto records = log.heuristics();
    const bool known = std::any_of(records.begin(), records.end(), [&](const auto& record) {
      return record.gtrid == one.gtrid && record.resource_manager == one.resource_manager;
    });
    if (known && !one.give_up) {
      auto written = log.acknowledge(one.gtrid, one.resource_manager, one.who);
      if (!written) return written;
    }
    if (auto removed = remove_acknowledgement(environment_.files, path, one); !removed) {
      return removed;
    }
  }
  return {};
}

// Once, not in every pass.
void FileRegister::tell_trouble(std::uint16_t slot, const Result<void>& looked, const char* means) {
  const std::string text = looked ? "" : looked.error().to_string();
  {
    const std::lock_guard guard(mutex_);
    std::string& told = troubles_[slot];
    if (told == text) return;
    told = text;
  }
  if (!text.empty() && options_.report)
    options_.report("slot " + slot_name(slot) + " of the log: " + means + ": " + text);
}

/// Who owns a slot that is not held here: adopts it when it is free; the answer counts otherwise.
Result<Owner> FileRegister::ask_running_owner(const Gtrid& gtrid) {
  const fs::path path = slot_path(gtrid.slot);
  const auto there = environment_.files.exists(path);
  if (!there) return there.error();
  if (!*there) return Owner::stranger;
  const auto taken = adopt(gtrid.slot);
  if (!taken) return taken.error();
  // Its owner appends before it uses an incarnation, so one that made an XID is in the file by now.
  const auto list = read_incarnations(environment_.files, path);
  if (!list) return list.error();
  return list->find(gtrid.incarnation) != nullptr ? Owner::live : Owner::stranger;
}

std::optional<Result<Owner>> FileRegister::known_in_pass(const Gtrid& gtrid) {
  const std::lock_guard guard(mutex_);
  if (const auto failed = failed_.find(gtrid.slot); failed != failed_.end())
    return Result<Owner>(failed->second);
  const auto asked = asked_.find({gtrid.slot, gtrid.incarnation});
  if (asked == asked_.end()) return std::nullopt;
  return Result<Owner>(asked->second);
}

void FileRegister::remember_in_pass(const Gtrid& gtrid, const Result<Owner>& owner) {
  const std::lock_guard guard(mutex_);
  if (!in_pass_) return;
  if (owner)
    asked_.insert_or_assign({gtrid.slot, gtrid.incarnation}, *owner);
  else
    failed_.insert_or_assign(gtrid.slot, owner.error());
}

Result<Owner> FileRegister::owner_of(const Gtrid& gtrid) {
  if (gtrid.register_id != id_) return Owner::foreign;
  Log log = own_;
  if (gtrid.slot == own_->slot_number()) {
    if (gtrid.incarnation == incarnation_) {
      // Fails where a failed write left the decision unknown: nobody may act on this gtrid now.
      const auto known = own_->decision(gtrid.encode());
      if (!known) return known.error();
      return Owner::self;
    }
  } else {
    log = adopted(gtrid.slot);
    if (log == nullptr) {
      if (auto known = known_in_pass(gtrid)) return *std::move(known);
      const Result<Owner> owner = ask_running_owner(gtrid);
      log = adopted(gtrid.slot);
      if (log == nullptr) {
        remember_in_pass(gtrid, owner);
        return owner;
      }
    }
  }
  const IncarnationEntry* const entry = log->incarnations().find(gtrid.incarnation);
  if (entry == nullptr) return Owner::stranger;
  return log->lock_proves(*entry) ? Owner::dead : Owner::vanished;
}

std::optional<DecisionRecord> FileRegister::decision(const std::string& gtrid) {
  const Log log = log_of(gtrid);
  // "None" would be taken for rollback, of a transaction that may be alive.
  if (log == nullptr)
    throw Exception(failure("read decision", "the slot of global transaction " +
                                                 transaction_text(gtrid) +
                                                 " is not held by this process"));
  return log->decision(gtrid).value();
}

std::vector<DecisionRecord> FileRegister::unfinished() {
  std::vector<DecisionRecord> all;
  for (const Log& log : all_logs())
    for (DecisionRecord& record : log->unfinished()) all.push_back(std::move(record));
  return all;
}

std::vector<HeuristicRecord> FileRegister::heuristics() {
  std::vector<HeuristicRecord> all;
  for (const Log& log : all_logs())
    for (HeuristicRecord& record : log->heuristics()) all.push_back(std::move(record));
  return all;
}

// Also with something unfinished in them: it may take a server days to come back, and meanwhile the
// owner would look alive to every other process.
void FileRegister::end_pass() noexcept {
  std::map<std::uint16_t, Log> given_back;  // closed, which may write, after the mutex is free
  const std::lock_guard guard(mutex_);
  in_pass_ = false;
  asked_.clear();
  failed_.clear();
  given_back.swap(adopted_);
}

}  // namespace xabridge::tm
