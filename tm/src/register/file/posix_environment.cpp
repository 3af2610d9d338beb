// The operating system's clock, random bytes and host name; the files are in posix_files.cpp.

#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "../identity.hpp"
#include "posix_files.hpp"

namespace xabridge::tm {
namespace {

class PosixClock final : public Clock {
 public:
  [[nodiscard]] std::chrono::steady_clock::time_point now() const noexcept override {
    return std::chrono::steady_clock::now();
  }
  [[nodiscard]] std::chrono::system_clock::time_point wall() const noexcept override {
    return std::chrono::system_clock::now();
  }
};

class PosixEntropy final : public Entropy {
 public:
  void fill(std::span<std::byte> bytes) override {
    while (!bytes.empty()) {
      const ssize_t got = ::getrandom(bytes.data(), bytes.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      // Weak bytes would let two incarnations be equal; there is nothing to fall back to.
      if (got < 0) throw std::system_error(errno, std::generic_category(), "getrandom");
      bytes = bytes.subspan(static_cast<std::size_t>(got));
    }
  }
};

std::string short_host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  const std::string full(name.data());
  return full.substr(0, full.find('.')).substr(0, kMaxHostLength);
}

}  // namespace

Environment& posix_environment() {
  // Never destroyed: transaction managers with static storage still write their last records.
  static Environment& environment =
      *new Environment{posix_file_system(), *new PosixClock, *new PosixEntropy, short_host_name()};
  return environment;
}

}  // namespace xabridge::tm
