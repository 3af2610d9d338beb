// Connector: how the pools of one instance connect to its server.
//
// While the server answers, threads connect side by side. Once a connect has failed, one thread
// tries and the others that need a connection meanwhile share its failure: N threads at a server
// that is not there wait for one connect timeout, not for N. Nobody waits beyond call_deadline().
//
// It also knows since when sessions are valid: those made before a server was seen to be no longer
// what it was (Session::outdated()) are not used again.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <xabridge/rm/session.hpp>

namespace xabridge::rm {

/// One thread's attempt at something, and those who wait for its end to share its failure.
class Attempt {
 public:
  using Clock = std::chrono::steady_clock;

  /// Fails everybody who waits, unless the attempt was cut short by the deadline of who made it:
  /// then they try themselves.
  void fail(const Error& error);
  void succeed();
  /// Waits until the end, or call_deadline(). An error: that of the attempt, or that time was up.
  [[nodiscard]] std::optional<Error> wait(const char* what);

 private:
  void end(std::optional<Error> failure);
  const Clock::time_point deadline_ = call_deadline();  // of who makes it
  std::mutex mutex_;
  std::condition_variable ended_;
  bool over_ = false;             // guarded by mutex_, as is the next one
  std::optional<Error> failure_;  // to be shared
};

class Connector {
 public:
  using Clock = std::chrono::steady_clock;

  Connector(Server& server, std::string owner_tag, Clock::time_point valid_since)
      : server_(server), owner_tag_(std::move(owner_tag)), valid_since_(valid_since) {}

  /// XAER_RMFAIL: a call that needs a connection and cannot have one is "unavailable", whatever the
  /// reason; the reason itself stays in the texts. xa_open alone answers XAER_RMERR.
  Result<std::unique_ptr<Session>> connect();

  /// The server is no longer what it was: sessions made until now are not used again.
  void renew() noexcept { valid_since_ = Clock::now(); }
  [[nodiscard]] Clock::time_point valid_since() const noexcept { return valid_since_.load(); }
  [[nodiscard]] bool valid(Clock::time_point made) const noexcept { return made > valid_since(); }

 private:
  Result<std::unique_ptr<Session>> try_once();
  struct Turn {
    std::shared_ptr<Attempt> others;  // to be waited for; null: try now
    std::shared_ptr<Attempt> mine;    // which others may wait for
  };
  Turn take_turn();

  Server& server_;
  const std::string owner_tag_;
  std::atomic<Clock::time_point> valid_since_;
  std::mutex mutex_;
  bool away_ = false;                 // guarded by mutex_: the last attempt failed
  std::shared_ptr<Attempt> attempt_;  // guarded by mutex_; while away_, at most one
};

}  // namespace xabridge::rm
