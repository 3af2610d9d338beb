// Pool: the physical connections of one rmid, lent to branches one at a time.
//
// Last in, first out: the most recently used session is the least likely to have been closed by the
// server or a firewall, and unused ones age at the bottom, until they have been idle for max_idle
// and are closed. A session goes back only when it says reusable(), is not older than max_age, and
// its server is still what it was; all others are closed. Thread-safe; no lock is held while the
// server is called, closing included.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>
#include <xabridge/rm/session.hpp>

#include "connector.hpp"
#include "upkeep.hpp"

namespace xabridge::rm {

class Pool;

/// One slot of the pool and the session in it, if any. Destroying it closes the session and frees
/// the slot.
class Lease {
 public:
  Lease() = default;
  Lease(Lease&& other) noexcept;
  Lease& operator=(Lease&& other) noexcept;
  ~Lease() { close(); }

  [[nodiscard]] Session* get() const noexcept { return session_.get(); }
  Session* operator->() const noexcept { return session_.get(); }
  explicit operator bool() const noexcept { return session_ != nullptr; }

  /// True when the session was connected for this lease: its failure is no stale connection.
  [[nodiscard]] bool fresh() const noexcept { return fresh_; }
  /// When its session began to connect.
  [[nodiscard]] std::chrono::steady_clock::time_point made() const noexcept { return made_; }
  /// Closes the session, where there is one, and connects another in the same slot.
  Result<void> replace();
  /// Back to the pool when reusable, else closed. Empty afterwards, as after close().
  void give_back() noexcept;
  void close() noexcept;

 private:
  friend class Pool;
  explicit Lease(Pool& pool) noexcept : pool_(&pool) {}

  void drop_session() noexcept;

  Pool* pool_ = nullptr;  // owns a slot while set
  std::unique_ptr<Session> session_;
  std::chrono::steady_clock::time_point made_;  // when the session began to connect
  bool fresh_ = false;
};

class Pool {
 public:
  enum class Wait { yes, no };
  using Clock = std::chrono::steady_clock;

  struct Limits {
    std::size_t size;
    std::chrono::milliseconds timeout;
    std::string setting;  // what an administrator changes when the limit hurts
    std::chrono::milliseconds max_age{0};   // of a session; zero: none
    std::chrono::milliseconds max_idle{0};  // of an unused one; zero: none
  };
  /// An unused session: what a pool that ends may leave to the next one.
  struct Idle {
    std::unique_ptr<Session> session;
    Clock::time_point made, since;
  };

  /// `left`: of an earlier pool with the same limits.
  Pool(Connector& connector, Upkeep& upkeep, Limits limits, std::vector<Idle> left = {});
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// An idle session, or a new one, or the next one given back. XAER_RMERR when none was within the
  /// time limit, XAER_RMFAIL when a new one cannot connect. Who has to wait for a slot shares the
  /// failure of those who connect meanwhile.
  Result<Lease> acquire();
  /// The same without connecting: the lease has a slot, and an idle session or none. `since`: when
  /// the first of perhaps several tries was made, for the limit is one for all of them. XA_RETRY
  /// when it would have to wait and may not.
  Result<Lease> reserve(Wait wait, Clock::time_point since);

  /// Takes out what may not be used any more at `now`, for the caller to close; `next` becomes no
  /// later than when there will be more.
  void take_expired(Clock::time_point now, std::vector<Idle>& expired, Clock::time_point& next);
  /// Takes out all that are idle.
  [[nodiscard]] std::vector<Idle> take_idle() noexcept;

 private:
  friend class Lease;
  Result<std::unique_ptr<Session>> connect();
  /// May a session that is as it was when it was made serve another branch?
  [[nodiscard]] bool keeps(Clock::time_point made) const noexcept;
  void put(Idle idle) noexcept;
  void free_slot() noexcept;
  [[nodiscard]] Clock::time_point expiry(const Idle& idle) const noexcept;
  /// Under the lock: the idle session used last, the expired ones on the way moved to `expired`.
  std::optional<Idle> take_usable(std::vector<Idle>& expired);
  [[nodiscard]] Error exhausted(bool for_good, Clock::time_point limit) const;

  Connector& connector_;
  Upkeep& upkeep_;
  const Limits limits_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<Idle> idle_;        // guarded by mutex_; back = used last
  std::size_t slots_ = 0;         // guarded by mutex_; idle and lent
  unsigned failures_ = 0;         // guarded by mutex_; to connect
  std::optional<Error> failure_;  // guarded by mutex_; the last one
};

}  // namespace xabridge::rm
