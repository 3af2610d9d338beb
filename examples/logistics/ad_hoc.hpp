// The same order without a global transaction, as it is written by hand: see ../common/ad_hoc.hpp.
#pragma once

#include <xabridge/config.hpp>
#include <xabridge/event.hpp>

#include "accept.hpp"

namespace logistics {

/// With connections of its own to the three databases. `steps` may be null and must outlive the
/// desk.
[[nodiscard]] Desk open_ad_hoc_desk(const xabridge::Config& config, xabridge::Observer* steps);

}  // namespace logistics
