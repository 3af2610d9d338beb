// CancelKey: asks the server to cancel what a session is executing, without ever waiting long.
//
// A cancel request is a connection of its own, and libpq's PQcancel waits for it as long as TCP
// does. Where the server's host is gone that is minutes, so the request runs in a thread that the
// caller waits for only so long. One thread for each key at most, however often it is asked while
// the server's host is gone. Any thread may use one key.
#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <memory>

namespace xabridge::postgresql {

class CancelKey {
 public:
  CancelKey() = default;
  /// Empty when libpq is out of memory.
  explicit CancelKey(PGconn* connection);
  explicit operator bool() const noexcept { return asking_ != nullptr; }

  /// Returns when the server has taken the request, or after `limit`; then it goes on trying. Where
  /// an earlier request has not come through yet, that one is waited for instead.
  void request(std::chrono::milliseconds limit = std::chrono::seconds(1)) const noexcept;
  /// The same, and not beyond `deadline`.
  void request(std::chrono::steady_clock::time_point deadline) const noexcept;

 private:
  struct Asking;  // what the threads share
  std::shared_ptr<Asking> asking_;
};

}  // namespace xabridge::postgresql
