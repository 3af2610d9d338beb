// Which socket the client library opens for a connection: its interface in C++ does not tell, and
// libmariadb leaves the socket open in programs that this process starts (children.hpp).
//
// libmariadb calls back at whatever it reads or writes, with the connection in hand; the first time
// is the server's greeting, before anybody is logged in. So the socket is the right one whatever
// other threads open meanwhile. A program that another thread starts between the two still inherits
// a socket on which nobody is logged in yet, and keeps its copy.
//
// Oracle's library has no such call; there nothing is known.
#pragma once

namespace xabridge::mysql {

/// Of the connections that this thread makes while the object lives.
class SocketWatch {
 public:
  SocketWatch() noexcept;
  SocketWatch(const SocketWatch&) = delete;
  SocketWatch& operator=(const SocketWatch&) = delete;
  ~SocketWatch();

  /// The last one's socket, closed to programs started from here; -1: none, or it is not known.
  [[nodiscard]] int socket() const noexcept { return socket_; }

 private:
  static void seen(int mode, void* connection, const unsigned char* bytes, unsigned long length);

  SocketWatch* const outer_;
  int socket_ = -1;
};

}  // namespace xabridge::mysql
