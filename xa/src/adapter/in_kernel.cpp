// Reads /proc/self/task/<thread>/syscall: "running", or the call's number and arguments.

#include "in_kernel.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>

namespace xabridge::rm {
namespace {

/// The first of those for which poll() waits. The memory is another thread's, which may give it
/// back any time: the kernel is asked for it, which answers where a pointer would lead nowhere.
int first_polled(std::uint64_t address) noexcept {
  const int memory = ::open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  if (memory < 0) return -1;
  pollfd first{};
  const bool told = ::pread(memory, &first, sizeof first, static_cast<off_t>(address)) ==
                    static_cast<ssize_t>(sizeof first);
  ::close(memory);
  return told ? first.fd : -1;
}

}  // namespace

InKernel in_kernel(int thread) noexcept {
  const std::string path = "/proc/self/task/" + std::to_string(thread) + "/syscall";
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  std::array<char, 128> text{};
  const bool told = ::read(file, text.data(), text.size() - 1) > 0;
  ::close(file);
  long call = -1;
  unsigned long argument = 0;
  if (!told || std::sscanf(text.data(), "%ld %lx", &call, &argument) != 2) return {};
  bool polls = call == SYS_ppoll;
#ifdef SYS_poll
  polls = polls || call == SYS_poll;
#endif
  if (polls) return {true, first_polled(argument)};
  if (call == SYS_connect || call == SYS_recvfrom || call == SYS_recvmsg)
    return {true, static_cast<int>(argument)};
  return {};
}

}  // namespace xabridge::rm
