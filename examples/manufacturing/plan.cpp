// The plan; see the header.
#include "plan.hpp"

namespace manufacturing {

std::vector<WorkOrder> make_plan(std::int64_t orders) {
  std::vector<WorkOrder> plan;
  for (std::int64_t number = 1; number <= orders; ++number) {
    WorkOrder order{number,
                    number % 3 == 0 ? "trailer" : "bicycle",
                    1 + number % 3,
                    "press-" + std::to_string(number % 4),
                    number,
                    "assembly",
                    25'00 * (1 + number % 3)};
    switch (number % 30) {
      case 10:  // wants what the order before it in the same machine has
        order.machine = plan.back().machine;
        order.slot = plan.back().slot;
        break;
      case 20:
        order.product = "ship";
        break;
      case 0:
        order.cost_center = "closed-in-spring";
        break;
      default:
        break;
    }
    plan.push_back(order);
  }
  return plan;
}

}  // namespace manufacturing
