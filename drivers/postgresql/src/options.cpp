// Reading an open string, and what it says to libpq.

#include "options.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace xabridge::postgresql {
namespace {

constexpr long default_pool_size = 64;  // within max_connections = 100, PostgreSQL's default
constexpr long default_pool_timeout_seconds = 30;
constexpr long one_day_seconds = 86400;
constexpr long default_max_age_seconds = 3600;
constexpr long default_max_idle_seconds = 300;
constexpr long thirty_days_seconds = 30 * one_day_seconds;
constexpr std::size_t longest_name = 63;  // NAMEDATALEN - 1 of the server

constexpr std::array<std::string_view, 6> own_keys{"passwordfile", "pool_size", "pool_timeout",
                                                   "max_age",      "max_idle",  "prepare_at_end"};

// A walsender cannot run transactions; the fallback is what owner tags take the place of.
constexpr std::array<std::string_view, 2> refused_keys{"replication", "fallback_application_name"};

struct Default {
  std::string_view key;
  const char* value;
};
constexpr std::array defaults{
    Default{"connect_timeout", "10"},     Default{"keepalives_idle", "30"},
    Default{"keepalives_interval", "10"}, Default{"keepalives_count", "3"},
    Default{"tcp_user_timeout", "60000"},
};

template <class List>
bool contains(const List& list, std::string_view key) {
  return std::find(list.begin(), list.end(), key) != list.end();
}

// Asking libpq instead of listing its keywords here: a newer libpq brings its own. Never destroyed:
// another thread may call xa_open while the process exits.
const std::vector<std::string_view>& known_keys() {
  static const auto& names = *new const std::vector<std::string>([] {
    std::vector<std::string> list(own_keys.begin(), own_keys.end());
    PQconninfoOption* const all = PQconndefaults();
    for (const PQconninfoOption* option = all; option != nullptr && option->keyword != nullptr;
         ++option)
      if (!contains(refused_keys, option->keyword)) list.emplace_back(option->keyword);
    PQconninfoFree(all);
    std::sort(list.begin(), list.end());
    return list;
  }());
  static const auto& views = *new const std::vector<std::string_view>(names.begin(), names.end());
  return views;
}

// What libpq's own tools hide, and what is named like a secret: not all of them are marked.
bool is_secret(const PQconninfoOption& option) {
  const std::string_view key = option.keyword;
  return (option.dispchar != nullptr && *option.dispchar == '*') || key.ends_with("password") ||
         key.ends_with("_secret") || key.ends_with("_key");
}

const std::vector<std::string_view>& secret_keys() {
  static const auto& names = *new const std::vector<std::string>([] {
    std::vector<std::string> list;
    PQconninfoOption* const all = PQconndefaults();
    for (const PQconninfoOption* option = all; option != nullptr && option->keyword != nullptr;
         ++option)
      if (is_secret(*option)) list.emplace_back(option->keyword);
    PQconninfoFree(all);
    return list;
  }());
  static const auto& views = *new const std::vector<std::string_view>(names.begin(), names.end());
  return views;
}

bool is_port(std::string_view text) noexcept {
  unsigned value = 0;
  const auto [stop, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  return status == std::errc{} && stop == text.data() + text.size() && value >= 1 && value <= 65535;
}

// One port, or one for each of several hosts.
std::optional<Error> check_ports(const std::string& ports) {
  std::string_view rest = ports;
  for (;;) {
    const std::size_t comma = rest.find(',');
    if (!is_port(rest.substr(0, comma))) {
      Error error;
      error.xa_code = XAER_INVAL;
      error.operation = "read open string";
      error.message = "\"port\" is \"" + ports +
                      "\"; it must be a number from 1 to 65535, or one for each host, separated by "
                      "commas";
      return error;
    }
    if (comma == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace

Result<Options> Options::parse(std::string_view open_string) {
  auto text = rm::OpenString::parse(open_string, known_keys(), secret_keys());
  if (!text) return std::move(text.error());
  Options options(*std::move(text));
  const rm::OpenString& keys = options.text_;

  if (const auto port = keys.get("port"))
    if (auto error = check_ports(*port)) return std::move(*error);
  const auto timeout = keys.number("connect_timeout", 1, one_day_seconds, 1);
  if (!timeout) return timeout.error();
  const auto size = keys.number("pool_size", 1, 100000, default_pool_size);
  if (!size) return size.error();
  const auto wait = keys.number("pool_timeout", 0, one_day_seconds, default_pool_timeout_seconds);
  if (!wait) return wait.error();
  const auto age = keys.number("max_age", 0, thirty_days_seconds, default_max_age_seconds);
  if (!age) return age.error();
  const auto idle = keys.number("max_idle", 0, thirty_days_seconds, default_max_idle_seconds);
  if (!idle) return idle.error();
  const auto at_end = keys.number("prepare_at_end", 0, 1, 0);
  if (!at_end) return at_end.error();
  const auto password = keys.password();
  if (!password) return password.error();

  options.prepares_at_end_ = *at_end == 1;
  options.pool_size_ = static_cast<std::size_t>(*size);
  options.pool_timeout_ = std::chrono::seconds(*wait);
  options.max_age_ = std::chrono::seconds(*age);
  options.max_idle_ = std::chrono::seconds(*idle);
  return options;
}

Result<Options::Parameters> Options::parameters(const std::string& application_name) const {
  auto password = text_.password();
  if (!password) return std::move(password.error());

  Parameters list;
  for (const Default& entry : defaults)
    if (!text_.has(entry.key)) list.emplace_back(entry.key, entry.value);
  for (const auto& [key, value] : text_.pairs())
    if (!contains(own_keys, key) && key != "password" && key != "application_name")
      list.emplace_back(key, value);
  if (*password) list.emplace_back("password", **password);

  std::string name = application_name;
  if (const auto own = text_.get("application_name")) name += name.empty() ? *own : " " + *own;
  name.resize(std::min(name.size(), longest_name));  // the server would, with a notice
  if (!name.empty()) list.emplace_back("application_name", name);
  return list;
}

}  // namespace xabridge::postgresql
