// Workload: many clients move money in both directions at once; some change their mind, some ask
// for too much.
#pragma once

#include <cstdint>
#include <string>
#include <xabridge/transaction_manager.hpp>

namespace bank {

struct WorkloadOptions {
  int clients = 4;
  long transfers = 200;         // of all clients together
  std::uint64_t seed = 1;       // which accounts and amounts; thread timing stays what it is
  std::int64_t accounts = 100;  // of each bank, numbered from 1
  int rollback_percent = 10;    // how many customers cancel after the booking, before the commit
  std::string report;           // file name, may be empty
};

struct WorkloadResult {
  long asked = 0;
  long committed = 0;
  long pending = 0;      // of those: finished in the background
  long rolled_back = 0;  // refused, cancelled or given up after retries
  long unclear = 0;      // heuristic or unknown
  long retries = 0;
  double seconds = 0;
  std::string first_error;  // of a kind nobody expects here, such as a database that is gone
};

/// Prints its progress about once a second.
[[nodiscard]] WorkloadResult run_workload(xabridge::TransactionManager& tm,
                                          const WorkloadOptions& options);

}  // namespace bank
