// What another thread of this process waits for in the kernel, as /proc tells.
#pragma once

namespace xabridge::rm {

/// Waits for the network, perhaps at a socket that is known; else negative.
struct InKernel {
  bool waits = false;
  int socket = -1;
};

/// Of now; it may have gone on since. Waits for nothing also where the kernel does not say.
[[nodiscard]] InKernel in_kernel(int thread) noexcept;

}  // namespace xabridge::rm
