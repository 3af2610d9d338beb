// The little an application needs on top of libpq: statements with bound parameters, results that
// free themselves, errors as exceptions. Works on any PGconn*, in particular the one of a
// transaction's branch.
#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include "parameter.hpp"

namespace examples::postgresql {

/// A statement the server refused, with its SQLSTATE ("23505"; empty when the connection was lost).
class Failure : public std::runtime_error {
 public:
  Failure(const std::string& what, std::string sqlstate)
      : std::runtime_error(what), sqlstate_(std::move(sqlstate)) {}
  [[nodiscard]] const std::string& sqlstate() const noexcept { return sqlstate_; }

 private:
  std::string sqlstate_;
};

/// The rows of a SELECT, or the number of rows a statement changed.
class Rows {
 public:
  explicit Rows(PGresult* result) : result_(result) {}

  [[nodiscard]] int count() const { return PQntuples(result_.get()); }
  [[nodiscard]] std::int64_t affected() const;
  [[nodiscard]] std::string text(int row, int column) const;
  [[nodiscard]] std::int64_t number(int row, int column) const;

 private:
  struct Clear {
    void operator()(PGresult* result) const noexcept { PQclear(result); }
  };
  std::unique_ptr<PGresult, Clear> result_;
};

/// Runs one statement; `$1`, `$2`, ... stand for the parameters. Throws Failure, or
/// xabridge::RetryRequest when the server says that the same work may succeed in a new transaction
/// (deadlock, serialization failure).
Rows execute(PGconn* connection, const char* sql, const Parameters& parameters = {});

}  // namespace examples::postgresql
