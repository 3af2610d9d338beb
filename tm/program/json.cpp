// The one file that includes nlohmann-json.
#include "json.hpp"

#include <nlohmann/json.hpp>

namespace xabridge::cli {

struct JsonWriter {
  nlohmann::json operator()(const Json& value) const { return std::visit(*this, value.value_); }
  nlohmann::json operator()(const Json::Array& array) const {
    nlohmann::json all = nlohmann::json::array();
    for (const Json& element : array) all.push_back((*this)(element));
    return all;
  }
  nlohmann::json operator()(const Json::Object& object) const {
    nlohmann::json all = nlohmann::json::object();
    for (const auto& [key, member] : object) all[key] = (*this)(member);
    return all;
  }
  template <class Plain>
  nlohmann::json operator()(const Plain& value) const {
    return value;
  }
};

Json::Json(std::initializer_list<std::pair<const char*, Json>> members) : value_(Object()) {
  for (const auto& [key, member] : members) std::get<Object>(value_).emplace(key, member);
}

Json Json::array() {
  Json empty;
  empty.value_ = Array();
  return empty;
}

Json& Json::operator[](std::string_view key) {
  if (is_null()) value_ = Object();
  return std::get<Object>(value_)[std::string(key)];
}

const Json& Json::at(std::string_view key) const {
  return std::get<Object>(value_).find(key)->second;
}

bool Json::contains(std::string_view key) const {
  const auto& object = std::get<Object>(value_);
  return object.find(key) != object.end();
}

void Json::push_back(Json element) { std::get<Array>(value_).push_back(std::move(element)); }

bool Json::is_null() const { return std::holds_alternative<std::nullptr_t>(value_); }

std::string Json::text() const {
  const auto* plain = std::get_if<std::string>(&value_);
  return plain != nullptr ? *plain : dump();
}

std::string Json::dump() const {
  return JsonWriter()(*this).dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace xabridge::cli
