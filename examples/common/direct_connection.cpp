// Plain connections; see the header.
#include "direct_connection.hpp"

#include <stdexcept>
#include <string_view>
#include <vector>
#include <xabridge/rm/open_string.hpp>

#if !__has_include(<mysql/jdbc.h>)
#include <mysql_driver.h>
#endif

namespace examples {
namespace {

using xabridge::rm::OpenString;

constexpr int tls_error = 2026;

/// What the open string may say beyond libpq's own keywords.
constexpr std::string_view postgresql_extras[] = {"passwordfile", "pool_size", "pool_timeout",
                                                  "prepare_at_end"};
constexpr std::string_view mysql_keys[] = {
    "host",          "port",    "socket",          "user",        "password",
    "passwordfile",  "dbname",  "sslmode",         "sslrootcert", "sslcert",
    "sslkey",        "charset", "connect_timeout", "pool_size",   "pool_timeout",
    "prepare_at_end"};

OpenString parse_for_postgresql(const std::string& text) {
  const std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> defaults(PQconndefaults(),
                                                                                PQconninfoFree);
  std::vector<std::string_view> known(std::begin(postgresql_extras), std::end(postgresql_extras));
  for (const auto* option = defaults.get(); option != nullptr && option->keyword != nullptr;
       ++option) {
    known.emplace_back(option->keyword);
  }
  return OpenString::parse(text, known).value();
}

sql::Driver& connector() {
  static sql::Driver* const driver = sql::mysql::get_driver_instance();
  struct Registration {
    Registration() { driver->threadInit(); }
    ~Registration() { driver->threadEnd(); }
  };
  thread_local const Registration registration;
  return *driver;
}

}  // namespace

PlainPostgresql connect_postgresql(const std::string& open_string, const std::string& name) {
  const OpenString open = parse_for_postgresql(open_string);
  std::vector<std::pair<std::string, std::string>> settings;
  for (const auto& [key, value] : open.pairs()) {
    const bool is_ours = key == "password" || key == "passwordfile" || key.starts_with("pool_");
    if (!is_ours) settings.emplace_back(key, value);
  }
  if (const auto password = open.password().value()) settings.emplace_back("password", *password);
  std::vector<const char*> keys;
  std::vector<const char*> values;
  for (const auto& [key, value] : settings) {
    keys.push_back(key.c_str());
    values.push_back(value.c_str());
  }
  keys.push_back(nullptr);
  values.push_back(nullptr);
  PlainPostgresql::Owner connection(PQconnectdbParams(keys.data(), values.data(), 0));
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    throw std::runtime_error(std::string("PostgreSQL: ") + PQerrorMessage(connection.get()));
  }
  return PlainPostgresql(std::move(connection), name);
}

PlainMysql connect_mysql(const std::string& open_string, const std::string& name) {
  const OpenString open = OpenString::parse(open_string, mysql_keys).value();
  sql::ConnectOptionsMap options;
  if (const auto socket = open.get("socket")) {
    options["hostName"] = sql::SQLString("unix://" + *socket);
  } else {
    options["hostName"] = sql::SQLString("tcp://" + open.get("host").value_or("localhost"));
    options["port"] = static_cast<int>(open.number("port", 1, 65535, 3306).value());
    options["sslEnforce"] = open.get("sslmode") != "disable";
  }
  options["userName"] = sql::SQLString(open.get("user").value_or(""));
  options["password"] = sql::SQLString(open.password().value().value_or(""));
  options["schema"] = sql::SQLString(open.get("dbname").value_or(""));
  try {
    return PlainMysql(PlainMysql::Owner(connector().connect(options)), name);
  } catch (const sql::SQLException& error) {
    if (error.getErrorCode() != tls_error || open.has("sslmode")) throw;
  }
  options["sslEnforce"] = false;
  return PlainMysql(PlainMysql::Owner(connector().connect(options)), name);
}

PlainPostgresql connect_postgresql(const xabridge::Config& config,
                                   const std::string& resource_manager) {
  return connect_postgresql(open_string_of(config, resource_manager, "postgresql"),
                            resource_manager);
}

PlainMysql connect_mysql(const xabridge::Config& config, const std::string& resource_manager) {
  return connect_mysql(open_string_of(config, resource_manager, "mysql"), resource_manager);
}

std::string open_string_of(const xabridge::Config& config, const std::string& resource_manager,
                           const std::string& driver) {
  for (const auto& rm : config.resource_managers) {
    if (rm.name == resource_manager && rm.driver == driver) return rm.open;
  }
  throw std::runtime_error("the configuration has no resource manager with name = \"" +
                           resource_manager + "\" and driver = \"" + driver + "\"");
}

}  // namespace examples
