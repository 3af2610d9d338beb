// Socket: one connection's socket, told from others that get its number later; and how to end what
// waits on it.
#pragma once

#include <cstdint>

namespace xabridge::rm {

struct Socket {
  int fd = -1;               // unknown
  std::uint64_t cookie = 0;  // the kernel's name of the socket; a number may be another's by now

  [[nodiscard]] static Socket of(int fd) noexcept;
  [[nodiscard]] bool known() const noexcept { return fd >= 0; }
  /// Is `fd` still this socket, of this process?
  [[nodiscard]] bool open() const noexcept;
};

/// Ends what waits on the socket, now, in whatever thread; the connection is lost then.
void cut(const Socket& socket) noexcept;

}  // namespace xabridge::rm
