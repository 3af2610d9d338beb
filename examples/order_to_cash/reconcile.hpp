// Reconciliation: reads both databases through plain connections of its own and proves that every
// sale has its shipment and that the supplier got its part, that there is nothing else, and that
// shelf, stock and the buyers' money say the same.
#pragma once

#include <cstdint>
#include <string>
#include <vector>
#include <xabridge/config.hpp>

namespace order_to_cash {

struct Reconciliation {
  long sales = 0;
  long shipments = 0;
  std::int64_t paid_by_buyers = 0;  // what they have less than at the start, in cents
  std::int64_t kept_by_shop = 0;    // of its sales, less the supplier's part
  std::int64_t got_by_supplier = 0;
  std::vector<std::string> faults;  // empty: all is well
};

/// Meaningful once no branch is in doubt.
[[nodiscard]] Reconciliation reconcile(const xabridge::Config& config);

}  // namespace order_to_cash
