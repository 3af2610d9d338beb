// CallLimit: ends a call that waits for a server beyond its time.
//
// The client library blocks, and its own timeouts hold for a connection: they would cut the long
// statements of the application too. So a thread of ours shuts the connection's socket down when
// the time is over, which wakes whoever waits on it, at once, with a lost connection. The session
// is then lost in fact, and what it had sent may still arrive: outcome unknown.
//
// First only reading ends. Who then still waits is writing to a server that reads no more, and the
// other half follows a moment later.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <optional>

#include "socket_of.hpp"

namespace xabridge::mysql {

class Watcher;

class CallLimit {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Until watch() is called there is nothing to end.
  explicit CallLimit(Time deadline) noexcept : deadline_(deadline) {}
  /// `late` becomes true when the socket is shut down, before the one who waits is woken.
  CallLimit(const Socket& socket, Time deadline, std::atomic<bool>& late);
  /// From here on the socket is left alone.
  ~CallLimit() { release(); }
  CallLimit(const CallLimit&) = delete;
  CallLimit& operator=(const CallLimit&) = delete;

  /// Instead of what was watched before.
  void watch(const Socket& socket, std::atomic<bool>& late);

 private:
  friend class Watcher;
  void release() noexcept;

  const Time deadline_;
  Socket socket_;
  std::atomic<bool>* late_ = nullptr;
  Watcher* watcher_ = nullptr;
  // Guarded by the watcher's mutex.
  std::optional<std::multimap<Time, CallLimit*>::iterator> entry_;
};

}  // namespace xabridge::mysql
