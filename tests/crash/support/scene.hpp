// Scene: real databases for one test case, by default a pair: PostgreSQL and the server
// XABRIDGE_TEST_SERVER names, with a configuration file and a log directory of its own. Reads go
// through plain connections, independent of xabridge.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "../../../examples/common/direct_connection.hpp"

namespace scene {

/// A resource manager of the configuration, and the server its database is at.
struct Database {
  std::string name;
  std::string server;       // postgresql, mysql or mariadb
  std::string open_string;  // filled by Scene
};

class Scene {
 public:
  /// Where an administrator's connection is known (XABRIDGE_TEST_..._ADMIN), the databases are new
  /// and removed at the end, so that tests run side by side.
  explicit Scene(std::vector<Database> databases);
  /// The two names are the resource managers' in the configuration.
  Scene(const std::string& postgresql_name, const std::string& mysql_name);
  ~Scene();
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }
  [[nodiscard]] std::string config_file() const { return directory_ / "config.toml"; }

  /// The single number a query gives at a resource manager's database.
  [[nodiscard]] std::int64_t number(const std::string& name, const char* sql) const;
  /// Something done to the data behind the program's back.
  void execute(const std::string& name, const char* sql) const;
  /// The number, of a pair: at PostgreSQL and at the other server.
  [[nodiscard]] std::int64_t postgresql(const char* sql) const;
  [[nodiscard]] std::int64_t mysql(const char* sql) const;

 private:
  void create_databases();
  void drop_databases() const;
  void write_config() const;
  [[nodiscard]] const Database& database(const std::string& name) const;

  std::filesystem::path directory_;
  std::vector<Database> databases_;
  std::string database_;  // its name, at each server; empty: those the variables name
};

/// postgresql, mysql or mariadb, from XABRIDGE_TEST_SERVER.
[[nodiscard]] std::string server_under_test();
/// "XABRIDGE_TEST_<SERVER><suffix>", and its value in the environment; empty when not set.
[[nodiscard]] std::string variable_name(const std::string& server, const std::string& suffix);
[[nodiscard]] std::string server_variable(const std::string& server,
                                          const std::string& suffix = "");

}  // namespace scene
