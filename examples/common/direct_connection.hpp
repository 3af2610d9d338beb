// A plain connection to the database an open string names, outside any global transaction: to
// create tables, which MySQL does not allow inside XA, and to look at the data independently of
// xabridge.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <string>
#include <xabridge/config.hpp>

#include "mysql_query.hpp"

namespace examples {

struct CloseConnection {
  void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
};
using PostgresqlConnection = std::unique_ptr<PGconn, CloseConnection>;
using MysqlConnection = std::unique_ptr<sql::Connection>;

/// All throw std::runtime_error (or sql::SQLException) that says why.
[[nodiscard]] PostgresqlConnection connect_postgresql(const std::string& open_string);
[[nodiscard]] MysqlConnection connect_mysql(const std::string& open_string);

/// To the database of a resource manager in a configuration; it must be one of that driver's.
[[nodiscard]] PostgresqlConnection connect_postgresql(const xabridge::Config& config,
                                                      const std::string& resource_manager);
[[nodiscard]] MysqlConnection connect_mysql(const xabridge::Config& config,
                                            const std::string& resource_manager);

[[nodiscard]] std::string open_string_of(const xabridge::Config& config,
                                         const std::string& resource_manager,
                                         const std::string& driver);

}  // namespace examples
