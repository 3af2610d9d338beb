// Databases for one test case; see the header.
#include "scene.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <random>
#include <stdexcept>

namespace scene {
namespace {

/// The server paired with PostgreSQL.
std::string other_server() {
  const std::string server = server_under_test();
  if (server != "postgresql") return server;
  return server_variable("mysql").empty() ? "mariadb" : "mysql";
}

std::string required(const std::string& server) {
  const std::string value = server_variable(server);
  if (value.empty()) {
    throw std::runtime_error(
        "no " + server +
        " to test with: eval \"$(scripts/servers env)\" after scripts/servers start");
  }
  return value;
}

/// The open string with another dbname.
std::string with_database(const std::string& open_string, const std::string& database) {
  const std::size_t begin = open_string.find("dbname=") + 7;
  const std::size_t end = open_string.find(' ', begin);
  return open_string.substr(0, begin) + database +
         (end == std::string::npos ? "" : open_string.substr(end));
}

std::string user_of(const std::string& open_string) {
  const std::size_t begin = open_string.find("user=") + 5;
  return open_string.substr(begin, open_string.find(' ', begin) - begin);
}

std::string driver_of(const Database& database) {
  return database.server == "postgresql" ? "postgresql" : "mysql";
}

std::string new_name() {
  std::random_device device;
  return "xt_" + std::to_string(getpid()) + "_" + std::to_string(device());
}

std::filesystem::path new_directory() {
  std::string name = (std::filesystem::temp_directory_path() / "xabridge-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot create " + name);
  return name;
}

}  // namespace

std::string variable_name(const std::string& server, const std::string& suffix) {
  std::string name = "XABRIDGE_TEST_" + server + suffix;
  for (char& letter : name)
    letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  return name;
}

std::string server_variable(const std::string& server, const std::string& suffix) {
  const char* value = std::getenv(variable_name(server, suffix).c_str());
  return value != nullptr ? value : "";
}

std::string server_under_test() {
  const char* server = std::getenv("XABRIDGE_TEST_SERVER");
  return server != nullptr ? server : "mariadb";
}

Scene::Scene(const std::string& postgresql_name, const std::string& mysql_name)
    : Scene({{postgresql_name, "postgresql", ""}, {mysql_name, other_server(), ""}}) {}

Scene::Scene(std::vector<Database> databases)
    : directory_(new_directory()), databases_(std::move(databases)) {
  for (Database& database : databases_) database.open_string = required(database.server);
  create_databases();
  write_config();
}

Scene::~Scene() {
  try {
    drop_databases();
    std::filesystem::remove_all(directory_);
  } catch (const std::exception& error) {
    // A failed test may leave a branch in doubt, and a database with one cannot be dropped.
    std::cerr << "left behind: " << directory_ << ", database " << database_ << ": " << error.what()
              << '\n';
  }
}

void Scene::write_config() const {
  std::ofstream config(config_file());
  // It holds passwords.
  std::filesystem::permissions(config_file(), std::filesystem::perms::owner_read |
                                                  std::filesystem::perms::owner_write);
  config << "[log]\ndirectory = \"" << (directory_ / "log").string() << "\"\n";
  for (const Database& database : databases_) {
    config << "\n[[resource_manager]]\nname = \"" << database.name << "\"\ndriver = \""
           << driver_of(database) << "\"\nopen = \"" << database.open_string << "\"\n";
  }
}

void Scene::create_databases() {
  for (const Database& database : databases_) {
    if (server_variable(database.server, "_ADMIN").empty()) return;
  }
  database_ = new_name();
  for (Database& database : databases_) {
    const std::string admin = server_variable(database.server, "_ADMIN");
    const std::string user = user_of(database.open_string);
    if (database.server == "postgresql") {
      examples::connect_postgresql(admin).execute("CREATE DATABASE " + database_ + " OWNER " +
                                                  user);
    } else {
      const auto connection = examples::connect_mysql(admin);
      connection.execute("CREATE DATABASE " + database_);
      connection.execute("GRANT ALL PRIVILEGES ON " + database_ + ".* TO '" + user + "'@'%'");
    }
    database.open_string = with_database(database.open_string, database_);
  }
}

void Scene::drop_databases() const {
  if (database_.empty()) return;
  for (const Database& database : databases_) {
    const std::string admin = server_variable(database.server, "_ADMIN");
    if (database.server == "postgresql") {
      examples::connect_postgresql(admin).execute("DROP DATABASE " + database_ + " WITH (FORCE)");
    } else {
      const auto connection = examples::connect_mysql(admin);
      connection.execute("SET SESSION lock_wait_timeout = 5");
      connection.execute("DROP DATABASE " + database_);
      connection.execute("REVOKE ALL PRIVILEGES ON " + database_ + ".* FROM '" +
                         user_of(database.open_string) + "'@'%'");
    }
  }
}

const Database& Scene::database(const std::string& name) const {
  const auto found = std::find_if(databases_.begin(), databases_.end(),
                                  [&](const Database& database) { return database.name == name; });
  if (found == databases_.end()) throw std::runtime_error("this scene has no " + name);
  return *found;
}

void Scene::execute(const std::string& name, const char* sql) const {
  const Database& at = database(name);
  if (at.server == "postgresql") {
    examples::connect_postgresql(at.open_string).execute(sql);
  } else {
    examples::connect_mysql(at.open_string).execute(sql);
  }
}

std::int64_t Scene::number(const std::string& name, const char* sql) const {
  const Database& at = database(name);
  const auto row = at.server == "postgresql"
                       ? examples::connect_postgresql(at.open_string).query_row(sql)
                       : examples::connect_mysql(at.open_string).query_row(sql);
  if (!row) throw std::runtime_error(std::string("no row: ") + sql);
  return row->get<std::int64_t>(0);
}

std::int64_t Scene::postgresql(const char* sql) const { return number(databases_[0].name, sql); }
std::int64_t Scene::mysql(const char* sql) const { return number(databases_[1].name, sql); }

}  // namespace scene
