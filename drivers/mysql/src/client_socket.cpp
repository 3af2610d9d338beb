// The callback, which libmariadb keeps for the life of the process and calls in every thread.
#include "client_socket.hpp"

#include <dlfcn.h>
#include <fcntl.h>

#include <utility>

namespace xabridge::mysql {
namespace {

using Callback = void (*)(int, void*, const unsigned char*, unsigned long);

// The library's headers in C need not be installed, nor this be the library that the Connector was
// built on: its functions are looked for by name.
template <class Function>
Function* function(const char* name) noexcept {
  return reinterpret_cast<Function*>(::dlsym(RTLD_DEFAULT, name));
}

int socket_of(void* connection) noexcept {
  static auto* const get = function<int(void*)>("mysql_get_socket");
  return get == nullptr ? -1 : get(connection);
}

void register_once(Callback callback) noexcept {
  static const bool registered = [&] {
    auto* const add = function<int(char, Callback)>("ma_pvio_register_callback");
    return add != nullptr && add(1, callback) == 0;
  }();
  (void)registered;
}

thread_local SocketWatch* watching = nullptr;

}  // namespace

SocketWatch::SocketWatch() noexcept : outer_(std::exchange(watching, this)) {
  register_once(&SocketWatch::seen);
}

SocketWatch::~SocketWatch() { watching = outer_; }

void SocketWatch::seen(int, void* connection, const unsigned char*, unsigned long) {
  if (watching == nullptr) return;
  const int socket = socket_of(connection);
  if (socket < 0 || socket == std::exchange(watching->socket_, socket)) return;
  const int flags = ::fcntl(socket, F_GETFD);
  if (flags >= 0) ::fcntl(socket, F_SETFD, flags | FD_CLOEXEC);
}

}  // namespace xabridge::mysql
