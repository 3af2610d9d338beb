// Audit: reads both banks through plain connections of its own and holds them against each other
// and against what the program was told.
#pragma once

#include <string>
#include <vector>
#include <xabridge/config.hpp>

#include "bank.hpp"

namespace bank {

struct Audit {
  Amount opening_a = 0;
  Amount opening_b = 0;
  Amount money_a = 0;
  Amount money_b = 0;
  long transfers = 0;  // that both banks agree on

  // From the report, where there is one.
  long asked = 0;
  long committed = 0;
  long rolled_back = 0;
  long finished_by_recovery = 0;     // no answer was given, found committed
  long rolled_back_by_recovery = 0;  // no answer was given, found nowhere

  std::vector<std::string> faults;  // empty: all is well
};

/// `report`: file name, may be empty. Meaningful once no branch is in doubt.
[[nodiscard]] Audit audit(const xabridge::Config& config, const std::string& report);

}  // namespace bank
