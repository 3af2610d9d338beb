// Statements on Connector/C++; see the header.
#include "mysql_query.hpp"

#include <xabridge/transaction_manager.hpp>

namespace examples::mysql {
namespace {

constexpr int lock_wait_timeout = 1205;

std::unique_ptr<sql::PreparedStatement> prepare(sql::Connection& connection, const char* sql,
                                                const Parameters& parameters) {
  std::unique_ptr<sql::PreparedStatement> statement(connection.prepareStatement(sql));
  unsigned index = 1;
  for (const Parameter& parameter : parameters) {
    if (const auto* number = std::get_if<std::int64_t>(&parameter)) {
      statement->setInt64(index++, *number);
    } else {
      statement->setString(index++, std::get<std::string>(parameter));
    }
  }
  return statement;
}

template <class Function>
auto asking_for_retry(Function&& function) {
  try {
    return function();
  } catch (const sql::SQLException& error) {
    // The server undid one statement, not the transaction: only the application knows that the
    // whole should go.
    if (error.getErrorCode() == lock_wait_timeout) throw xabridge::RetryRequest(error.what());
    throw;
  }
}

}  // namespace

std::int64_t execute(sql::Connection& connection, const char* sql, const Parameters& parameters) {
  return asking_for_retry(
      [&]() -> std::int64_t { return prepare(connection, sql, parameters)->executeUpdate(); });
}

Rows::Rows(sql::Connection& connection, const char* sql, const Parameters& parameters)
    : statement_(prepare(connection, sql, parameters)),
      result_(asking_for_retry([&] { return statement_->executeQuery(); })) {}

Rows query(sql::Connection& connection, const char* sql, const Parameters& parameters) {
  return {connection, sql, parameters};
}

}  // namespace examples::mysql
