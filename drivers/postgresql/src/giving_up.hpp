// How long a question may wait for PostgreSQL; see giving_up.cpp.
#pragma once

#include <xabridge/rm/session.hpp>

#include "exchange.hpp"

namespace xabridge::postgresql {

/// A healthy server answers it without waiting for a disk, a lock or another server.
[[nodiscard]] bool answered_from_memory(rm::Request request) noexcept;

/// The calling thread's deadline, and not longer than a healthy server could need.
[[nodiscard]] Clock::time_point question_limit() noexcept;

}  // namespace xabridge::postgresql
