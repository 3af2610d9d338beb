// Threads of the library's own: detached, and out of the application's way.
#pragma once

#include <functional>

namespace xabridge::rm {

/// Runs `body` in a thread that blocks all signals and owns what it uses. False: none can be
/// started.
bool start_background_thread(std::function<void()> body) noexcept;

}  // namespace xabridge::rm
