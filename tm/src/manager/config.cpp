// Config::load and its like: TOML to Config, strictly. What a value must fulfil is config_check's.
//
// Two tables describe the file: the sections and their keys with a setter each. A key that is not
// in them is an error, because a misspelt timeout that is silently ignored is found in production.
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <fstream>
#include <functional>
#include <map>
#include <span>
#include <sstream>
#include <xabridge/config.hpp>
#include <xabridge/nearest.hpp>

#include "config_check.hpp"

namespace xabridge {
namespace {

using std::chrono::milliseconds;

/// "; did you mean 'timeout'? allowed: timeout, max_retries", the question only where one is near.
std::string allowed_text(std::string_view word, std::span<const std::string_view> known) {
  const auto meant = nearest(word, known);
  std::string text =
      meant ? "; did you mean '" + std::string(*meant) + "'? allowed: " : "; allowed: ";
  for (std::size_t i = 0; i < known.size(); ++i)
    text += (i == 0 ? "" : ", ") + std::string(known[i]);
  return text;
}

/// What a setter found wrong with a value; empty: taken.
using Problem = std::string;

Problem take(const toml::node& node, std::string& out, const char* what) {
  const auto value = node.value_exact<std::string>();
  if (!value) return std::string("must be text: ") + what;
  out = *value;
  return {};
}

/// A whole number followed by one of `units`; nullopt for anything else and for overflow.
std::optional<std::int64_t> with_unit(
    std::string_view text, std::span<const std::pair<std::string_view, std::int64_t>> units) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number < 0) return std::nullopt;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  for (const auto& [name, factor] : units) {
    if (unit == name) {
      if (number > INT64_MAX / factor) return std::nullopt;
      return number * factor;
    }
  }
  return std::nullopt;
}

Problem take(const toml::node& node, milliseconds& out) {
  static constexpr std::array<std::pair<std::string_view, std::int64_t>, 4> kUnits{
      {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}}};
  const auto text = node.value_exact<std::string>();
  const auto value = text ? with_unit(*text, kUnits) : std::nullopt;
  if (!value)
    return R"(must be a duration as text: "500ms", "30s", "5m" or "1h", at most 168h (7 days))";
  out = milliseconds(*value);
  return {};
}

Problem take_size(const toml::node& node, std::size_t& out) {
  static constexpr std::array<std::pair<std::string_view, std::int64_t>, 3> kUnits{
      {{"KiB", 1024}, {"MiB", 1024 * 1024}, {"GiB", 1024 * 1024 * 1024}}};
  std::optional<std::int64_t> value = node.value_exact<std::int64_t>();
  if (const auto text = node.value_exact<std::string>()) value = with_unit(*text, kUnits);
  if (!value || *value < 0) return R"(must be a number of bytes or a size as text: "8MiB")";
  out = static_cast<std::size_t>(*value);
  return {};
}

template <class T, std::size_t kCount>
Problem take(const toml::node& node, T& out,
             const std::array<std::pair<std::string_view, T>, kCount>& choices) {
  std::string allowed;
  for (const auto& [word, value] : choices)
    allowed += (allowed.empty() ? "" : ", ") + std::string(word);
  const auto text = node.value_exact<std::string>();
  if (!text) return "must be text: " + allowed;
  const auto found = std::ranges::find(choices, *text, &std::pair<std::string_view, T>::first);
  if (found == choices.end()) return "is '" + *text + "'; allowed: " + allowed;
  out = found->second;
  return {};
}

Problem take(const toml::node& node, int& out) {
  const auto value = node.value_exact<std::int64_t>();
  if (!value || *value < INT_MIN || *value > INT_MAX) return "must be a whole number";
  out = static_cast<int>(*value);
  return {};
}

Problem take(const toml::node& node, bool& out) {
  const auto value = node.value_exact<bool>();
  if (!value) return "must be true or false";
  out = *value;
  return {};
}

struct Key {
  std::string_view section;
  std::string_view name;
  Problem (*set)(const toml::node&, Config&);
};

constexpr std::array<std::pair<std::string_view, LogLevel>, 5> kLevels{
    {{"off", LogLevel::off},
     {"error", LogLevel::error},
     {"warning", LogLevel::warning},
     {"info", LogLevel::info},
     {"debug", LogLevel::debug}}};

