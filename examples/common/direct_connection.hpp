// A plain connection to the database an open string names, outside any global transaction: to
// create tables, which MySQL does not allow inside XA, and to look at the data independently of
// xabridge. Statements are made as on the connection of a transaction.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <xabridge/config.hpp>
#include <xabridge/mysql_connection.hpp>
#include <xabridge/postgresql_connection.hpp>

namespace examples {

class PlainPostgresql : public xabridge::PostgresqlConnection {
 public:
  struct Close {
    void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
  };
  using Owner = std::unique_ptr<PGconn, Close>;

  explicit PlainPostgresql(Owner connection, const std::string& name = "")
      : PostgresqlConnection(connection.get(), name), owner_(std::move(connection)) {}

 private:
  Owner owner_;
};

class PlainMysql : public xabridge::MysqlConnection {
 public:
  using Owner = std::unique_ptr<sql::Connection>;

  explicit PlainMysql(Owner connection, const std::string& name = "")
      : MysqlConnection(*connection, name), owner_(std::move(connection)) {}

 private:
  Owner owner_;
};

/// All throw std::runtime_error (or sql::SQLException) that says why. `name` is what errors of
/// statements call the connection.
[[nodiscard]] PlainPostgresql connect_postgresql(const std::string& open_string,
                                                 const std::string& name = "");
[[nodiscard]] PlainMysql connect_mysql(const std::string& open_string,
                                       const std::string& name = "");

/// To the database of a resource manager in a configuration; it must be one of that driver's.
[[nodiscard]] PlainPostgresql connect_postgresql(const xabridge::Config& config,
                                                 const std::string& resource_manager);
[[nodiscard]] PlainMysql connect_mysql(const xabridge::Config& config,
                                       const std::string& resource_manager);

[[nodiscard]] std::string open_string_of(const xabridge::Config& config,
                                         const std::string& resource_manager,
                                         const std::string& driver);

}  // namespace examples
