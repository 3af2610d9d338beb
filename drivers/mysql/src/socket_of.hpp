// The socket under a Connector connection, which the Connector's own interface does not show: to
// close it in forked children and at exec(), and to end a call that waits for a server too long.
//
// libmariadb tells an observer of each read and write which connection it is for. The socket of a
// connection is that of the first read in the thread that connects, so it is the right one however
// many threads connect. On a client library without such observers (Oracle's) it stays unknown.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <xabridge/rm/socket.hpp>

namespace xabridge::mysql {

using rm::cut;
using rm::Socket;

/// Notes the socket of the connection that the calling thread opens in its lifetime; of several,
/// the last.
class SocketOf {
 public:
  using Told = std::function<void(const Socket&)>;
  /// `told` is called as soon as it is known, amid the connecting.
  explicit SocketOf(Told told = {});
  ~SocketOf();
  SocketOf(const SocketOf&) = delete;
  SocketOf& operator=(const SocketOf&) = delete;

  [[nodiscard]] const Socket& socket() const noexcept { return socket_; }
  /// The library uses `fd` in this thread.
  void note(int fd) noexcept;

 private:
  SocketOf* const outer_;
  const Told told_;
  Socket socket_;
};

/// The database in use on the connection over which the calling thread has last read or written
/// since forget_last_used(): libmariadb keeps it, told of each USE by the server. nullopt: the
/// library or the server does not tell. That connection must still be there.
[[nodiscard]] std::optional<std::string> schema_of_last_used();
void forget_last_used() noexcept;

}  // namespace xabridge::mysql
