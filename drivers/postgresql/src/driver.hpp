// The PostgreSQL driver: what the adapter makes a switch of.
#pragma once

#include <xabridge/rm/session.hpp>

namespace xabridge::postgresql {

/// The one driver object; thread-safe, never destroyed.
rm::Driver& driver() noexcept;

}  // namespace xabridge::postgresql
