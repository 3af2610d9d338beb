// A statement of the application: sent with its values, its rows copied, everything freed before
// the call returns.
#include <array>
#include <charconv>
#include <string>
#include <utility>
#include <vector>
#include <xabridge/postgresql_connection.hpp>

#include "error_table.hpp"
#include "handles.hpp"

namespace xabridge {
namespace {

constexpr Oid kByteArray = 17;  // bytea

template <class Number>
std::string text_of(Number number) {
  std::array<char, 32> text{};
  const auto [end, problem] = std::to_chars(text.data(), text.data() + text.size(), number);
  return problem == std::errc() ? std::string(text.data(), end) : std::to_string(number);
}

/// The values as PQexecParams takes them.
struct Values {
  explicit Values(std::span<const Parameter> parameters) {
    texts.reserve(parameters.size());  // `pointers` point into it
    for (const Parameter& parameter : parameters) std::visit(*this, parameter.value());
  }
  void operator()(std::nullptr_t) { add(nullptr, 0, 0); }
  void operator()(bool value) { add(value ? "t" : "f", 1, 0); }
  void operator()(std::int64_t value) { keep(text_of(value)); }
  void operator()(std::uint64_t value) { keep(text_of(value)); }
  void operator()(double value) { keep(text_of(value)); }
  void operator()(std::string_view value) { keep(std::string(value)); }  // libpq wants an end
  void operator()(Parameter::Bytes value) {
    const void* const data = value.empty() ? "" : static_cast<const void*>(value.data());
    add(static_cast<const char*>(data), static_cast<int>(value.size()), 1);
  }
  void keep(std::string text) {
    const std::string& kept = texts.emplace_back(std::move(text));
    add(kept.c_str(), static_cast<int>(kept.size()), 0);
  }
  void add(const char* pointer, int length, int is_binary) {
    pointers.push_back(pointer);
    lengths.push_back(length);
    binary.push_back(is_binary);
  }

  std::vector<std::string> texts;
  std::vector<const char*> pointers;
  std::vector<int> lengths;
  std::vector<int> binary;
};

std::optional<std::string> value_at(const PGresult* result, int row, int column) {
  if (PQgetisnull(result, row, column) != 0) return std::nullopt;
  const char* const text = PQgetvalue(result, row, column);
  if (PQftype(result, column) != kByteArray)
    return std::string(text, static_cast<std::size_t>(PQgetlength(result, row, column)));
  std::size_t size = 0;
  // libpq reads its own text form, which has no byte above 127.
  const void* const escaped = text;
  unsigned char* const bytes = PQunescapeBytea(static_cast<const unsigned char*>(escaped), &size);
  if (bytes == nullptr) throw std::bad_alloc();
  std::string value(static_cast<const char*>(static_cast<const void*>(bytes)), size);
  PQfreemem(bytes);
  return value;
}

Rows rows_of(const PGresult* result) {
  Row::Table table;
  const int columns = PQnfields(result);
  const int rows = PQntuples(result);
  for (int column = 0; column < columns; ++column)
    table.columns.emplace_back(PQfname(result, column));
  table.values.reserve(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns));
  for (int row = 0; row < rows; ++row)
    for (int column = 0; column < columns; ++column)
      table.values.push_back(value_at(result, row, column));
  std::int64_t affected = 0;
  // Without a const libpq does not give the number.
  const std::string_view text = PQcmdTuples(const_cast<PGresult*>(result));
  std::from_chars(text.data(), text.data() + text.size(), affected);
  return Rows(std::move(table), affected);
}

/// COPY wants to go on talking: it is ended, so that the connection is free.
void end_copy(PGconn* connection, ExecStatusType status) {
  if (status == PGRES_COPY_IN) PQputCopyEnd(connection, "COPY needs libpq's own functions");
  char* row = nullptr;
  while (status == PGRES_COPY_OUT && PQgetCopyData(connection, &row, 0) > 0) PQfreemem(row);
  while (const postgresql::ResultSet rest{PQgetResult(connection)}) {
  }
}

std::string quoted(std::string_view sql) {
  constexpr std::size_t kShown = 80;
  std::string text = "'" + std::string(sql.substr(0, kShown));
  return text + (sql.size() > kShown ? "...'" : "'");
}

Error failure(PGconn* connection, const PGresult* result, std::string_view sql) {
  Error e;
  e.operation = "statement";
  e.server_text = result != nullptr && *PQresultErrorMessage(result) != '\0'
                      ? PQresultErrorMessage(result)
                      : PQerrorMessage(connection);
  e.connection_usable = PQstatus(connection) == CONNECTION_OK;
  e.sqlstate = postgresql::field(result, PG_DIAG_SQLSTATE);
  if (e.sqlstate.empty() && !e.connection_usable) e.sqlstate = "08006";
  const postgresql::Meaning& meaning = postgresql::meaning_of(postgresql::Phase::work, e.sqlstate);
  e.xa_code = e.connection_usable ? meaning.xa_code : XAER_RMFAIL;
  e.message = "the statement " + quoted(sql) + " failed";
  if (!e.connection_usable) {
    e.message += ": the connection is lost, and the server rolls the transaction back";
  } else if (!meaning.advice.empty()) {
    e.message += "; " + std::string(meaning.advice);
  }
  return e;
}

}  // namespace

Result<Rows> PostgresqlConnection::run_statement(std::string_view sql,
                                                 std::span<const Parameter> parameters) const {
  const Values values(parameters);
  const postgresql::ResultSet result(PQexecParams(
      connection_, std::string(sql).c_str(), static_cast<int>(parameters.size()), nullptr,
      values.pointers.data(), values.lengths.data(), values.binary.data(), 0));
  const ExecStatusType status = PQresultStatus(result.get());
  if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) return rows_of(result.get());
  Error e = failure(connection_, result.get(), sql);
  e.resource_manager = name_;
  if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT) {
    end_copy(connection_, status);
    e.xa_code = XAER_INVAL;
    e.message = "COPY was ended: use PQputCopyData and PQgetCopyData on the PGconn*";
  } else if (status == PGRES_EMPTY_QUERY) {
    e.xa_code = XAER_INVAL;
    e.message = "there is no statement in the text";
  }
  return e;
}

}  // namespace xabridge
