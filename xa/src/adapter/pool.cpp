// Which session is lent next, which one goes back, and which is closed.

#include "pool.hpp"

#include <algorithm>
#include <iterator>
#include <new>

namespace xabridge::rm {

Lease::Lease(Lease&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)),
      session_(std::move(other.session_)),
      made_(other.made_),
      fresh_(other.fresh_) {}

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this == &other) return *this;
  close();
  pool_ = std::exchange(other.pool_, nullptr);
  session_ = std::move(other.session_);
  made_ = other.made_;
  fresh_ = other.fresh_;
  return *this;
}

// What one session has seen of its server holds for all that were made before.
void Lease::drop_session() noexcept {
  if (session_ != nullptr && pool_ != nullptr && session_->outdated()) pool_->connector_.renew();
  session_.reset();
}

Result<void> Lease::replace() {
  drop_session();
  made_ = Pool::Clock::now();
  auto session = pool_->connect();
  if (!session) return std::move(session.error());
  session_ = *std::move(session);
  fresh_ = true;
  return {};
}

void Lease::give_back() noexcept {
  const bool whole = session_ != nullptr && session_->reusable() && !session_->outdated();
  if (!whole || !pool_->keeps(made_)) return close();
  std::exchange(pool_, nullptr)->put({std::move(session_), made_, Pool::Clock::now()});
}

void Lease::close() noexcept {
  drop_session();
  if (pool_ != nullptr) std::exchange(pool_, nullptr)->free_slot();
}

Pool::Pool(Connector& connector, Upkeep& upkeep, Limits limits, std::vector<Idle> left)
    : connector_(connector),
      upkeep_(upkeep),
      limits_(std::move(limits)),
      idle_(std::move(left)),
      slots_(idle_.size()) {
  idle_.reserve(limits_.size);  // put() must not throw
}

Result<Lease> Pool::acquire() {
  auto lease = reserve(Wait::yes, Clock::now());
  if (!lease || *lease) return lease;
  if (auto connected = lease->replace(); !connected) return std::move(connected.error());
  return lease;
}

Result<Lease> Pool::reserve(Wait wait, Clock::time_point since) {
  std::vector<Idle> expired;  // closed after the lock is gone
  std::unique_lock lock(mutex_);
  const auto limit = std::min(since + limits_.timeout, call_deadline());
  const unsigned failures = failures_;
  const auto free = [&] { return !idle_.empty() || slots_ < limits_.size; };
  const bool waits = wait == Wait::yes && !free();
  if (waits) (void)returned_.wait_until(lock, limit, free);
  if (!free()) return exhausted(wait == Wait::yes || Clock::now() >= limit, limit);
  Lease lease(*this);
  if (auto idle = take_usable(expired)) {
    lease.session_ = std::move(idle->session);
    lease.made_ = idle->made;
    return lease;
  }
  if (waits && failures_ != failures) {
    lease.pool_ = nullptr;
    Error shared = *failure_;
    lock.unlock();
    returned_.notify_one();  // the slot is the next one's
    return shared;
  }
  ++slots_;
  return lease;
}

std::optional<Pool::Idle> Pool::take_usable(std::vector<Idle>& expired) {
  const auto now = Clock::now();
  while (!idle_.empty()) {
    Idle idle = std::move(idle_.back());
    idle_.pop_back();
    if (expiry(idle) > now) return idle;
    --slots_;
    expired.push_back(std::move(idle));
  }
  return std::nullopt;
}

Result<std::unique_ptr<Session>> Pool::connect() {
  auto session = connector_.connect();
  // A call that needs a connection and cannot have one is "unavailable", whatever the reason; the
  // reason itself stays in the texts. xa_open alone answers XAER_RMERR. Whether trying again may
  // help is told by the SQLSTATE: class 08, a connection that could not be made.
  if (!session) {
    Error& error = session.error();
    const bool unsaid = error.sqlstate.empty() || error.sqlstate == "HY000";
    if (error.xa_code == XAER_RMFAIL && unsaid) error.sqlstate = "08001";
    error.xa_code = XAER_RMFAIL;
  }
  // Who had less time than others speaks for himself only.
  if (session || Clock::now() >= call_deadline()) return session;
  const std::lock_guard lock(mutex_);
  ++failures_;
  failure_ = session.error();
  return session;
}

bool Pool::keeps(Clock::time_point made) const noexcept {
  const bool too_old = limits_.max_age.count() > 0 && Clock::now() >= made + limits_.max_age;
  return !too_old && connector_.valid(made);
}

Pool::Clock::time_point Pool::expiry(const Idle& idle) const noexcept {
  if (!connector_.valid(idle.made)) return Clock::time_point::min();
  auto expiry = Upkeep::never;
  if (limits_.max_age.count() > 0) expiry = idle.made + limits_.max_age;
  if (limits_.max_idle.count() > 0) expiry = std::min(expiry, idle.since + limits_.max_idle);
  return expiry;
}

void Pool::put(Idle idle) noexcept try {
  const auto expires = expiry(idle);
  {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(idle));
  }
  returned_.notify_one();
  if (expires != Upkeep::never) upkeep_.expect(expires);
} catch (const std::bad_alloc&) {
  free_slot();  // the session is closed
}

void Pool::take_expired(Clock::time_point now, std::vector<Idle>& expired,
                        Clock::time_point& next) {
  const std::lock_guard lock(mutex_);
  expired.reserve(expired.size() + idle_.size());
  const auto stays = [&](const Idle& idle) { return expiry(idle) > now; };
  const auto gone = std::stable_partition(idle_.begin(), idle_.end(), stays);
  slots_ -= static_cast<std::size_t>(idle_.end() - gone);
  std::move(gone, idle_.end(), std::back_inserter(expired));
  idle_.erase(gone, idle_.end());
  for (const Idle& idle : idle_) next = std::min(next, expiry(idle));
}

std::vector<Pool::Idle> Pool::take_idle() noexcept {
  const std::lock_guard lock(mutex_);
  slots_ -= idle_.size();
  return std::exchange(idle_, {});
}

void Pool::free_slot() noexcept {
  {
    const std::lock_guard lock(mutex_);
    --slots_;
  }
  returned_.notify_one();
}

Error Pool::exhausted(bool for_good, Clock::time_point limit) const {
  Error error;
  error.operation = "take a connection from the pool";
  error.xa_code = for_good ? XAER_RMERR : XA_RETRY;
  error.message = "all " + std::to_string(limits_.size) + " connections are in use by branches";
  if (for_good && limit == call_deadline())
    error.message += ", and none was free before the time for this call was over";
  else if (for_good)
    error.message += ", none was free within " + std::to_string(limits_.timeout.count()) + " ms";
  error.message += "; end transactions sooner or raise " + limits_.setting;
  return error;
}

}  // namespace xabridge::rm
