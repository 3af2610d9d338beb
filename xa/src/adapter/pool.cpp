// Pool and Lease: see pool.hpp.

#include "pool.hpp"

namespace xabridge::rm {

Lease::Lease(Lease&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)),
      session_(std::move(other.session_)),
      fresh_(other.fresh_) {}

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this == &other) return *this;
  close();
  pool_ = std::exchange(other.pool_, nullptr);
  session_ = std::move(other.session_);
  fresh_ = other.fresh_;
  return *this;
}

Result<void> Lease::replace() {
  session_.reset();
  auto session = pool_->connect();
  if (!session) return std::move(session.error());
  session_ = *std::move(session);
  fresh_ = true;
  return {};
}

void Lease::give_back() noexcept {
  if (session_ == nullptr || !session_->reusable()) return close();
  std::exchange(pool_, nullptr)->put(std::move(session_));
}

void Lease::close() noexcept {
  session_.reset();
  if (pool_ != nullptr) std::exchange(pool_, nullptr)->free_slot();
}

Pool::Pool(Server& server, std::string owner_tag, Limits limits)
    : server_(server), owner_tag_(std::move(owner_tag)), limits_(std::move(limits)) {
  idle_.reserve(limits_.size);  // put() must not throw
}

Result<Lease> Pool::acquire() {
  auto lease = reserve(Wait::yes, Clock::now());
  if (!lease || *lease) return lease;
  if (auto connected = lease->replace(); !connected) return std::move(connected.error());
  return lease;
}

Result<Lease> Pool::reserve(Wait wait, Clock::time_point since) {
  std::unique_lock lock(mutex_);
  const auto free = [&] { return !idle_.empty() || slots_ < limits_.size; };
  const auto limit = since + limits_.timeout;
  if (wait == Wait::yes) (void)returned_.wait_until(lock, limit, free);
  if (!free()) return exhausted(wait == Wait::yes || Clock::now() >= limit);
  Lease lease(*this);
  if (idle_.empty()) {
    ++slots_;
  } else {
    lease.session_ = std::move(idle_.back());
    idle_.pop_back();
  }
  return lease;
}

Result<std::unique_ptr<Session>> Pool::connect() {
  auto session = server_.connect(owner_tag_);
  // A call that needs a connection and cannot have one is "unavailable", whatever the reason; the
  // reason itself stays in the texts. xa_open alone answers XAER_RMERR. Whether trying again may
  // help is told by the SQLSTATE: class 08, a connection that could not be made.
  if (!session) {
    Error& error = session.error();
    const bool unsaid = error.sqlstate.empty() || error.sqlstate == "HY000";
    if (error.xa_code == XAER_RMFAIL && unsaid) error.sqlstate = "08001";
    error.xa_code = XAER_RMFAIL;
  }
  return session;
}

void Pool::put(std::unique_ptr<Session> session) noexcept {
  {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(session));
  }
  returned_.notify_one();
}

void Pool::free_slot() noexcept {
  {
    const std::lock_guard lock(mutex_);
    --slots_;
  }
  returned_.notify_one();
}

Error Pool::exhausted(bool for_good) const {
  Error error;
  error.operation = "take a connection from the pool";
  error.xa_code = for_good ? XAER_RMERR : XA_RETRY;
  error.message = "all " + std::to_string(limits_.size) + " connections are in use by branches";
  if (for_good)
    error.message += ", none was free within " + std::to_string(limits_.timeout.count()) + " ms";
  error.message += "; end transactions sooner or raise " + limits_.setting;
  return error;
}

}  // namespace xabridge::rm
