// Scene: a pair of real databases for one test case, PostgreSQL and the server XABRIDGE_TEST_SERVER
// names, with a configuration file and a log directory of its own. Reads go through plain
// connections, independent of xabridge.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "../../../examples/common/direct_connection.hpp"

namespace scene {

class Scene {
 public:
  /// The two names are the resource managers' in the configuration. Where an administrator's
  /// connection is known (XABRIDGE_TEST_..._ADMIN), the databases are new and removed at the end,
  /// so that tests run side by side.
  Scene(const std::string& postgresql_name, const std::string& mysql_name);
  ~Scene();
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }
  [[nodiscard]] std::string config_file() const { return directory_ / "config.toml"; }

  /// The single number a query gives, at PostgreSQL and at the other server.
  [[nodiscard]] std::int64_t postgresql(const char* sql) const;
  [[nodiscard]] std::int64_t mysql(const char* sql) const;

 private:
  void create_databases();
  void drop_databases() const;

  std::filesystem::path directory_;
  std::string database_;  // empty: those the variables name
  std::string open_postgresql_;
  std::string open_mysql_;
};

/// postgresql, mysql or mariadb, from XABRIDGE_TEST_SERVER.
[[nodiscard]] std::string server_under_test();
/// "XABRIDGE_TEST_<SERVER><suffix>", and its value in the environment; empty when not set.
[[nodiscard]] std::string variable_name(const std::string& server, const std::string& suffix);
[[nodiscard]] std::string server_variable(const std::string& server,
                                          const std::string& suffix = "");

}  // namespace scene
