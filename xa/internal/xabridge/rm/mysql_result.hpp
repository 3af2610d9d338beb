// What stands behind the C functions of <xabridge/mysql.h>: one statement's answer, with its rows.
//
// The MySQL driver makes it, and libxabridge where nothing could be sent. Both libraries export the
// C functions, which come through here by virtual calls: whichever of them a program is bound to, a
// result is read by the code that made it. Later releases only append.
#pragma once

#include <xabridge/mysql.h>
#include <xabridge/xa.h>

#include <optional>
#include <string>
#include <vector>

struct xabridge_mysql_result {
  xabridge_mysql_result() = default;
  xabridge_mysql_result(const xabridge_mysql_result&) = delete;
  xabridge_mysql_result& operator=(const xabridge_mysql_result&) = delete;
  virtual ~xabridge_mysql_result() = default;

  [[nodiscard]] virtual int error() const noexcept = 0;
  [[nodiscard]] virtual const char* sqlstate() const noexcept = 0;
  [[nodiscard]] virtual const char* message() const noexcept = 0;
  /// RB*: this answer says that the branch can only be rolled back; XA_OK: it does not.
  [[nodiscard]] virtual int doomed() const noexcept = 0;
  [[nodiscard]] virtual long long affected_rows() const noexcept = 0;
  [[nodiscard]] virtual std::size_t row_count() const noexcept = 0;
  [[nodiscard]] virtual std::size_t column_count() const noexcept = 0;
  [[nodiscard]] virtual const char* column_name(std::size_t column) const noexcept = 0;
  virtual bool next() noexcept = 0;
  [[nodiscard]] virtual int is_null(std::size_t column) const noexcept = 0;
  virtual int get_text(std::size_t column, const char** text, std::size_t* length) noexcept = 0;
  virtual int get_integer(std::size_t column, long long* value) noexcept = 0;
  virtual int get_double(std::size_t column, double* value) noexcept = 0;
};

namespace xabridge::rm {

/// Every value is kept as text: a whole number and the shortest text of a double are read back
/// exactly, and all else is text in the first place.
class MysqlResult final : public xabridge_mysql_result {
 public:
  using Value = std::optional<std::string>;  // nullopt: SQL NULL

  /// Done: the driver fills in what the server answered.
  MysqlResult() = default;
  /// Failed. `number`: as xabridge_mysql_error() tells it; `doomed`: as doomed() does.
  MysqlResult(int number, int doomed, std::string sqlstate, std::string message);

  long long affected = 0;
  std::vector<std::string> columns;
  std::vector<Value> values;  // row after row

  [[nodiscard]] int error() const noexcept override { return error_; }
  [[nodiscard]] const char* sqlstate() const noexcept override { return sqlstate_.c_str(); }
  [[nodiscard]] const char* message() const noexcept override { return message_.c_str(); }
  [[nodiscard]] int doomed() const noexcept override { return doomed_; }
  [[nodiscard]] long long affected_rows() const noexcept override { return affected; }
  [[nodiscard]] std::size_t row_count() const noexcept override;
  [[nodiscard]] std::size_t column_count() const noexcept override { return columns.size(); }
  [[nodiscard]] const char* column_name(std::size_t column) const noexcept override;
  bool next() noexcept override;
  [[nodiscard]] int is_null(std::size_t column) const noexcept override;
  int get_text(std::size_t column, const char** text, std::size_t* length) noexcept override;
  int get_integer(std::size_t column, long long* value) noexcept override;
  int get_double(std::size_t column, double* value) noexcept override;

 private:
  [[nodiscard]] const Value* at(std::size_t column) const noexcept;
  [[nodiscard]] const Value* wanted(std::size_t column) noexcept;
  int unreadable(std::size_t column, const std::string& value, const char* what) noexcept;
  template <class Number>
  int get_number(std::size_t column, Number* value, const char* what) noexcept;

  int error_ = 0;
  int doomed_ = XA_OK;
  std::string sqlstate_;
  std::string message_;
  std::size_t next_row_ = 0;  // the current row is the one before
};

/// The statement of xabridge_mysql_last_insert_id, and what that answers. Frees the result.
inline constexpr const char* kLastInsertId = "SELECT LAST_INSERT_ID()";
int last_insert_id(xabridge_mysql_result* result, unsigned long long* id) noexcept;

}  // namespace xabridge::rm
