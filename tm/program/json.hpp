// Json: a value that a program prints for other programs. nlohmann-json writes it, and only
// json.cpp includes that library: instantiated in each file that prints something, it is the
// slowest part of a build.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace xabridge::cli {

class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::map<std::string, Json, std::less<>>;

  Json() = default;
  Json(std::nullptr_t) {}
  Json(bool value) : value_(value) {}
  template <std::signed_integral T>
  Json(T value) : value_(static_cast<std::int64_t>(value)) {}
  template <std::unsigned_integral T>
  Json(T value) : value_(static_cast<std::uint64_t>(value)) {}
  Json(const char* text) : value_(std::string(text)) {}
  Json(std::string_view text) : value_(std::string(text)) {}
  Json(std::string text) : value_(std::move(text)) {}
  /// An object: {{"key", value}, ...}.
  Json(std::initializer_list<std::pair<const char*, Json>> members);
  [[nodiscard]] static Json array();

  /// The member of an object; made where it is missing. A null value becomes an object.
  Json& operator[](std::string_view key);
  /// The member of an object that has it.
  [[nodiscard]] const Json& at(std::string_view key) const;
  [[nodiscard]] bool contains(std::string_view key) const;
  void push_back(Json element);
  [[nodiscard]] const Array& elements() const { return std::get<Array>(value_); }

  [[nodiscard]] bool is_null() const;
  /// Text as it is, anything else as JSON.
  [[nodiscard]] std::string text() const;
  /// JSON, indented by two. A server's words may be in any encoding: bytes that are not UTF-8 are
  /// replaced.
  [[nodiscard]] std::string dump() const;

 private:
  friend struct JsonWriter;
  std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, std::string, Array, Object>
      value_;
};

}  // namespace xabridge::cli
