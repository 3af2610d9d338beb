// Reconciliation: reads the three databases through plain connections of its own and proves that
// every order in the book has its goods picked and its transport booked, that nothing is picked or
// booked for any other order, and that stock, vehicles and customers' debts say the same.
#pragma once

#include <string>
#include <vector>
#include <xabridge/config.hpp>

namespace logistics {

struct Reconciliation {
  long orders = 0;
  long pieces_ordered = 0;
  long pieces_picked = 0;
  long bookings = 0;
  long weight_ordered = 0;  // kg
  long weight_booked = 0;
  std::vector<std::string> faults;  // empty: all is well
};

/// Meaningful once no branch is in doubt.
[[nodiscard]] Reconciliation reconcile(const xabridge::Config& config);

}  // namespace logistics
