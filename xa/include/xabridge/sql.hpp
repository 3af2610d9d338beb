// Statements on the connection of a transaction: values for their parameters, and their rows. The
// same for every database; tx.postgresql() and tx.mysql() give the connection.
//
//   auto bank = tx.postgresql("bank_a");
//   if (bank.execute("UPDATE account SET balance = balance - $1 WHERE number = $2", 2500, 7) != 1)
//     throw std::runtime_error("no such account");
//   for (const xabridge::Row& row : bank.query("SELECT owner, balance FROM account"))
//     std::cout << row.get<std::string>("owner") << ' ' << row.get<long>("balance") << '\n';
//
// A row is valid by itself, beyond the end of the transaction and in other threads. Rows are read
// whole into memory: for millions of them use the database's own interface on the same connection.
#pragma once

#include <xabridge/api.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>
#include <xabridge/error.hpp>

namespace xabridge {

/// A statement that failed: error() has what the server said. What it does to the transaction is
/// the server's rule. PostgreSQL: only a rollback, or ROLLBACK TO a savepoint, is left. MySQL and
/// MariaDB: the statement alone is undone, but for a deadlock or a lost connection.
class XABRIDGE_API StatementError : public Exception {
 public:
  using Exception::Exception;
  /// Five characters, such as "23505"; empty where the server gave none.
  [[nodiscard]] const std::string& sqlstate() const noexcept { return error().sqlstate; }
  /// MySQL's and MariaDB's number, such as 1062; 0 at PostgreSQL.
  [[nodiscard]] int vendor_code() const noexcept { return error().vendor_code; }
};

/// A value for a placeholder. Text and bytes are read during the call only and stay the caller's.
class Parameter {
 public:
  using Bytes = std::span<const std::byte>;
  using Value = std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double,
                             std::string_view, Bytes>;

  Parameter(std::nullptr_t) noexcept : value_(nullptr) {}  // SQL NULL
  template <class T>
  requires std::is_arithmetic_v<T> Parameter(T value)
  noexcept {
    if constexpr (std::is_same_v<T, bool>) {
      value_ = value;
    } else if constexpr (std::is_floating_point_v<T>) {
      value_ = static_cast<double>(value);
    } else if constexpr (std::is_signed_v<T>) {
      value_ = static_cast<std::int64_t>(value);
    } else {
      value_ = static_cast<std::uint64_t>(value);
    }
  }
  Parameter(const char* text) noexcept {  // null: SQL NULL
    if (text != nullptr) value_ = std::string_view(text);
  }
  Parameter(std::string_view text) noexcept : value_(text) {}
  Parameter(const std::string& text) noexcept : value_(std::string_view(text)) {}
  Parameter(Bytes bytes) noexcept : value_(bytes) {}
  template <class T>
  Parameter(const std::optional<T>& value) noexcept {  // empty: SQL NULL
    if (value) value_ = Parameter(*value).value_;
  }

  [[nodiscard]] const Value& value() const noexcept { return value_; }

 private:
  Value value_ = nullptr;
};

namespace detail {
template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;
}  // namespace detail

/// One row of an answer. Cheap to copy.
class Row {
 public:
  struct Table {
    std::vector<std::string> columns;
    std::vector<std::optional<std::string>> values;  // row after row; nullopt: SQL NULL
  };
  Row(std::shared_ptr<const Table> table, std::size_t row) noexcept
      : table_(std::move(table)), first_(row * table_->columns.size()) {}

  [[nodiscard]] std::size_t size() const noexcept { return table_->columns.size(); }
  [[nodiscard]] bool is_null(std::size_t column) const { return !value(column); }
  [[nodiscard]] bool is_null(std::string_view column) const { return is_null(index(column)); }

  /// The value as text or bytes (std::string), number, bool, or std::optional of these, which is
  /// empty for SQL NULL. Columns are counted from 0. Throws Exception (XAER_INVAL): no such column,
  /// NULL where no optional was asked for, or no such value, such as text that is no number.
  /// DECIMAL, dates and times are exact as text.
  template <class T>
  [[nodiscard]] T get(std::size_t column) const {
    const std::optional<std::string>& text = value(column);
    if constexpr (detail::kIsOptional<T>) {
      if (!text) return std::nullopt;
      return read<typename T::value_type>(column, *text);
    } else {
      if (!text) fail(column, "is NULL: ask for a std::optional");
      return read<T>(column, *text);
    }
  }
  template <class T>
  [[nodiscard]] T get(std::string_view column) const {
    return get<T>(index(column));
  }

