// Interrupter: ends statements of our sessions from a connection kept for it, one for each server,
// and remembers the sessions whose connection was lost, for the next session to end them.
//
// It is opened with the first session, not when a statement is to be ended: a server that is full
// lets nobody in. Sessions are named by their marks (session_mark.hpp), so that a stranger's
// statement is never ended. For any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "connector.hpp"
#include "session_mark.hpp"
#include "settings.hpp"
#include "socket_of.hpp"

namespace xabridge::mysql {

class Interrupter {
 public:
  enum class Told {
    yes,         // the server ends the statement, or the session had none
    unknown,     // the server has no session of that name (any more)
    unanswered,  // it cannot be reached, or does not answer
    refused,     // it answers, but lets us not in
    later        // one of the last two a moment ago; not tried again yet
  };

  explicit Interrupter(std::shared_ptr<const Settings> settings) : settings_(std::move(settings)) {}
  ~Interrupter();
  Interrupter(const Interrupter&) = delete;
  Interrupter& operator=(const Interrupter&) = delete;

  /// Logs in, unless that is done or somebody is at it. Failing, it is tried when it is needed.
  void get_ready() noexcept;
  /// Ends what the session that holds this lock executes.
  Told end_statement(const std::string& lock) noexcept;

  /// A session of `server` whose connection was lost. The server may have heard nothing of it and
  /// keep the session, with the locks of its branch. Its mark stays taken until it is let go, so
  /// that no other session of this process has that name meanwhile. Of too many the oldest go.
  void keep_lost(SessionMark mark, const std::string& server) noexcept;
  struct Lost {
    SessionMark mark;
    std::string server;
    int process;  // a forked child leaves its parent's alone
  };
  /// Those of `server`; keep_lost() is for those that could not be ended.
  [[nodiscard]] std::vector<Lost> take_lost(const std::string& server);

 private:
  Told attempt(const std::string& sql, bool& stale);
  void log_in();
  void drop() noexcept;
  void leave_to_parent() noexcept;
  Told failed(Told how) noexcept;

  const std::shared_ptr<const Settings> settings_;
  std::mutex mutex_;  // guards all below
  std::unique_ptr<sql::Connection> connection_;
  std::unique_ptr<sql::Statement> statement_;
  Socket socket_;
  std::atomic<bool> late_{false};
  int process_ = 0;  // which logged in; a forked child leaves the connection alone
  std::chrono::milliseconds pause_{0};
  std::chrono::steady_clock::time_point not_before_;
  bool unanswered_ = false;                            // the last attempt
  std::chrono::steady_clock::time_point next_log_in_;  // without need

  std::mutex lost_mutex_;
  std::vector<Lost> lost_;  // guarded by lost_mutex_
};

}  // namespace xabridge::mysql