using N = const toml::node&;
constexpr std::array kKeys{
    Key{"log", "directory",
        [](N n, Config& c) {
          std::string text;
          Problem p = take(n, text, "the path of a directory");
          if (text == "~" || text.starts_with("~/"))
            return Problem("begins with ~, which only a shell replaces; write the whole path");
          c.log_directory = text;
          return p;
        }},
    Key{"log", "segment_size", [](N n, Config& c) { return take_size(n, c.log_segment_size); }},
    Key{"transaction", "timeout", [](N n, Config& c) { return take(n, c.timeout); }},
    Key{"transaction", "completion_timeout",
        [](N n, Config& c) { return take(n, c.completion_timeout); }},
    Key{"transaction", "call_timeout", [](N n, Config& c) { return take(n, c.call_timeout); }},
    Key{"transaction", "max_retries", [](N n, Config& c) { return take(n, c.max_retries); }},
    Key{"transaction", "retry_backoff_initial",
        [](N n, Config& c) { return take(n, c.retry_backoff.initial); }},
    Key{"transaction", "retry_backoff_maximum",
        [](N n, Config& c) { return take(n, c.retry_backoff.maximum); }},
    Key{"recovery", "start_timeout",
        [](N n, Config& c) { return take(n, c.recovery_start_timeout); }},
    Key{"recovery", "interval", [](N n, Config& c) { return take(n, c.recovery_interval); }},
    Key{"recovery", "backoff_maximum",
        [](N n, Config& c) { return take(n, c.recovery_backoff_maximum); }},
    Key{"recovery", "call_timeout",
        [](N n, Config& c) { return take(n, c.recovery_call_timeout); }},
    Key{"recovery", "background", [](N n, Config& c) { return take(n, c.recovery_background); }},
    Key{"logging", "level", [](N n, Config& c) { return take(n, c.logging_level, kLevels); }},
};

using RM = ResourceManagerConfig;
struct ResourceManagerKey {
  std::string_view name;
  Problem (*set)(const toml::node&, RM&);
  /// Where the key is required, what is missing; the others depend on each other, see config_check.
  const char* required = nullptr;
};

constexpr std::array<std::pair<std::string_view, bool>, 2> kRegistrations{
    {{"static", false}, {"dynamic", true}}};
constexpr std::array<std::pair<std::string_view, SymbolKind>, 2> kSymbolKinds{
    {{"object", SymbolKind::object}, {"function", SymbolKind::function}}};
constexpr const char* kName = "a name of 1 to 32 characters";
constexpr const char* kOpen = "the open string, key=value pairs";

constexpr std::array kResourceManagerKeys{
    ResourceManagerKey{"name", [](N n, RM& rm) { return take(n, rm.name, kName); }, kName},
    ResourceManagerKey{
        "driver", [](N n, RM& rm) { return take(n, rm.driver, "the name of one of our drivers"); }},
    ResourceManagerKey{"open", [](N n, RM& rm) { return take(n, rm.open, kOpen); }, kOpen},
    ResourceManagerKey{
        "registration",
        [](N n, RM& rm) { return take(n, rm.dynamic_registration, kRegistrations); }},
    ResourceManagerKey{
        "library", [](N n, RM& rm) { return take(n, rm.library, "the path of a shared library"); }},
    ResourceManagerKey{
        "symbol", [](N n, RM& rm) { return take(n, rm.symbol, "the name of its xa_switch_t"); }},
    ResourceManagerKey{"symbol_is",
                       [](N n, RM& rm) { return take(n, rm.symbol_is, kSymbolKinds); }},
};

/// Reads one document; stops at the first problem.
class Reader {
 public:
  explicit Reader(std::string source) : source_(std::move(source)) {}

  Result<Config> read(const toml::table& root) {
    for (const auto& [key, node] : root) {
      positions_[std::string(key.str())] = node.source().begin;
      if (key.str() == "resource_manager") {
        if (auto e = resource_managers(node)) return *e;
      } else if (auto e = section(key, node)) {
        return *e;
      }
    }
    if (const auto problem = tm::find_problem(config_)) {
      return error(problem->key, problem->text, position_of(problem->key));
    }
    return config_;
  }

  [[nodiscard]] Error error(const std::string& key, const std::string& text,
                            std::optional<toml::source_position> at) const {
    Error e;
    e.xa_code = XAER_INVAL;
    e.operation = "read configuration";
    e.message = source_;
    if (at && *at) {
      e.message += ":" + std::to_string(at->line) + ":" + std::to_string(at->column);
    }
    e.message += ": " + (key.empty() ? "" : key + ": ") + text;
    return e;
  }

 private:
  std::optional<Error> section(const toml::key& key, const toml::node& node) {
    const std::string name(key.str());
    std::vector<std::string_view> sections{"resource_manager"};
    for (const Key& k : kKeys) {
      if (sections.back() != k.section) sections.push_back(k.section);
    }
    if (std::find(sections.begin(), sections.end(), name) == sections.end()) {
      return error(name, "unknown section or key" + allowed_text(name, sections),
                   key.source().begin);
    }
    const toml::table* table = node.as_table();
    if (table == nullptr) {
      return error(name, "must be a section, written [" + name + "]", node.source().begin);
    }
    for (const auto& [sub, value] : *table) {
      if (auto e = entry(name, sub, value)) return e;
    }
    return std::nullopt;
  }

