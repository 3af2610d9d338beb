// Reading values: never a number that was not there.

#include <charconv>
#include <memory>
#include <utility>
#include <xabridge/rm/mysql_result.hpp>

namespace xabridge::rm {

MysqlResult::MysqlResult(int number, int doomed, std::string sqlstate, std::string message)
    : error_(number == 0 ? XAER_RMERR : number),  // what failed is never told as done
      doomed_(doomed),
      sqlstate_(std::move(sqlstate)),
      message_(std::move(message)) {}

std::size_t MysqlResult::row_count() const noexcept {
  return columns.empty() ? 0 : values.size() / columns.size();
}

const char* MysqlResult::column_name(std::size_t column) const noexcept {
  return column < columns.size() ? columns[column].c_str() : nullptr;
}

bool MysqlResult::next() noexcept {
  const std::size_t rows = row_count();
  if (next_row_ > rows) return false;
  return ++next_row_ <= rows;
}

/// Null: no row, or no such column.
const MysqlResult::Value* MysqlResult::at(std::size_t column) const noexcept {
  if (next_row_ == 0 || next_row_ > row_count() || column >= columns.size()) return nullptr;
  return &values[(next_row_ - 1) * columns.size() + column];
}

/// The same, and says which of the two it is.
const MysqlResult::Value* MysqlResult::wanted(std::size_t column) noexcept try {
  const Value* const value = at(column);
  if (value != nullptr) return value;
  if (column >= columns.size()) {
    message_ = "there is no column " + std::to_string(column) + ": the result has " +
               std::to_string(columns.size()) + ", counted from 0";
  } else {
    message_ =
        "there is no current row: xabridge_mysql_next comes first, and says when there is "
        "none (any more)";
  }
  return nullptr;
} catch (...) {
  return nullptr;
}

int MysqlResult::unreadable(std::size_t column, const std::string& value, const char* what) noexcept
    try {
  constexpr std::size_t kShown = 64;
  message_ = "column " + std::to_string(column) + " '" + columns[column] + "' is '" +
             value.substr(0, kShown) + (value.size() > kShown ? "...': " : "': ") + what;
  return -1;
} catch (...) {
  return -1;
}

int MysqlResult::is_null(std::size_t column) const noexcept {
  const Value* const value = at(column);
  if (value == nullptr) return -1;
  return value->has_value() ? 0 : 1;
}

int MysqlResult::get_text(std::size_t column, const char** text, std::size_t* length) noexcept {
  const Value* const value = wanted(column);
  if (value == nullptr || text == nullptr) return -1;
  if (!*value) return 0;
  *text = (*value)->c_str();
  if (length != nullptr) *length = (*value)->size();
  return 1;
}

template <class Number>
int MysqlResult::get_number(std::size_t column, Number* value, const char* what) noexcept {
  const Value* const found = wanted(column);
  if (found == nullptr || value == nullptr) return -1;
  if (!*found) return 0;
  const std::string& text = **found;
  const char* const end = text.data() + text.size();
  Number number{};
  const auto [rest, problem] = std::from_chars(text.data(), end, number);
  if (problem != std::errc() || rest != end) return unreadable(column, text, what);
  *value = number;
  return 1;
}

int MysqlResult::get_integer(std::size_t column, long long* value) noexcept {
  return get_number(column, value, "no integer of 64 bits; read it as double or as text");
}

int MysqlResult::get_double(std::size_t column, double* value) noexcept {
  return get_number(column, value, "no number; read it as text");
}

int last_insert_id(xabridge_mysql_result* result, unsigned long long* id) noexcept {
  const std::unique_ptr<xabridge_mysql_result> answer(result);
  if (answer == nullptr) return XAER_RMERR;
  if (answer->error() != 0) return answer->error();
  const char* text = nullptr;
  std::size_t length = 0;
  if (id == nullptr) return XAER_INVAL;
  if (!answer->next() || answer->get_text(0, &text, &length) != 1) return XAER_RMERR;
  const auto [rest, problem] = std::from_chars(text, text + length, *id);
  return problem == std::errc() && rest == text + length ? 0 : XAER_RMERR;
}

}  // namespace xabridge::rm
