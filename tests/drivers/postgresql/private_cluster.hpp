// PrivateCluster: a PostgreSQL server of the test's own, for settings no shared server should have.
#pragma once

#include <cstdlib>
#include <string>

#include "catch.hpp"

namespace xabridge::test {

class PrivateCluster {
 public:
  explicit PrivateCluster(const std::string& settings) {
    REQUIRE(mkdtemp(folder_.data()) != nullptr);
    REQUIRE(std::system((PRIVATE_CLUSTER " start " + folder_ + " " + settings).c_str()) == 0);
  }
  /// A streaming standby of `primary`.
  explicit PrivateCluster(const PrivateCluster& primary) {
    REQUIRE(mkdtemp(folder_.data()) != nullptr);
    primary.run("standby", folder_);
  }
  PrivateCluster& operator=(const PrivateCluster&) = delete;
  ~PrivateCluster() {
    if (std::system((PRIVATE_CLUSTER " stop " + folder_).c_str()) != 0)
      WARN("could not stop the server in " << folder_);
  }
  /// Ends without shutting down, as in a power cut, and starts again: returns when recovered.
  void crash() const { REQUIRE(std::system((PRIVATE_CLUSTER " crash " + folder_).c_str()) == 0); }
  [[nodiscard]] const std::string& folder() const { return folder_; }
  /// Another command of the script.
  void run(const std::string& command, const std::string& argument = "") const {
    INFO(command);
    REQUIRE(std::system(
                (PRIVATE_CLUSTER " " + command + " " + folder_ + " " + argument).c_str()) == 0);
  }
  [[nodiscard]] std::string open_string() const {
    return "host=" + folder_ + " user=postgres dbname=postgres";
  }

 private:
  std::string folder_ = "/tmp/xabridge-pg-XXXXXX";
};

}  // namespace xabridge::test
