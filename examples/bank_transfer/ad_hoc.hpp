// The same transfer without a global transaction, as it is written by hand: see
// ../common/ad_hoc.hpp.
#pragma once

#include <xabridge/config.hpp>
#include <xabridge/event.hpp>

#include "workload.hpp"

namespace bank {

/// With connections of its own to both banks. `steps` may be null and must outlive the teller.
[[nodiscard]] Teller open_ad_hoc_teller(const xabridge::Config& config, xabridge::Observer* steps);

}  // namespace bank
