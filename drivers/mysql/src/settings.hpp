// What an open string says: where the server is, who logs in, how the connection is protected.
//
// Keys: host port socket user password passwordfile dbname sslmode sslrootcert sslcert sslkey
// connect_timeout charset isolation idle_limit pool_size pool_timeout max_age max_idle
// prepare_at_end. A host that
// begins with '/' is a socket.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <xabridge/error.hpp>

namespace xabridge::mysql {

/// In libpq's words and with its meaning.
enum class SslMode { disable, prefer, require, verify_ca, verify_full };

struct Settings {
  std::string host = "localhost";  // over TCP even for "localhost"; unused with a socket
  int port = 3306;
  std::string socket;  // empty: TCP
  std::string user;
  std::string password;  // never in a message
  std::string dbname;
  SslMode ssl_mode = SslMode::prefer;
  std::string ssl_ca;
  std::string ssl_cert;
  std::string ssl_key;
  std::string charset = "utf8mb4";
  std::string isolation;     // of every branch, as the servers write it; empty: the server's own
  int connect_timeout = 10;  // seconds
  /// Seconds that the server keeps a session, and the locks of its branch, after its client's host
  /// has vanished, at least; zero: its wait_timeout.
  int idle_limit = 900;
  std::size_t pool_size = 64;
  std::chrono::milliseconds pool_timeout{30000};
  std::chrono::milliseconds max_age{3600000};  // zero: for ever
  std::chrono::milliseconds max_idle{300000};  // zero: never closed for that
  bool prepare_at_end = false;  // xa_end prepares; see rm/session.hpp

  /// "user@host:port/dbname", for messages.
  [[nodiscard]] std::string address() const;
};

/// Reads an open string; the error names the key that is wrong and what it may be.
Result<Settings> parse_settings(std::string_view open_string);

}  // namespace xabridge::mysql
