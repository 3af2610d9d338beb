// How a child made by fork() notices that it is one, without asking the kernel at every call.
#pragma once

namespace xabridge::tm {

/// How often fork() has made a child on the way from the program's start to this process: another
/// number than when something was made means that it belongs to a parent. Only fork() counts: as
/// with the lock of a log slot, _Fork() and clone() go unnoticed.
[[nodiscard]] unsigned forks() noexcept;

}  // namespace xabridge::tm
