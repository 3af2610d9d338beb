// Statements on a connection to PostgreSQL. A transaction's comes from <xabridge/postgresql.hpp>.
#pragma once

#include <libpq-fe.h>

#include <span>
#include <string>
#include <string_view>
#include <xabridge/sql.hpp>

namespace xabridge {

/// See <xabridge/sql.hpp> for execute() and query(). Copy it, keep it as long as the connection
/// only. It serves any PGconn*, also one that the application made for itself.
class XABRIDGE_API PostgresqlConnection : public SqlConnection<PostgresqlConnection> {
 public:
  /// `name` is what errors call it.
  explicit PostgresqlConnection(PGconn* connection, std::string_view name = {})
      : connection_(connection), name_(name) {}

  operator PGconn*() const noexcept { return connection_; }

 private:
  friend class SqlConnection<PostgresqlConnection>;
  [[nodiscard]] Result<Rows> run_statement(std::string_view sql,
                                           std::span<const Parameter> parameters) const;

  PGconn* connection_;
  std::string name_;
};

}  // namespace xabridge
