// Processes of a server that are stopped (SIGSTOP) as long as this exists: they are there, their
// sockets take what is sent, and nothing comes back.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "fixture.hpp"

namespace xabridge::test {

class Frozen {
 public:
  /// The server process of one session.
  explicit Frozen(rm::Session& session);
  /// The server in this folder of a PrivateCluster, with all its processes.
  explicit Frozen(const std::string& folder);
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;
  ~Frozen() { thaw(); }

  void thaw() noexcept;

 private:
  void stop();
  std::vector<pid_t> processes_;
};

}  // namespace xabridge::test
