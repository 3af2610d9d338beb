// The plan: work orders to release, most of them sound, some of them with one of the three faults
// the example is about.
#pragma once

#include <vector>

#include "work_order.hpp"

namespace manufacturing {

/// Every tenth order asks for a machine slot that is taken, for a part nobody has, or for a cost
/// center that does not exist; these three in turn.
[[nodiscard]] std::vector<WorkOrder> make_plan(std::int64_t orders);

}  // namespace manufacturing
