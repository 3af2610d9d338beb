// What a child process gets of our sessions' sockets: nothing.
//
// A socket that a child holds too keeps the session open at the server after this process has died:
// its locks stay, recovery finds the branch busy, and the child has a connection that is logged in.
// So a program that is started here (system(), popen(), posix_spawn()) does not inherit it, and
// fork() closes the child's copy, without a word to the server: the session is the parent's.
//
// A child has also the locks of its parent as they were, and not the threads that would release
// them. What client libraries lock while they log in (libmariadb's list of plugins, OpenSSL's
// loading certificates) would be locked there for ever. So fork() waits for log-ins that are under
// way: as long as one usually takes, and on as long as it works instead of waiting for its server;
// in all a few seconds at most.
//
// So does the process's exit. OpenSSL and client libraries take themselves down in handlers of
// exit(), while threads that nobody joins may be amid a log-in: it would use locks and certificates
// that are gone. From exit()'s begin no log-in begins, the sockets of those that wait are shut
// down, and those at work are waited for, a few seconds at most.
#pragma once

#include <chrono>
#include <mutex>

namespace xabridge::rm {

/// Programs started from here do not inherit `socket`: to be called as soon as it is known. One
/// that another thread has started before has a copy, on which nobody may have logged in by then.
void close_on_exec(int socket) noexcept;

/// `socket` leads to a session of ours, from now until it is closed. May throw std::bad_alloc.
void keep_from_children(int socket);

/// How often this process has called fork(). What was connecting meanwhile, and so was not yet
/// known here, may have been copied to a child: give it up and connect again.
[[nodiscard]] unsigned forks_seen() noexcept;

/// A log-in of the calling thread, as long as it lives. It does not begin while another thread
/// forks, or the process exits.
class LogIn {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Waits for forks until call_deadline(), or `limit`.
  LogIn() noexcept;
  explicit LogIn(Time limit) noexcept;
  ~LogIn();
  LogIn(const LogIn&) = delete;
  LogIn& operator=(const LogIn&) = delete;

  /// Why the client library must not be called; null: it may.
  [[nodiscard]] const char* refused() const noexcept { return refused_; }

  /// The calling thread, in its log-in, is about to wait for the server, and the client library has
  /// locked nothing.
  static void waits() noexcept;
  /// That wait is over. Where nobody tells of waiting, it goes on with each answer of the server.
  static void goes_on() noexcept;

  /// exit() ends log-ins before all that has registered its teardown so far: its handlers run in
  /// reverse order. For a driver, amid its first log-in, when its library has done so; OpenSSL and
  /// what a first log-in does are seen to.
  static void end_before_teardown() noexcept;

 private:
  friend struct LogIns;
  LogIn* next_ = nullptr;
  LogIn* const outer_;
  const int thread_;
  const char* refused_ = nullptr;
  Time begun_;
  Time at_work_;
};

/// No child gets `mutex` locked: whoever forks has it meanwhile. For one that lives for ever and is
/// held for moments, without another such one.
///
/// To be called while the library is loaded. Later it may wait for a fork, and one that waits in
/// the initialiser of a static leaves its guard taken in the child, for ever.
void free_in_children(std::mutex& mutex);

/// Connects by `connect()`, once more when a child may have got a copy of the socket. The result is
/// false where it failed; its socket is `socket_of(*result)`, negative where there is none. What
/// `connect` answers to a refusal is its own: it has a LogIn too, and looks.
template <class Connect, class SocketOf>
auto connect_hidden(Connect connect, SocketOf socket_of) -> decltype(connect()) {
  // Whoever forks all the time gets a connection all the same, which a child may then share.
  for (int tries = 3;; --tries) {
    const unsigned before = forks_seen();
    auto connected = [&] {
      const LogIn under_way;
      return connect();
    }();
    if (!connected) return connected;
    if (const int socket = socket_of(*connected); socket >= 0) keep_from_children(socket);
    if (before == forks_seen() || tries == 1) return connected;
  }
}

}  // namespace xabridge::rm
