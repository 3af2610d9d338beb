// Databases for one test case; see the header.
#include "scene.hpp"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <random>
#include <stdexcept>

#include "../../../examples/common/postgresql_query.hpp"

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
    : directory_(new_directory()),
      open_postgresql_(required("postgresql")),
      open_mysql_(required(other_server())) {
  create_databases();
  std::ofstream config(config_file());
  config << "[log]\ndirectory = \"" << (directory_ / "log").string() << "\"\n\n"
         << "[[resource_manager]]\nname = \"" << postgresql_name
         << "\"\ndriver = \"postgresql\"\nopen = \"" << open_postgresql_
         << "\"\n\n[[resource_manager]]\nname = \"" << mysql_name
         << "\"\ndriver = \"mysql\"\nopen = \"" << open_mysql_ << "\"\n";
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

void Scene::create_databases() {
  const std::string admin_postgresql = server_variable("postgresql", "_ADMIN");
  const std::string admin_mysql = server_variable(other_server(), "_ADMIN");
  if (admin_postgresql.empty() || admin_mysql.empty()) return;
  database_ = new_name();
  const auto a = examples::connect_postgresql(admin_postgresql);
  examples::postgresql::execute(
      a.get(), ("CREATE DATABASE " + database_ + " OWNER " + user_of(open_postgresql_)).c_str());
  const auto b = examples::connect_mysql(admin_mysql);
  const std::unique_ptr<sql::Statement> statement(b->createStatement());
  statement->execute("CREATE DATABASE " + database_);
  statement->execute("GRANT ALL PRIVILEGES ON " + database_ + ".* TO '" + user_of(open_mysql_) +
                     "'@'%'");
  open_postgresql_ = with_database(open_postgresql_, database_);
  open_mysql_ = with_database(open_mysql_, database_);
}

void Scene::drop_databases() const {
  if (database_.empty()) return;
  const auto a = examples::connect_postgresql(server_variable("postgresql", "_ADMIN"));
  examples::postgresql::execute(a.get(), ("DROP DATABASE " + database_ + " WITH (FORCE)").c_str());
  const auto b = examples::connect_mysql(server_variable(other_server(), "_ADMIN"));
  const std::unique_ptr<sql::Statement> statement(b->createStatement());
  statement->execute("SET SESSION lock_wait_timeout = 5");
  statement->execute("DROP DATABASE " + database_);
  statement->execute("REVOKE ALL PRIVILEGES ON " + database_ + ".* FROM '" + user_of(open_mysql_) +
                     "'@'%'");
}

std::int64_t Scene::postgresql(const char* sql) const {
  const auto connection = examples::connect_postgresql(open_postgresql_);
  return examples::postgresql::execute(connection.get(), sql).number(0, 0);
}

std::int64_t Scene::mysql(const char* sql) const {
  const auto connection = examples::connect_mysql(open_mysql_);
  auto rows = examples::mysql::query(*connection, sql);
  if (!rows.next()) throw std::runtime_error(std::string("no row: ") + sql);
  return rows.number(1);
}

}  // namespace scene
