// CancelKey: asks the server to cancel what a session is executing, without ever waiting long.
//
// A cancel request is a connection of its own, and libpq's PQcancel waits for it as long as TCP
// does. Where the server's host is gone that is minutes, so the request runs in a thread that the
// caller waits for only so long. Any thread may use one key.
#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <memory>

namespace xabridge::postgresql {

class CancelKey {
 public:
  CancelKey() = default;
  /// Empty when libpq is out of memory.
  explicit CancelKey(PGconn* connection) : key_(PQgetCancel(connection), PQfreeCancel) {}
  explicit operator bool() const noexcept { return key_ != nullptr; }

  /// Returns when the server has taken the request, or after `limit`; then it goes on trying.
  void request(std::chrono::milliseconds limit = std::chrono::seconds(1)) const noexcept;

 private:
  std::shared_ptr<PGcancel> key_;
};

}  // namespace xabridge::postgresql