 private:
  template <class T>
  [[nodiscard]] T read(std::size_t column, const std::string& text) const {
    if constexpr (std::is_same_v<T, std::string>) {
      return text;
    } else if constexpr (std::is_same_v<T, bool>) {
      if (text == "t" || text == "1") return true;
      if (text == "f" || text == "0") return false;
      fail(column, "is '" + shown(text) + "', neither true nor false");
    } else {
      static_assert(std::is_arithmetic_v<T>, "std::string, a number, bool, or std::optional of it");
      T number{};
      const char* const end = text.data() + text.size();
      const auto [rest, problem] = std::from_chars(text.data(), end, number);
      if (problem != std::errc() || rest != end)
        fail(column, "is '" + shown(text) + "', which is no number of the type asked for");
      return number;
    }
  }

  [[nodiscard]] const std::optional<std::string>& value(std::size_t column) const {
    if (column >= size())
      refuse("there is no column " + std::to_string(column) + ": the row has " +
             std::to_string(size()) + ", counted from 0");
    return table_->values[first_ + column];
  }
  [[nodiscard]] std::size_t index(std::string_view name) const {
    for (std::size_t i = 0; i < size(); ++i)
      if (table_->columns[i] == name) return i;
    std::string all;
    for (const std::string& column : table_->columns) all += (all.empty() ? "" : ", ") + column;
    refuse("there is no column '" + std::string(name) + "'; there are: " + all);
  }
  static std::string shown(const std::string& text) {
    constexpr std::size_t kLength = 64;
    return text.size() <= kLength ? text : text.substr(0, kLength) + "...";
  }
  [[noreturn]] void fail(std::size_t column, const std::string& what) const {
    refuse("column '" + table_->columns[column] + "' " + what);
  }
  [[noreturn]] static void refuse(std::string message) {
    Error error;
    error.xa_code = XAER_INVAL;
    error.operation = "read a row";
    error.message = std::move(message);
    throw Exception(std::move(error));
  }

  std::shared_ptr<const Table> table_;
  std::size_t first_;
};

/// What a statement answered.
class Rows {
 public:
  class Iterator {
   public:
    using value_type = Row;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    Iterator(const Rows* rows, std::size_t row) noexcept : rows_(rows), row_(row) {}
    [[nodiscard]] Row operator*() const { return (*rows_)[row_]; }
    Iterator& operator++() noexcept {
      ++row_;
      return *this;
    }
    Iterator operator++(int) noexcept {
      const Iterator before = *this;
      ++row_;
      return before;
    }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    const Rows* rows_ = nullptr;
    std::size_t row_ = 0;
  };

  explicit Rows(Row::Table table, std::int64_t affected = 0)
      : table_(std::make_shared<const Row::Table>(std::move(table))), affected_(affected) {}

  [[nodiscard]] std::size_t size() const noexcept {
    return table_->columns.empty() ? 0 : table_->values.size() / table_->columns.size();
  }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] const std::vector<std::string>& columns() const noexcept { return table_->columns; }
  /// `row` is less than size().
  [[nodiscard]] Row operator[](std::size_t row) const { return {table_, row}; }
  [[nodiscard]] Iterator begin() const noexcept { return {this, 0}; }
  [[nodiscard]] Iterator end() const noexcept { return {this, size()}; }
  /// Inserted, deleted or changed. MySQL and MariaDB do not count rows that had the value already.
  [[nodiscard]] std::int64_t affected() const noexcept { return affected_; }

 private:
  std::shared_ptr<const Row::Table> table_;
  std::int64_t affected_;
};

/// What the connections of all databases have. One thread at a time, that of the transaction.
template <class Connection>
class SqlConnection {
 public:
  /// Runs one statement, with a value for each placeholder ($1, $2, ... at PostgreSQL, ? at MySQL
  /// and MariaDB). Returns how many rows it inserted, deleted or changed. Throws StatementError.
  /// COMMIT, ROLLBACK and BEGIN are the transaction manager's.
  template <class... Values>
  std::int64_t execute(std::string_view sql, const Values&... values) const {
    return run(sql, values...).affected();
  }
  /// The same for a statement that answers rows, INSERT ... RETURNING included.
  template <class... Values>
  [[nodiscard]] Rows query(std::string_view sql, const Values&... values) const {
    return run(sql, values...);
  }
  /// The first row; nullopt: there is none. Further ones are read and left out.
  template <class... Values>
  [[nodiscard]] std::optional<Row> query_row(std::string_view sql, const Values&... values) const {
    const Rows rows = run(sql, values...);
    if (rows.empty()) return std::nullopt;
    return rows[0];
  }

 private:
  template <class... Values>
  [[nodiscard]] Rows run(std::string_view sql, const Values&... values) const {
    const std::array<Parameter, sizeof...(Values)> parameters{Parameter(values)...};
    auto rows = static_cast<const Connection&>(*this).run_statement(sql, parameters);
    if (!rows) throw StatementError(std::move(rows.error()));
    return *std::move(rows);
  }
};

}  // namespace xabridge
