// Workload: many clients buy at once; some run out of money, some find an article sold out.
#pragma once

#include <cstdint>
#include <functional>

#include "../common/tally.hpp"
#include "sale.hpp"

namespace order_to_cash {

struct WorkloadOptions {
  int clients = 4;
  long sales = 200;          // of all clients together
  std::uint64_t seed = 1;    // who buys what; thread timing stays what it is
  std::int64_t buyers = 20;  // numbered from 1
};

/// Every client opens a till of its own.
[[nodiscard]] examples::Answers run_workload(const std::function<Till()>& open_till,
                                             const WorkloadOptions& options);

}  // namespace order_to_cash
