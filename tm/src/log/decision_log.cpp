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

// Somebody waiting for the batch his record is in. Lives on that thread's stack.
struct DecisionLog::Request {
  DecisionRecord* decision = nullptr;         // becomes live when durable
  HeuristicRecord* heuristic = nullptr;       // likewise
  const GivenUpRecord* given_up = nullptr;    // likewise
  const std::string* acknowledged = nullptr;  // gtrid, at
  const std::string* acknowledged_at = nullptr;
  std::condition_variable wake;  // finished, or nobody is writing
  bool finished = false;
  std::optional<Error> error;
};

DecisionLog::DecisionLog(Environment& environment, std::unique_ptr<Slot> slot)
    : environment_(environment), slot_(std::move(slot)), live_(std::move(slot_->found())) {
  begin_batch(buffer_);
  begin_batch(batch_);
}

DecisionLog::~DecisionLog() {
  if (slot_->held()) (void)flush();  // lost done records cost recovery a question
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

template <class R>
bool DecisionLog::buffer(const R& record) {
  if (!append_record(buffer_, record)) return false;
  ++buffered_;
  return true;
}

// Waits for a batch that contains everything buffered so far; writes it if nobody else does.
Result<void> DecisionLog::force(Lock& lock, Request& request) {
  waiting_.push_back(&request);
  // Whoever runs first writes for all: a newcomer need not wait until the one woken up is there.
  while (!request.finished && writing_) request.wake.wait(lock);
  if (!request.finished) lead(lock);
  if (request.error) return std::move(*request.error);
  return {};
}

void DecisionLog::lead(Lock& lock) {
  writing_ = true;
  batch_.swap(buffer_);
  batch_waiting_.swap(waiting_);
  batch_records_ = std::exchange(buffered_, 0);
  begin_batch(buffer_);

  lock.unlock();
  const Result<void> written = write_batch();
  lock.lock();

  writing_ = false;
  for (Request* request : batch_waiting_) finish(*request, written);
  batch_waiting_.clear();
  settled_.notify_all();
  if (!waiting_.empty()) waiting_.front()->wake.notify_one();
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
void DecisionLog::finish(Request& request, const Result<void>& written) {
  if (request.decision != nullptr) {
    pending_.erase(request.decision->gtrid);
    if (!written && !written.error().outcome_known) unknown_.insert(request.decision->gtrid);
  }
  if (written) {
    if (request.decision != nullptr) live_.apply(Record(std::move(*request.decision)));
    if (request.heuristic != nullptr) live_.heuristic(std::move(*request.heuristic));
    if (request.given_up != nullptr) live_.give_up(*request.given_up);
    if (request.acknowledged != nullptr)
      live_.acknowledge(*request.acknowledged, *request.acknowledged_at);
  } else {
    request.error = written.error();
  }
  request.finished = true;
  request.wake.notify_one();
}

void DecisionLog::settle(const std::string& gtrid, Lock& lock) {
  settled_.wait(lock, [&] { return !pending_.contains(gtrid); });
}

Error DecisionLog::explain(Error error, const char* what) const {
  error.operation = what;
  error.message += error.outcome_known
                       ? "; nothing was recorded"
                       : "; whether it was recorded shows when the log is read again, "
                         "after a restart";
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
  if (unknown_.contains(gtrid)) {
    Error error;
    error.message = "the decision on " + to_hex(gtrid) + " was being written when the log failed";
    error.outcome_known = false;
    return explain(std::move(error), kOperation);
  }
  if (proposed == Decision::rollback) {
    refused_.insert(gtrid);
    return Decision::rollback;
  }
  if (!buffer(record)) {
    Error error;
    error.message = "the decision on " + to_hex(gtrid) + " has a field that is too long";
    return explain(std::move(error), kOperation);
  }
  pending_.insert(gtrid);
  Request request;
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
  (void)buffer(DoneRecord{gtrid});
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
  if (!buffer(record)) {
    Error error;
    error.message = "the heuristic record on " + to_hex(record.gtrid) + " has a field too long";
    return explain(std::move(error), kOperation);
  }
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
  if (!buffer(AcknowledgedRecord{environment_.clock.wall(), gtrid, who.substr(0, 255)})) {
    Error error;
    error.message = "no such gtrid can exist: " + to_hex(gtrid);
    return explain(std::move(error), kOperation);
  }
  for (const HeuristicRecord& kept : live_.heuristics()) {
    const bool meant = resource_manager.empty() || kept.resource_manager == resource_manager;
    if (kept.gtrid == gtrid && !meant) (void)buffer(kept);  // it fitted before
  }
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
    if (!buffer(hazard) || !buffer(given_up)) {
      Error error;
      error.message = "no such participant can exist: " + to_hex(gtrid);
      return explain(std::move(error), kOperation);
    }
    Request request;
    request.heuristic = &hazard;
    request.given_up = &given_up;
    if (auto forced = force(lock, request); !forced)
      return explain(std::move(forced.error()), kOperation);
  }
  return meant.size();
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
  if (unknown_.contains(gtrid)) {
    Error error;
    error.operation = "read decision";
    error.message = "the decision on " + to_hex(gtrid) +
                    " was being written when the log failed; it shows after a restart";
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
  const std::lock_guard guard(mutex_);
  return live_.heuristics();
}

bool DecisionLog::nothing_live() {
  const std::lock_guard guard(mutex_);
  return live_.empty();
}

}  // namespace xabridge::tm
