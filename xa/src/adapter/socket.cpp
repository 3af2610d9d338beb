// The kernel's name of a socket, and shutting it down.

#include <sys/socket.h>

#include <xabridge/rm/socket.hpp>

namespace xabridge::rm {
namespace {

std::uint64_t cookie_of(int fd) noexcept {
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  return ::getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}

}  // namespace

Socket Socket::of(int fd) noexcept { return {fd, fd < 0 ? 0 : cookie_of(fd)}; }

bool Socket::open() const noexcept { return known() && cookie != 0 && cookie_of(fd) == cookie; }

void cut(const Socket& socket) noexcept {
  if (socket.open()) ::shutdown(socket.fd, SHUT_RDWR);
}

}  // namespace xabridge::rm
