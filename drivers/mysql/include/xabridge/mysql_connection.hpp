// Statements on a connection to MySQL or MariaDB. A transaction's comes from <xabridge/mysql.hpp>.
#pragma once

#include <span>
#include <string>
#include <string_view>

#if __has_include(<mysql/jdbc.h>)
#include <mysql/jdbc.h>
#else
#include <cppconn/connection.h>
#include <cppconn/exception.h>
#include <cppconn/prepared_statement.h>
#include <cppconn/resultset.h>
#include <cppconn/statement.h>
#endif

#include <xabridge/sql.hpp>

namespace xabridge {

/// See <xabridge/sql.hpp> for execute() and query(). Without values a statement is one message;
/// with some it is prepared for this once: two. Of a CALL that answers several sets of rows the
/// first counts. Copy it, keep it as long as the connection only. It serves any sql::Connection,
/// also one that the application made for itself.
class XABRIDGE_API MysqlConnection : public SqlConnection<MysqlConnection> {
 public:
  /// `name` is what errors call it.
  explicit MysqlConnection(sql::Connection& connection, std::string_view name = {})
      : connection_(&connection), name_(name) {}

  operator sql::Connection&() const noexcept { return *connection_; }
  sql::Connection* operator->() const noexcept { return connection_; }

 private:
  friend class SqlConnection<MysqlConnection>;
  [[nodiscard]] Result<Rows> run_statement(std::string_view sql,
                                           std::span<const Parameter> parameters) const;

  sql::Connection* connection_;
  std::string name_;
};

}  // namespace xabridge
