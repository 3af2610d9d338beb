// Exchange: one message to the server and the results that come back, without a thread and without
// waiting where the caller will not.
//
// A message is either a simple query (several statements in one text) or a pipeline, whose first
// result the server sends on before it begins the second statement. Used by the thread that uses
// the PGconn.
#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "handles.hpp"

namespace xabridge::postgresql {

using Clock = std::chrono::steady_clock;

/// How a wait ended. Failed: nothing can be received any more, also where libpq goes on calling the
/// connection usable, as it does for most values of errno.
enum class Wait { ready, late, failed };

/// Waits for POLLIN, POLLOUT or both until `limit`.
[[nodiscard]] Wait wait_for_socket(const PGconn* connection, short events,
                                   Clock::time_point limit) noexcept;

/// Waits for input until `limit`, sending what is still to be sent, and takes it in.
[[nodiscard]] Wait wait_for_input(PGconn* connection, Clock::time_point limit) noexcept;

/// What the server answered, one result for each statement it came to.
struct Reply {
  std::vector<ResultSet> results;
  bool whole = false;  // nothing more will come and the connection is there

  /// The statement that was done with this tag; null when none was.
  [[nodiscard]] const PGresult* done(std::string_view tag) const noexcept;
  /// The statement the server refused; null when none was.
  [[nodiscard]] const PGresult* refusal() const noexcept;
  /// What the first query gave; null when no query was answered, or with a NULL in front.
  [[nodiscard]] const PGresult* row() const noexcept;
  /// Row 0, column 0 of the first query; null when no query was answered, or with a NULL.
  [[nodiscard]] const char* value() const noexcept;
  /// How many rows the first query gave; 0 when none was answered.
  [[nodiscard]] int rows() const noexcept;
};

class Exchange {
 public:
  void send(PGconn* connection, const char* message);
  /// One statement with one parameter, as text.
  void send(PGconn* connection, const char* statement, const char* parameter);
  /// `first` is answered before the others are executed.
  void send_in_turn(PGconn* connection, const char* first, std::span<const char* const> then);

  /// Takes in what has come until `limit`, in the past: without waiting. Ready: the reply is there.
  /// Failed: what had come is there, and nothing more will; the connection must not be used again.
  [[nodiscard]] Wait receive(PGconn* connection, Clock::time_point limit);
  /// The reply, or what has come of it.
  [[nodiscard]] Reply take() noexcept;
  /// Something was sent, and its reply has not been received.
  [[nodiscard]] bool outstanding() const noexcept { return state_ == State::sent; }

 private:
  enum class State { over, sent, failed };
  void sent(PGconn* connection, bool ok);
  void add(PGconn* connection, ResultSet result);

  Reply reply_;
  bool pipeline_ = false;
  State state_ = State::over;
};

}  // namespace xabridge::postgresql
