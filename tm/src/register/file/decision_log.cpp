// Group commit and the states of a gtrid; both are described in decision_log.hpp.

#include "decision_log.hpp"

#include <xabridge/xa.h>

#include <xabridge/xid.hpp>

#include "../server_identity.hpp"

namespace xabridge::tm {
namespace {

// Done records pile up only where nothing commits; then one caller in a thousand pays for a sync.
constexpr std::size_t kMaxBufferedDone = 64U << 10U;

}  // namespace

// A thread waiting for the batch its record is in. Lives on that thread's stack.
struct DecisionLog::Request {
  const std::string* gtrid = nullptr;         // of the decision below
  DecisionRecord* decision = nullptr;         // becomes live when durable
  HeuristicRecord* heuristic = nullptr;       // likewise
  const GivenUpRecord* given_up = nullptr;    // likewise
  const EvidenceRecord* evidence = nullptr;   // likewise
  const std::string* acknowledged = nullptr;  // gtrid, at
  const std::string* acknowledged_at = nullptr;
  std::condition_variable wake;  // finished, or nobody is writing
  bool finished = false;
  bool written = false;        // durable, and in memory
  std::optional<Error> error;  // why not; none where memory ran out
};

// Records being added to the buffer: taken out again unless all of it is kept.
class DecisionLog::Draft {
 public:
  explicit Draft(DecisionLog& log) : log_(log), size_(log.buffer_.size()), records_(log.buffered_) {
    log_.waiting_.reserve(log_.waiting_.size() + 1);  // so that force() cannot fail after keep()
  }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;
  ~Draft() {
    if (kept_) return;
    log_.buffer_.resize(size_);
    log_.buffered_ = records_;
  }
  template <class R>
  bool add(const R& record) {
    if (!append_record(log_.buffer_, record)) return false;
    ++log_.buffered_;
    return true;
  }
  void keep() noexcept { kept_ = true; }

 private:
  DecisionLog& log_;
  const std::size_t size_;
  const std::uint32_t records_;
  bool kept_ = false;
};

// A gtrid whose heuristic record or acknowledgement is pending, for as long as this lives. Made and
// destroyed under the mutex.
class DecisionLog::Pending {
 public:
  Pending(DecisionLog& log, const std::string& gtrid) : log_(log), gtrid_(gtrid) {
    log.pending_heuristics_.insert(gtrid);
  }
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;
  ~Pending() {
    log_.pending_heuristics_.erase(log_.pending_heuristics_.find(gtrid_));
    log_.settled_.notify_all();
  }

