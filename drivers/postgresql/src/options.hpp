// Options: an open string as PostgreSQL's driver understands it.
//
// Every connection keyword of the installed libpq is accepted (host, hostaddr, port, user,
// password, passfile, service, dbname, sslmode, sslrootcert, sslcert, sslkey, connect_timeout,
// target_session_attrs, options, keepalives, tcp_user_timeout, ...), except those that would turn
// the session into something else (replication). Ours:
//
//   passwordfile   file whose first line is the password; read at each connect, so it may rotate
//   pool_size      connections at most (default 64)
//   pool_timeout   seconds to wait for one of them (default 30)
//   max_age        seconds after which one serves no other branch (default 3600; 0: for ever)
//   max_idle       seconds after which an unused one is closed (default 300; 0: never)
//   prepare_at_end 1: xa_end prepares, for transaction managers that do it elsewhere (default 0)
//
// What libpq would do for ever has a limit here unless the open string says otherwise:
// connect_timeout=10, and TCP keepalives that notice a vanished server within about a minute.
// libpq's environment variables (PGHOST, PGPASSFILE, PGSSLMODE, ...) apply where a key is absent.
// Immutable once parsed; may be shared between threads.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <xabridge/rm/open_string.hpp>

#include "handles.hpp"

namespace xabridge::postgresql {

/// Where a connection leads, by address where libpq had to look one up.
struct Endpoint {
  std::string host;
  std::string address;
  std::string port;

  static Endpoint of(const PGconn* connection);
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

class Options {
 public:
  /// XAER_INVAL names the key that is wrong and what it may be.
  [[nodiscard]] static Result<Options> parse(std::string_view open_string);

  /// Connects; `application_name` goes before the open string's own. The Error is XAER_RMFAIL when
  /// the server was not reached or cannot take connections now, XAER_RMERR when it refused this
  /// one. Waits connect_timeout for each address, and in all not beyond rm::call_deadline().
  [[nodiscard]] Result<Connection> connect(const std::string& application_name) const;

  /// The same again, at the address where a connection was, and no later than `limit`.
  [[nodiscard]] Result<Connection> connect_again(const Endpoint& endpoint,
                                                 std::chrono::steady_clock::time_point limit) const;

  [[nodiscard]] std::size_t pool_size() const noexcept { return pool_size_; }
  [[nodiscard]] std::chrono::milliseconds pool_timeout() const noexcept { return pool_timeout_; }
  [[nodiscard]] std::chrono::milliseconds max_age() const noexcept { return max_age_; }
  [[nodiscard]] std::chrono::milliseconds max_idle() const noexcept { return max_idle_; }
  [[nodiscard]] bool prepares_at_end() const noexcept { return prepares_at_end_; }
  /// For messages: no password in it.
  [[nodiscard]] std::string target() const { return text_.redacted(); }

 private:
  using Parameters = std::vector<std::pair<std::string, std::string>>;
  [[nodiscard]] Result<Parameters> parameters(const std::string& application_name) const;
  [[nodiscard]] Result<Connection> dial(Parameters list,
                                        std::chrono::steady_clock::time_point deadline) const;

  explicit Options(rm::OpenString text) : text_(std::move(text)) {}

  rm::OpenString text_;
  std::size_t pool_size_ = 0;
  std::chrono::milliseconds pool_timeout_{};
  std::chrono::milliseconds max_age_{};
  std::chrono::milliseconds max_idle_{};
  bool prepares_at_end_ = false;
};

}  // namespace xabridge::postgresql
