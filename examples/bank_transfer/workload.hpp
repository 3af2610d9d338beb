// Workload: many clients move money in both directions at once; some change their mind, some ask
// for too much.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <xabridge/outcome.hpp>

#include "../common/tally.hpp"
#include "bank.hpp"

namespace bank {

struct WorkloadOptions {
  int clients = 4;
  long transfers = 200;         // of all clients together
  std::uint64_t seed = 1;       // which accounts and amounts; thread timing stays what it is
  std::int64_t accounts = 100;  // of each bank, numbered from 1
  int rollback_percent = 10;    // how many customers cancel after the booking, before the commit
  std::string report;           // file name, may be empty
};

/// How a client has transfers made. A customer who cancels does so after the booking, before the
/// commit.
using Teller = std::function<xabridge::Outcome(const Transfer& transfer, bool cancelled)>;

/// Every client opens a teller of its own. Prints its progress about once a second.
[[nodiscard]] examples::Answers run_workload(const std::function<Teller()>& open_teller,
                                             const WorkloadOptions& options);

}  // namespace bank
