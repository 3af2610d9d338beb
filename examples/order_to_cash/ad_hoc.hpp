// The same sale without a global transaction, as it is written by hand: see ../common/ad_hoc.hpp.
#pragma once

#include <xabridge/config.hpp>
#include <xabridge/event.hpp>

#include "sale.hpp"

namespace order_to_cash {

/// With connections of its own to both databases. `steps` may be null and must outlive the till.
[[nodiscard]] Till open_ad_hoc_till(const xabridge::Config& config, xabridge::Observer* steps);

}  // namespace order_to_cash
