// The same release without a global transaction, as it is written by hand: see
// ../common/ad_hoc.hpp.
#pragma once

#include <xabridge/config.hpp>
#include <xabridge/event.hpp>

#include "work_order.hpp"

namespace manufacturing {

/// With connections of its own to both databases. `steps` may be null and must outlive the foreman.
[[nodiscard]] Foreman open_ad_hoc_foreman(const xabridge::Config& config,
                                          xabridge::Observer* steps);

}  // namespace manufacturing
