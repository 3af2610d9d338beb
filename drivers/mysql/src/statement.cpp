// One statement: sent, its rows read to the end, everything freed before the call returns, so that
// nothing of the Connector outlives the branch.
//
// What the server refused it has undone, or it has doomed the branch and says so at XA END. Where
// the answer was not read to its end nobody knows; the connection is closed then, which makes the
// server roll the branch back.
#include "statement.hpp"

#include <charconv>
#include <cmath>
#include <list>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connector.hpp"
#include "errors.hpp"

namespace xabridge::mysql {
namespace {

using rm::MysqlResult;
using ResultPointer = std::unique_ptr<MysqlResult>;
using Parameters = std::span<const xabridge_mysql_parameter>;

ResultPointer failed(int code, std::string text) {
  return std::make_unique<MysqlResult>(code, XA_OK, std::string(), std::move(text));
}

/// The numbers after which the server keeps nothing of the branch.
int doom_of(const ErrorRow& row) noexcept {
  if (!row.connection_usable) return row.escaped == XA_OK ? XA_RBCOMMFAIL : row.escaped;
  return row.vendor_code == 1213 || row.vendor_code == 1614 ? row.escaped : XA_OK;
}

ResultPointer failed(const sql::SQLException& failure) {
  const int number = failure.getErrorCode();
  const ErrorRow& row = error_row(number);
  std::string text = failure.what();
  text += " (server error " + std::to_string(number) + ", SQLSTATE " +
          std::string(failure.getSQLState()) + ")";
  if (row.vendor_code == number) {
    text.append(": ").append(row.reason);
    if (!row.advice.empty()) text.append("; ").append(row.advice);
  }
  if (doom_of(row) != XA_OK) text += "; the transaction can only be rolled back";
  return std::make_unique<MysqlResult>(number, doom_of(row), failure.getSQLState(),
                                       std::move(text));
}

// --- Parameters.

struct Bound {
  std::list<std::istringstream> streams;  // read when the statement is sent
};

std::string number_of(std::size_t index) { return "parameter " + std::to_string(index); }

void bind_one(sql::PreparedStatement& statement, std::size_t index,
              const xabridge_mysql_parameter& parameter, Bound& bound) {
  const auto place = static_cast<unsigned>(index + 1);
  const auto data = [&] {
    return std::string(static_cast<const char*>(parameter.data), parameter.length);
  };
  const bool has_data =
      parameter.type == XABRIDGE_MYSQL_TEXT || parameter.type == XABRIDGE_MYSQL_BYTES;
  if (parameter.type == XABRIDGE_MYSQL_NULL || (has_data && parameter.data == nullptr)) {
    statement.setNull(place, sql::DataType::VARCHAR);
    return;
  }
  switch (parameter.type) {
    case XABRIDGE_MYSQL_INTEGER:
      statement.setInt64(place, parameter.integer);
      return;
    case XABRIDGE_MYSQL_DOUBLE:
      if (!std::isfinite(parameter.number))
        throw NoAnswer{XAER_INVAL, XA_OK,
                       number_of(index) + " is no finite number: SQL has no such value"};
      statement.setDouble(place, parameter.number);
      return;
    case XABRIDGE_MYSQL_TEXT:
      statement.setString(place, data());
      return;
    case XABRIDGE_MYSQL_BYTES:
      statement.setBlob(place, &bound.streams.emplace_back(data()));
      return;
    default:
      throw NoAnswer{XAER_INVAL, XA_OK,
                     number_of(index) + " has type " + std::to_string(parameter.type) +
                         ", which is none of XABRIDGE_MYSQL_*"};
  }
}

/// The client library cannot read JSON of MySQL as a prepared statement sends it, and would leave
/// the rest of the answer on the connection.
void require_readable(sql::PreparedStatement& statement) {
  sql::ResultSetMetaData* const columns = statement.getMetaData();
  if (columns == nullptr) return;
  for (unsigned i = 1; i <= columns->getColumnCount(); ++i) {
    if (columns->getColumnType(i) != sql::DataType::UNKNOWN) continue;
    throw NoAnswer{XAER_INVAL, XA_OK,
                   "the client library cannot read the type of column '" +
                       std::string(columns->getColumnLabel(i)) +
                       "' (JSON?) in a statement with parameters: select "
                       "CAST(... AS CHAR) instead"};
  }
}

// --- Rows.

template <class Number>
std::string shortest(Number number) {
  char text[32];
  const auto [end, problem] = std::to_chars(text, text + sizeof text, number);
  return problem == std::errc() ? std::string(text, end) : std::to_string(number);
}

/// As the server would write it. What a prepared statement brings as float or double the Connector
/// would cut to six digits.
MysqlResult::Value value_at(const sql::ResultSet& rows, unsigned column, int type) {
  if (rows.isNull(column)) return std::nullopt;
  if (type == sql::DataType::DOUBLE) return shortest(static_cast<double>(rows.getDouble(column)));
  if (type == sql::DataType::REAL) return shortest(static_cast<float>(rows.getDouble(column)));
  return std::string(rows.getString(column));
}

void read_rows(sql::ResultSet& rows, MysqlResult& result) {
  sql::ResultSetMetaData& columns = *rows.getMetaData();
  const unsigned count = columns.getColumnCount();
  std::vector<int> types;
  for (unsigned i = 1; i <= count; ++i) {
    result.columns.push_back(columns.getColumnLabel(i));
    types.push_back(columns.getColumnType(i));
  }
  result.values.reserve(rows.rowsCount() * count);
  while (rows.next()) {
    for (unsigned i = 1; i <= count; ++i) result.values.push_back(value_at(rows, i, types[i - 1]));
  }
}

/// The first set of rows; further ones, of a CALL, are read so that the connection is free.
void read_answer(sql::Statement& statement, MysqlResult& result) {
  bool first = true;
  do {
    const std::unique_ptr<sql::ResultSet> rows(statement.getResultSet());
    if (rows == nullptr || rows->getMetaData()->getColumnCount() == 0) continue;
    if (std::exchange(first, false)) read_rows(*rows, result);
  } while (statement.getMoreResults());
}

// --- The statement.

void run_plain(sql::Connection& connection, const char* sql, MysqlResult& result, bool& sent) {
  const std::unique_ptr<sql::Statement> statement(connection.createStatement());
  sent = true;
  if (statement->execute(sql))
    read_answer(*statement, result);
  else
    result.affected = static_cast<long long>(statement->getUpdateCount());
}

void run_prepared(sql::Connection& connection, const char* sql, Parameters parameters,
                  MysqlResult& result, bool& sent) {
  const std::unique_ptr<sql::PreparedStatement> statement(connection.prepareStatement(sql));
  const std::size_t wanted = statement->getParameterMetaData()->getParameterCount();
  if (wanted != parameters.size()) {
    const std::size_t given = parameters.size();
    throw NoAnswer{XAER_INVAL, XA_OK,
                   "the statement has " + std::to_string(wanted) +
                       (wanted == 1 ? " parameter (?), " : " parameters (?), ") +
                       std::to_string(given) +
                       (given == 1 ? " value was given" : " values were given")};
  }
  require_readable(*statement);
  Bound bound;
  for (std::size_t i = 0; i < parameters.size(); ++i) bind_one(*statement, i, parameters[i], bound);
  sent = true;
  // -1: there are rows, as far as the client library tells before they are read.
  const int affected = statement->executeUpdate();
  if (affected != -1) result.affected = static_cast<unsigned>(affected);
  read_answer(*statement, result);
}

/// What the server did is not known; with its session it ends for sure.
NoAnswer give_up(sql::Connection& connection, const std::string& why) {
  try {
    connection.close();
  } catch (const std::exception&) {
    // It is found out, as late as XA END at worst, that the connection has an answer left unread.
  }
  return {XAER_RMFAIL, XA_RBCOMMFAIL,
          "the answer to the statement could not be read: " + why +
              "; the connection is closed, so that the server rolls the transaction back"};
}

ResultPointer run(sql::Connection& connection, const char* sql, Parameters parameters) {
  try {
    auto result = std::make_unique<MysqlResult>();
    run_statement(connection, sql, parameters, *result);
    return result;
  } catch (const NoAnswer& none) {
    return std::make_unique<MysqlResult>(none.code, none.doomed, std::string(), none.text);
  } catch (const sql::SQLException& failure) {
    return failed(failure);
  }
}

ResultPointer no_connection(const xabridge_rm_extras_t& extras, int rmid) {
  xabridge_rm_error why{};
  if (extras.last_error(rmid, &why) == XA_OK &&
      std::string_view(why.operation).starts_with("connection")) {
    std::string text = why.message;
    if (why.server_text[0] != '\0') text.append(": ").append(why.server_text);
    return std::make_unique<MysqlResult>(why.xa_code, XA_OK, why.sqlstate, std::move(text));
  }
  return failed(XAER_PROTO, "this thread works in no branch at rmid " + std::to_string(rmid) +
                                ": the transaction manager begins one with xa_start");
}

}  // namespace

void run_statement(sql::Connection& connection, const char* sql, Parameters parameters,
                   MysqlResult& result) {
  bool sent = false;
  try {
    connector();  // registers this thread
    if (parameters.empty())
      run_plain(connection, sql, result, sent);
    else
      run_prepared(connection, sql, parameters, result, sent);
  } catch (const sql::SQLException& failure) {
    if (failure.getErrorCode() != 0) throw;
    if (!sent) throw NoAnswer{XAER_INVAL, XA_OK, failure.what()};
    throw give_up(connection, failure.what());
  } catch (const std::exception& failure) {
    if (!sent) throw;
    throw give_up(connection, failure.what());
  }
}

xabridge_mysql_result* execute(const xabridge_rm_extras_t& extras, int rmid, const char* sql,
                               const xabridge_mysql_parameter* parameters,
                               std::size_t count) noexcept try {
  if (sql == nullptr) return failed(XAER_INVAL, "the statement is a null pointer").release();
  if (parameters == nullptr && count != 0)
    return failed(XAER_INVAL, "the parameters are a null pointer").release();
  void* const connection = extras.connection(rmid);
  if (connection == nullptr) return no_connection(extras, rmid).release();
  return run(*static_cast<sql::Connection*>(connection), sql, {parameters, count}).release();
} catch (...) {
  return nullptr;
}

}  // namespace xabridge::mysql
