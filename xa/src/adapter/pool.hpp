// Pool: the physical connections of one rmid, lent to branches one at a time.
//
// Last in, first out: the most recently used session is the least likely to have been closed by the
// server or a firewall, and unused ones age at the bottom. A session goes back only when it says
// reusable(); all others are closed. Thread-safe; no lock is held while the server is called,
// closing included.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>
#include <xabridge/rm/session.hpp>

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
  /// Closes the session, where there is one, and connects another in the same slot.
  Result<void> replace();
  /// Back to the pool when reusable, else closed. Empty afterwards, as after close().
  void give_back() noexcept;
  void close() noexcept;

 private:
  friend class Pool;
  explicit Lease(Pool& pool) noexcept : pool_(&pool) {}

  Pool* pool_ = nullptr;  // owns a slot while set
  std::unique_ptr<Session> session_;
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
  };

  Pool(Server& server, std::string owner_tag, Limits limits);
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// An idle session, or a new one, or the next one given back. XAER_RMERR when none was within the
  /// time limit, XAER_RMFAIL when a new one cannot connect.
  Result<Lease> acquire();
  /// The same without connecting: the lease has a slot, and an idle session or none. `since`: when
  /// the first of perhaps several tries was made, for the limit is one for all of them. XA_RETRY
  /// when it would have to wait and may not.
  Result<Lease> reserve(Wait wait, Clock::time_point since);

 private:
  friend class Lease;
  Result<std::unique_ptr<Session>> connect();
  void put(std::unique_ptr<Session> session) noexcept;
  void free_slot() noexcept;
  [[nodiscard]] Error exhausted(bool for_good) const;

  Server& server_;
  const std::string owner_tag_;
  const Limits limits_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Session>> idle_;  // guarded by mutex_; back = used last
  std::size_t slots_ = 0;                       // guarded by mutex_; idle and lent
};

}  // namespace xabridge::rm
