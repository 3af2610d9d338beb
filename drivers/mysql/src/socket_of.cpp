// See socket_of.hpp. The observer is ma_pvio_register_callback() of <mysql/ma_pvio.h>; libmariadb
// is under the Connector and not linked by us, so its two functions are looked up by name.
#include "socket_of.hpp"

#include <dlfcn.h>

#include <utility>
#include <xabridge/rm/children.hpp>

namespace xabridge::mysql {
namespace {

using Observe = void (*)(int, void*, const unsigned char*, std::size_t);
using Register = char (*)(char, Observe);
using GetSocket = int (*)(void*);

using GetInfo = char (*)(void*, int, void*);  // mariadb_get_info()

// Of enum mariadb_value, and the capability of a server that tells of USE.
constexpr int kSchema = 15;
constexpr int kServerCapabilities = 31;
constexpr unsigned long kSessionTracking = 1UL << 23;

thread_local SocketOf* connecting = nullptr;
thread_local void* last_used = nullptr;

template <class Function>
Function symbol(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_DEFAULT, name));
}

GetSocket get_socket() {
  static const auto function = symbol<GetSocket>("mysql_get_socket");
  return function;
}

void observe(int, void* connection, const unsigned char*, std::size_t) {
  last_used = connection;
  if (connecting == nullptr) return;
  rm::LogIn::goes_on();
  connecting->note(get_socket()(connection));
}

/// Once: the library keeps a list, and calls each as often as it is in there.
void observe_reads_and_writes() {
  static const bool done = [] {
    const auto observe_with = symbol<Register>("ma_pvio_register_callback");
    return observe_with != nullptr && get_socket() != nullptr && observe_with(1, observe) == 0;
  }();
  (void)done;
}

GetInfo get_info() {
  static const auto function = symbol<GetInfo>("mariadb_get_info");
  return function;
}

}  // namespace

void forget_last_used() noexcept { last_used = nullptr; }

std::optional<std::string> schema_of_last_used() {
  if (last_used == nullptr || get_info() == nullptr) return std::nullopt;
  unsigned long capabilities = 0;
  const char* schema = nullptr;
  if (get_info()(last_used, kServerCapabilities, &capabilities) != 0 ||
      (capabilities & kSessionTracking) == 0 || get_info()(last_used, kSchema, &schema) != 0) {
    return std::nullopt;
  }
  return schema == nullptr ? std::string() : std::string(schema);
}

void SocketOf::note(int fd) noexcept try {
  if (fd < 0) return;
  const Socket seen = Socket::of(fd);
  if (seen.fd == socket_.fd && seen.cookie == socket_.cookie) return;
  socket_ = seen;
  if (told_) told_(socket_);
} catch (...) {
  // Nobody is told: an exception must not pass through the library.
}

SocketOf::SocketOf(Told told) : outer_(connecting), told_(std::move(told)) {
  observe_reads_and_writes();
  connecting = this;
}

SocketOf::~SocketOf() { connecting = outer_; }

}  // namespace xabridge::mysql
