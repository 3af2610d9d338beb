// Workload: many clients order at once; some have no credit, some find the stock or the vehicles
// used up.
#pragma once

#include <cstdint>
#include <functional>

#include "../common/tally.hpp"
#include "accept.hpp"

namespace logistics {

struct WorkloadOptions {
  int clients = 4;
  long orders = 200;            // of all clients together
  std::uint64_t seed = 1;       // who orders what; thread timing stays what it is
  std::int64_t customers = 20;  // numbered from 1
};

/// Every client opens a desk of its own.
[[nodiscard]] examples::Answers run_workload(const std::function<Desk()>& open_desk,
                                             const WorkloadOptions& options);

}  // namespace logistics