 private:
  DecisionLog& log_;
  const std::string& gtrid_;
};

DecisionLog::DecisionLog(Environment& environment, std::unique_ptr<Slot> slot)
    : environment_(environment), slot_(std::move(slot)), live_(std::move(slot_->found())) {
  begin_batch(buffer_);
  begin_batch(batch_);
}

DecisionLog::~DecisionLog() {
  try {
    if (slot_->held()) (void)flush();
  } catch (const std::exception&) {
    // Out of memory: lost done records cost recovery a question.
  }
}

Result<void> DecisionLog::rotate() {
  std::string records;
  const std::uint32_t count = live_.write(records);
  return slot_->rotate(records, count, 0);
}

Result<void> DecisionLog::start(const Incarnation& incarnation) {
  if (auto reserved = slot_->reserve(); !reserved) return reserved;
  return slot_->start({.incarnation = incarnation,
                       .started_at = environment_.clock.wall(),
                       .lock = slot_->lock_identity()});
}

// Waits for a batch that contains everything buffered so far; writes it if nobody else does.
Result<void> DecisionLog::force(Lock& lock, Request& request) {
  waiting_.push_back(&request);
  // Whoever runs first writes for all: a newcomer need not wait until the one woken up is there.
  while (!request.finished && writing_) request.wake.wait(lock);
  if (!request.finished) lead(lock);
  if (request.written) return {};
  if (request.error) return std::move(*request.error);
  Error error;
  error.message = "memory ran out while the record was being written to " +
                  slot_->options().directory.string() +
                  "; the log refuses every write from then on. Restart this process";
  error.outcome_known = false;
  return error;
}

// Nothing here fails: a batch that is not ended would keep every later commit waiting for ever.
void DecisionLog::lead(Lock& lock) noexcept {
  writing_ = true;
  batch_.swap(buffer_);
  batch_waiting_.swap(waiting_);
  batch_records_ = std::exchange(buffered_, 0);
  begin_batch(buffer_);  // its room was made when it was begun first

  lock.unlock();
  const Written written = write_or_give_up();
  lock.lock();

  writing_ = false;
  for (Request* request : batch_waiting_) finish(*request, written);
  batch_waiting_.clear();
  settled_.notify_all();
  if (!waiting_.empty()) waiting_.front()->wake.notify_one();
}

DecisionLog::Written DecisionLog::write_or_give_up() noexcept {
  try {
    return write_batch();
  } catch (...) {
    // How far it came is not known, as after a failed sync.
    slot_->give_up();
    return std::nullopt;
  }
}

// By the writing thread, without the mutex.
Result<void> DecisionLog::write_batch() {
  if (!slot_->fits(batch_.size())) {
    std::string records;
    std::uint32_t count = 0;
    {
      // Decisions in batch_ are pending, hence not among these; they follow in the batch itself.
      const std::lock_guard guard(mutex_);
      count = live_.write(records);
    }
    if (auto rotated = slot_->rotate(records, count, batch_.size()); !rotated) return rotated;
  }
  return slot_->append(batch_, batch_records_);
}

// Under the mutex: the thread waiting may destroy the request as soon as it sees `finished`.
void DecisionLog::finish(Request& request, const Written& written) noexcept {
  const bool durable = written && *written;
  try {
    if (durable) {
      if (request.decision != nullptr) live_.apply(Record(std::move(*request.decision)));
      if (request.heuristic != nullptr) live_.heuristic(std::move(*request.heuristic));
      if (request.given_up != nullptr) live_.give_up(*request.given_up);
      if (request.evidence != nullptr) live_.evidence(*request.evidence);
      if (request.acknowledged != nullptr)
        live_.acknowledge(*request.acknowledged, *request.acknowledged_at);
      request.written = true;
    } else if (written) {
      request.error = written->error();
    }
  } catch (...) {
    // On the disk, and missing in memory: the next segment would be written without it.
    if (durable) slot_->give_up();
  }
  if (request.gtrid != nullptr) {
    const bool known = request.written || (request.error && request.error->outcome_known);
    const auto entry = undecided_.find(*request.gtrid);
    if (known)
      undecided_.erase(entry);
    else
      entry->second = Writing::unknown;
  }
  request.finished = true;
  request.wake.notify_one();
}

void DecisionLog::settle(const std::string& gtrid, Lock& lock) {
  settled_.wait(lock, [&] {
    const auto entry = undecided_.find(gtrid);
    return entry == undecided_.end() || entry->second != Writing::pending;
  });
}

Error DecisionLog::explain(Error error, const char* what) const {
  error.operation = what;
  if (error.outcome_known)
    error.message += "; nothing was recorded";
  else if (slot_->segment_lost())
    error.message += "; no start finds this record: no commit is sent, the branches stay prepared";
  else
    error.message +=
        "; whether it was recorded shows when the log is read again, after a restart";
  return error;
}

Result<Decision> DecisionLog::decide(const std::string& gtrid,
                                     const std::vector<Participant>& participants,
                                     Decision proposed) {
  constexpr const char* kOperation = "record commit decision";
  // Not even the mutex is usable in a child made by fork(): another thread may have held it.
  if (!slot_->held()) return explain(slot_->writable().error(), kOperation);
  DecisionRecord record{gtrid, participants, environment_.clock.wall()};
  Lock lock(mutex_);
  settle(gtrid, lock);
  if (live_.decision(gtrid) != nullptr || live_.finished(gtrid)) return Decision::commit;
  if (refused_.contains(gtrid)) return Decision::rollback;
  if (undecided_.contains(gtrid)) {
    Error error;
    error.message =
        "the decision on " + transaction_text(gtrid) + " was being written when the log failed";
    error.outcome_known = false;
    return explain(std::move(error), kOperation);
  }
  if (proposed == Decision::rollback) {
    refused_.insert(gtrid);
    return Decision::rollback;
  }
  Draft draft(*this);
  if (!draft.add(record)) {
    Error error;
    error.message = "the decision on " + transaction_text(gtrid) + " has a field that is too long";
    return explain(std::move(error), kOperation);
  }
  undecided_.emplace(gtrid, Writing::pending);
  draft.keep();
  Request request;
  request.gtrid = &gtrid;
  request.decision = &record;
  if (auto forced = force(lock, request); !forced)
    return explain(std::move(forced.error()), kOperation);
  return Decision::commit;
}

void DecisionLog::done(const std::string& gtrid) noexcept try {
  if (!slot_->held()) return;
  Lock lock(mutex_);
  refused_.erase(gtrid);
  if (!live_.done(gtrid)) return;
  Draft draft(*this);
  (void)draft.add(DoneRecord{gtrid});
  draft.keep();
  if (buffer_.size() < kMaxBufferedDone) return;
  Request request;
  (void)force(lock, request);
} catch (...) {
  // Out of memory: the record is lost, which costs recovery a question.
}

Result<void> DecisionLog::heuristic(HeuristicRecord record) {
  constexpr const char* kOperation = "record heuristic outcome";
  constexpr std::size_t kMaxText = 2048;
  if (!slot_->held()) return explain(slot_->writable().error(), kOperation);
  if (record.text.size() > kMaxText) record.text.resize(kMaxText);
  Lock lock(mutex_);
  const HeuristicRecord* known = live_.heuristic(record.gtrid, record.bqual);
  if (known != nullptr && known->code == record.code && known->decision == record.decision)
    return {};  // recovery meets the same branch again in each pass
  Draft draft(*this);
  if (!draft.add(record)) {
    Error error;
    error.message =
        "the heuristic record on " + transaction_text(record.gtrid) + " has a field too long";
    return explain(std::move(error), kOperation);
  }
  const std::string gtrid = record.gtrid;
  const Pending pending(*this, gtrid);
  draft.keep();
  Request request;
  request.heuristic = &record;
  if (auto forced = force(lock, request); !forced)
    return explain(std::move(forced.error()), kOperation);
  return {};
}

// A record speaks for all resource managers of a gtrid. The ones that are not meant are written
// again behind it, in the same batch: all of it counts or nothing.
Result<void> DecisionLog::acknowledge(const std::string& gtrid, const std::string& resource_manager,
                                      const std::string& who) {
  constexpr const char* kOperation = "acknowledge heuristic outcome";
  if (!slot_->held()) return explain(slot_->writable().error(), kOperation);
  Lock lock(mutex_);
  const auto at = environment_.clock.wall();
  // Of another resource manager, perhaps: it would be missing among those that are repeated.
  settled_.wait(lock, [&] { return !pending_heuristics_.contains(gtrid); });
  Draft draft(*this);
  if (!draft.add(AcknowledgedRecord{at, gtrid, who.substr(0, 255)})) {
    Error error;
    error.message = "no such gtrid can exist: " + transaction_text(gtrid);
    return explain(std::move(error), kOperation);
  }
  for (const HeuristicRecord& kept : live_.heuristics()) {
    const bool meant = resource_manager.empty() || kept.resource_manager == resource_manager;
    if (kept.gtrid == gtrid && !meant) (void)draft.add(kept);  // it fitted before
  }
  const Pending pending(*this, gtrid);
  draft.keep();
  Request request;
  request.acknowledged = &gtrid;
  request.acknowledged_at = &resource_manager;
  if (auto forced = force(lock, request); !forced)
    return explain(std::move(forced.error()), kOperation);
  return {};
}

// Hazard and word that the participant is finished go into one batch: both count or neither.
Result<std::size_t> DecisionLog::give_up(const std::string& gtrid,
                                         const std::string& resource_manager,
                                         const std::string& server, const std::string& who) {
  constexpr const char* kOperation = "give up participant";
  if (!slot_->held()) return explain(slot_->writable().error(), kOperation);
  Lock lock(mutex_);
  settle(gtrid, lock);
  std::vector<Participant> meant;
  if (const DecisionRecord* found = live_.decision(gtrid)) meant = found->participants;
  std::erase_if(meant, [&](const Participant& one) {
    return one.resource_manager != resource_manager ||
           (!server.empty() && !same_server(one.server, server));
  });
  for (const Participant& one : meant) {
    const auto now = environment_.clock.wall();
    HeuristicRecord hazard{gtrid, resource_manager, one.bqual, Decision::commit, XA_HEURHAZ,
                           "given up by " + who.substr(0, 255), now};
    if (!one.server.empty()) hazard.text += "; prepared at " + one.server;
    const GivenUpRecord given_up{now, gtrid, resource_manager, one.bqual, who.substr(0, 255)};
    Draft draft(*this);
    if (!draft.add(hazard) || !draft.add(given_up)) {
      Error error;
      error.message = "no such participant can exist: " + transaction_text(gtrid);
      return explain(std::move(error), kOperation);
    }
    const Pending pending(*this, gtrid);
    draft.keep();
    Request request;
    request.heuristic = &hazard;
    request.given_up = &given_up;
    if (auto forced = force(lock, request); !forced)
      return explain(std::move(forced.error()), kOperation);
  }
  return meant.size();
}

Result<void> DecisionLog::evidence(const std::string& gtrid, const Participant& participant) {
  constexpr const char* kOperation = "record evidence";
  if (!slot_->held()) return explain(slot_->writable().error(), kOperation);
  Lock lock(mutex_);
  settle(gtrid, lock);
  const DecisionRecord* const decision = live_.decision(gtrid);
  if (decision == nullptr || !decision->servers_recorded) return {};
  const auto& known = decision->participants;
  if (std::find(known.begin(), known.end(), participant) != known.end()) return {};
  const EvidenceRecord record{gtrid, participant.resource_manager, participant.bqual,
                              participant.server};
  Draft draft(*this);
  if (!draft.add(record)) {
    Error error;
    error.message = "what is known of a server is too long: " + participant.server.substr(0, 255);
    return explain(std::move(error), kOperation);
  }
  draft.keep();
  Request request;
  request.evidence = &record;
  if (auto forced = force(lock, request); !forced)
    return explain(std::move(forced.error()), kOperation);
  return {};
}

Result<void> DecisionLog::flush() {
  Lock lock(mutex_);
  if (buffered_ == 0) return {};
  Request request;
  return force(lock, request);
}

Result<std::optional<DecisionRecord>> DecisionLog::decision(const std::string& gtrid) {
  Lock lock(mutex_);
  settle(gtrid, lock);
  if (undecided_.contains(gtrid)) {
    Error error;
    error.operation = "read decision";
    error.message = "the decision on " + transaction_text(gtrid) +
                    " was being written when the log failed; " +
                    (slot_->segment_lost()
                         ? "its file is gone, and no commit was sent: roll it back by hand"
                         : "it shows after a restart");
    error.outcome_known = false;
    return error;
  }
  if (const DecisionRecord* found = live_.decision(gtrid)) return std::optional(*found);
  const auto decided_at = live_.finished(gtrid);
  if (!decided_at) return std::optional<DecisionRecord>();
  return std::optional(DecisionRecord{gtrid, {}, *decided_at});
}

std::vector<DecisionRecord> DecisionLog::unfinished() {
  const std::lock_guard guard(mutex_);
  return live_.decisions();
}

std::vector<HeuristicRecord> DecisionLog::heuristics() {
  Lock lock(mutex_);
  // A pending one may be read by an operator already, who then acknowledges it.
  settled_.wait(lock, [&] { return pending_heuristics_.empty(); });
  return live_.heuristics();
}

bool DecisionLog::nothing_live() {
  const std::lock_guard guard(mutex_);
  return live_.empty();
}

}  // namespace xabridge::tm
