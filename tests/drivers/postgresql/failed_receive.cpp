// The recv() of this program: libpq's calls arrive here, since the program's symbols come first.

#include "failed_receive.hpp"

#include <dlfcn.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>

namespace {

std::atomic<int> victim{-1};
std::atomic<int> failure{0};
std::atomic<int> successes_left{0};
std::atomic<bool> failed{false};

}  // namespace

extern "C" __attribute__((visibility("default"))) ssize_t recv(int socket, void* buffer,
                                                               size_t size, int flags) {
  using Receive = ssize_t (*)(int, void*, size_t, int);
  static const auto real = reinterpret_cast<Receive>(dlsym(RTLD_NEXT, "recv"));
  if (socket != victim || successes_left.fetch_sub(1) > 0) return real(socket, buffer, size, flags);
  victim = -1;
  failed = true;
  errno = failure;
  return -1;
}

namespace xabridge::test {

void fail_receive(int socket, int number, int successes) {
  failed = false;
  failure = number;
  successes_left = successes;
  victim = socket;
}

bool receive_has_failed() {
  victim = -1;
  return failed;
}

}  // namespace xabridge::test
