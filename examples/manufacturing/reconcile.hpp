// Reconciliation: reads both databases through plain connections of its own and proves that every
// released order has exactly its reservations, its cost posting, its slot and its lot, that no
// other order has any, and that the bins hold what was received less what is reserved.
#pragma once

#include <cstdint>
#include <string>
#include <vector>
#include <xabridge/config.hpp>

namespace manufacturing {

struct Reconciliation {
  long planned = 0;
  long released = 0;
  long reservations = 0;
  long cost_postings = 0;
  long slots = 0;
  long lots = 0;
  std::vector<std::string> faults;  // empty: all is well
};

/// Meaningful once no branch is in doubt.
[[nodiscard]] Reconciliation reconcile(const xabridge::Config& config);

}  // namespace manufacturing
