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

/// Both throw std::runtime_error (or sql::SQLException) that says why.
[[nodiscard]] PostgresqlConnection connect_postgresql(const std::string& open_string);
[[nodiscard]] MysqlConnection connect_mysql(const std::string& open_string);

/// The open string of the first resource manager of this driver in a configuration; throws
/// std::runtime_error.
[[nodiscard]] std::string open_string_of(const xabridge::Config& config, const std::string& driver);

}  // namespace examples
