// What the sessions of one open string share: how to connect, and what is known of their prepared
// branches and of the database. Owned by the Server and its sessions together; thread-safe.
#pragma once

#include "dblink.hpp"
#include "options.hpp"
#include "prepared_branches.hpp"

namespace xabridge::postgresql {

struct ServerMemory {
  explicit ServerMemory(Options parsed) : options(std::move(parsed)) {}

  const Options options;
  PreparedBranches prepared;
  Dblink dblink;
};

}  // namespace xabridge::postgresql