  std::optional<Error> entry(const std::string& section, const toml::key& key,
                             const toml::node& node) {
    const std::string full = section + "." + std::string(key.str());
    std::vector<std::string_view> names;
    for (const Key& k : kKeys) {
      if (k.section != section) continue;
      names.push_back(k.name);
      if (k.name != key.str()) continue;
      positions_[full] = node.source().begin;
      const Problem problem = k.set(node, config_);
      if (problem.empty()) return std::nullopt;
      return error(full, problem, node.source().begin);
    }
    return error(full, "unknown key" + allowed_text(key.str(), names), key.source().begin);
  }

  std::optional<Error> resource_managers(const toml::node& node) {
    const toml::array* list = node.as_array();
    if (list == nullptr || !std::all_of(list->begin(), list->end(),
                                        [](const auto& item) { return item.is_table(); })) {
      return error("resource_manager",
                   "must be written [[resource_manager]], once for each resource manager",
                   node.source().begin);
    }
    for (std::size_t i = 0; i < list->size(); ++i) {
      if (auto e = resource_manager(i, *(*list)[i].as_table())) return e;
    }
    return std::nullopt;
  }

  std::optional<Error> resource_manager(std::size_t index, const toml::table& table) {
    ResourceManagerConfig rm;
    const std::string known = table["name"].value_or(std::string());
    std::vector<std::string_view> names;
    names.reserve(std::size(kResourceManagerKeys));
    for (const auto& k : kResourceManagerKeys) names.push_back(k.name);
    for (const auto& [key, value] : table) {
      if (std::find(names.begin(), names.end(), key.str()) != names.end()) continue;
      return error(tm::resource_manager_key(index, known, key.str()),
                   "unknown key" + allowed_text(key.str(), names), key.source().begin);
    }
    for (const auto& k : kResourceManagerKeys) {
      const std::string full = tm::resource_manager_key(index, known, k.name);
      const toml::node* node = table.get(k.name);
      if (node == nullptr && k.required != nullptr) {
        return error(full, std::string("missing: ") + k.required, table.source().begin);
      }
      positions_[full] = node == nullptr ? table.source().begin : node->source().begin;
      if (node == nullptr) continue;
      const Problem problem = k.set(*node, rm);
      if (!problem.empty()) return error(full, problem, node->source().begin);
    }
    config_.resource_managers.push_back(std::move(rm));
    return std::nullopt;
  }

  [[nodiscard]] std::optional<toml::source_position> position_of(const std::string& key) const {
    const auto found = positions_.find(key);
    if (found == positions_.end()) return std::nullopt;
    return found->second;
  }

  std::string source_;
  Config config_;
  std::map<std::string, toml::source_position> positions_;
};

}  // namespace

Config Config::parse(std::string_view toml, const std::string& source_name) {
  return try_parse(toml, source_name).value();
}

Config Config::load(const std::filesystem::path& file) { return try_load(file).value(); }

Result<Config> Config::try_parse(std::string_view toml, const std::string& source_name) {
  Reader reader(source_name);
  try {
    return reader.read(toml::parse(toml, source_name));
  } catch (const toml::parse_error& e) {
    return reader.error({},
                        "not valid TOML: " + std::string(e.description()) +
                            "; correct this line or the one before it. Text is written in quotes, "
                            "sections as [log], resource managers as [[resource_manager]], and "
                            "each key once",
                        e.source().begin);
  }
}

Result<Config> Config::try_load(const std::filesystem::path& file) {
  Error unreadable;
  unreadable.xa_code = XAER_INVAL;
  unreadable.operation = "read configuration";
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) {
    unreadable.sys_errno = EISDIR;
    unreadable.message = file.string() + ": is a directory; name the configuration file in it";
    return unreadable;
  }
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in || in.bad()) {
    unreadable.sys_errno = errno;
    unreadable.message =
        file.string() + (errno == ENOENT ? ": there is no such file"
                                         : ": cannot be read; check its owner and mode");
    return unreadable;
  }
  Result<Config> config = try_parse(text.str(), file.string());
  if (!config) return config;
  config->warnings = tm::leaks(*config, file);
  const auto folder = std::filesystem::absolute(file).parent_path();
  if (config->log_directory.is_relative()) config->log_directory = folder / config->log_directory;
  for (ResourceManagerConfig& rm : config->resource_managers) {
    const bool is_path = rm.library.find('/') != std::string::npos;
    if (is_path && rm.library.front() != '/') rm.library = (folder / rm.library).string();
  }
  return config;
}

}  // namespace xabridge
