// What the sessions of one open string share: how to connect, and what is known of their prepared
// branches. Owned by the Server and its sessions together; thread-safe.
#pragma once

#include "options.hpp"
#include "prepared_branches.hpp"

namespace xabridge::postgresql {

struct ServerMemory {
  explicit ServerMemory(Options parsed) : options(std::move(parsed)) {}

  const Options options;
  PreparedBranches prepared;
};

}  // namespace xabridge::postgresql
