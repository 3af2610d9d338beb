// Interrupter: ends statements of our sessions from a connection kept for it, one for each server.
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

#include "connector.hpp"
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
  bool unanswered_ = false;  // the last attempt
  std::chrono::steady_clock::time_point next_log_in_;  // without need
};

}  // namespace xabridge::mysql
