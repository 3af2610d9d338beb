// Statements on libpq; see the header.
#include "postgresql_query.hpp"

#include <xabridge/transaction_manager.hpp>

namespace examples::postgresql {
namespace {

constexpr std::string_view serialization_failure = "40001";
constexpr std::string_view deadlock_detected = "40P01";

std::string without_newline(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

[[noreturn]] void fail(PGconn* connection, const PGresult* result) {
  const char* field = result != nullptr ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : nullptr;
  const std::string sqlstate = field != nullptr ? field : "";
  const std::string text = "PostgreSQL: " + without_newline(PQerrorMessage(connection));
  if (sqlstate == serialization_failure || sqlstate == deadlock_detected) {
    throw xabridge::RetryRequest(text);
  }
  throw Failure(text, sqlstate);
}

std::string text_of(const Parameter& parameter) {
  if (const auto* number = std::get_if<std::int64_t>(&parameter)) return std::to_string(*number);
  return std::get<std::string>(parameter);
}

}  // namespace

std::int64_t Rows::affected() const {
  const std::string text = PQcmdTuples(result_.get());
  return text.empty() ? 0 : std::stoll(text);
}

std::string Rows::text(int row, int column) const { return PQgetvalue(result_.get(), row, column); }

std::int64_t Rows::number(int row, int column) const { return std::stoll(text(row, column)); }

Rows execute(PGconn* connection, const char* sql, const Parameters& parameters) {
  std::vector<std::string> texts;
  texts.reserve(parameters.size());
  for (const Parameter& parameter : parameters) texts.push_back(text_of(parameter));
  std::vector<const char*> values;
  values.reserve(texts.size());
  for (const std::string& text : texts) values.push_back(text.c_str());

  PGresult* result = PQexecParams(connection, sql, static_cast<int>(values.size()), nullptr,
                                  values.data(), nullptr, nullptr, 0);
  Rows rows(result);
  const ExecStatusType status = PQresultStatus(result);
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) fail(connection, result);
  return rows;
}

}  // namespace examples::postgresql
