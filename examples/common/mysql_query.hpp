// The little an application needs on top of MySQL Connector/C++: statements with bound parameters
// in one line. Works on any sql::Connection, in particular the one of a transaction's branch.
// Serves MySQL and MariaDB.
#pragma once

#include <cstdint>
#include <memory>

#if __has_include(<mysql/jdbc.h>)
#include <mysql/jdbc.h>
#else
#include <cppconn/connection.h>
#include <cppconn/exception.h>
#include <cppconn/prepared_statement.h>
#include <cppconn/resultset.h>
#include <cppconn/statement.h>
#include <mysql_driver.h>
#endif

#include "parameter.hpp"

namespace examples::mysql {

/// The error number of a violated unique key.
inline constexpr int duplicate_key = 1062;

/// Runs a statement that returns no rows; each `?` stands for a parameter. Returns how many rows it
/// changed. Throws sql::SQLException, or xabridge::RetryRequest when it waited too long for a lock:
/// the same work may succeed later. (A deadlock needs no such help: the transaction manager
/// recognises its exception by itself.)
std::int64_t execute(sql::Connection& connection, const char* sql,
                     const Parameters& parameters = {});

/// Rows of a SELECT, with the statement they belong to.
class Rows {
 public:
  Rows(sql::Connection& connection, const char* sql, const Parameters& parameters);
  [[nodiscard]] bool next() { return result_->next(); }
  [[nodiscard]] std::int64_t number(unsigned column) const { return result_->getInt64(column); }
  [[nodiscard]] std::string text(unsigned column) const {
    return result_->getString(column).asStdString();
  }

 private:
  std::unique_ptr<sql::PreparedStatement> statement_;
  std::unique_ptr<sql::ResultSet> result_;
};

[[nodiscard]] Rows query(sql::Connection& connection, const char* sql,
                         const Parameters& parameters = {});

}  // namespace examples::mysql
