// The statements of an application in C++: those of <xabridge/mysql.h>, with other values and rows.
#include <list>
#include <string>
#include <utility>
#include <variant>
#include <vector>
#include <xabridge/mysql_connection.hpp>

#include "errors.hpp"
#include "statement.hpp"

namespace xabridge {
namespace {

/// The values as xabridge_mysql_execute takes them.
struct Values {
  explicit Values(std::span<const Parameter> parameters) {
    for (const Parameter& parameter : parameters) std::visit(*this, parameter.value());
  }
  void operator()(std::nullptr_t) { all.push_back(xabridge_mysql_null()); }
  void operator()(bool value) { all.push_back(xabridge_mysql_integer(value ? 1 : 0)); }
  void operator()(std::int64_t value) { all.push_back(xabridge_mysql_integer(value)); }
  void operator()(std::uint64_t value) {  // too large for an integer there, maybe
    const std::string& text = texts.emplace_back(std::to_string(value));
    (*this)(std::string_view(text));
  }
  void operator()(double value) { all.push_back(xabridge_mysql_double(value)); }
  void operator()(std::string_view value) { add(value.data(), value.size(), XABRIDGE_MYSQL_TEXT); }
  void operator()(Parameter::Bytes value) { add(value.data(), value.size(), XABRIDGE_MYSQL_BYTES); }
  void add(const void* data, std::size_t size, int type) {
    all.push_back({type, 0, 0.0, data == nullptr ? "" : data, size});  // empty, not NULL
  }

  std::list<std::string> texts;
  std::vector<xabridge_mysql_parameter> all;
};

Error failed(const sql::SQLException& failure) {
  Error e = mysql::make_error(failure, "statement", nullptr);
  const int escaped = mysql::escaped_code(failure);
  if (escaped != XA_OK) e.xa_code = escaped;
  return e;
}

Result<Rows> answer_to(sql::Connection& connection, const std::string& sql,
                       std::span<const Parameter> parameters) {
  try {
    const Values values(parameters);
    rm::MysqlResult answer;
    mysql::run_statement(connection, sql.c_str(), values.all, answer);
    return Rows({std::move(answer.columns), std::move(answer.values)}, answer.affected);
  } catch (const mysql::NoAnswer& none) {
    const int code = none.doomed == XA_OK ? none.code : none.doomed;
    return mysql::make_error(code, "statement", nullptr, none.text);
  } catch (const sql::SQLException& failure) {
    return failed(failure);
  }
}

}  // namespace

Result<Rows> MysqlConnection::run_statement(std::string_view sql,
                                            std::span<const Parameter> parameters) const {
  auto rows = answer_to(*connection_, std::string(sql), parameters);
  if (!rows) rows.error().resource_manager = name_;
  return rows;
}

}  // namespace xabridge
