// The rules, and what each of them says when it is broken.
#include "config_check.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "../register/identity.hpp"
#include "switch_library.hpp"

namespace xabridge::tm {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMaxOpenLength = MAXINFOSIZE - 1;  // xa_open: 256 bytes with the terminator
constexpr std::size_t kMaxResourceManagers = 255;        // the branch number in a bqual is one byte
constexpr std::size_t kMinSegment = 64U << 10U;
constexpr std::size_t kMaxSegment = 1U << 30U;
constexpr milliseconds kMaxDuration = std::chrono::hours(24 * 7);

std::optional<ConfigProblem> name_problem(const std::string& name, const std::string& key) {
  if (name.empty()) return ConfigProblem{key, "a resource manager needs a name"};
  if (name.size() > kMaxNameLength) {
    return ConfigProblem{key, "'" + name + "' has " + std::to_string(name.size()) +
                                  " characters, at most " + std::to_string(kMaxNameLength) +
                                  " are allowed"};
  }
  const bool clean = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  });
  if (clean) return std::nullopt;
  return ConfigProblem{key, "'" + name + "' may have letters, digits, '_', '.' and '-' only"};
}

std::optional<ConfigProblem> library_problem(const ResourceManagerConfig& rm, std::size_t index) {
  const auto key = [&](std::string_view field) {
    return resource_manager_key(index, rm.name, field);
  };
  if (rm.library.empty()) {
    const bool symbol = !rm.symbol.empty();
    if (!symbol && rm.symbol_is == SymbolKind::as_library_tells) return std::nullopt;
    return ConfigProblem{key(symbol ? "symbol" : "symbol_is"),
                         "is part of a library's description; there is no library"};
  }
  if (rm.symbol.empty()) {
    return ConfigProblem{key("symbol"), "missing: the name of the xa_switch_t in " + rm.library +
                                            ", or of the function that returns it"};
  }
  return std::nullopt;
}

std::optional<ConfigProblem> driver_problem(const ResourceManagerConfig& rm, std::size_t index) {
  const std::string key = resource_manager_key(index, rm.name, "driver");
  if (rm.driver.empty()) {
    return ConfigProblem{key, "missing; allowed: " + known_drivers_text() +
                                  "; for another resource manager give library and symbol"};
  }
  if (!is_known_driver(rm.driver)) {
    return ConfigProblem{key, "unknown driver '" + rm.driver +
                                  "'; allowed: " + known_drivers_text() +
                                  (rm.driver == "mariadb" ? " (mysql serves MariaDB too)" : "")};
  }
  return std::nullopt;
}

std::optional<ConfigProblem> switch_problem(const ResourceManagerConfig& rm, std::size_t index) {
  const int given = (rm.xa_switch != nullptr ? 1 : 0) + (rm.driver.empty() ? 0 : 1) +
                    (rm.library.empty() ? 0 : 1);
  if (given > 1) {
    return ConfigProblem{resource_manager_key(index, rm.name, "driver"),
                         "'" + rm.name +
                             "' has more than one of a driver, a library and a linked " +
                             "xa_switch: set one of them"};
  }
  if (rm.driver.empty() && rm.dynamic_registration) {
    return ConfigProblem{resource_manager_key(index, rm.name, "registration"),
                         "is for a driver; another switch says itself whether it registers"};
  }
  if (auto p = library_problem(rm, index)) return p;
  if (rm.xa_switch != nullptr || !rm.library.empty()) return std::nullopt;
  return driver_problem(rm, index);
}

std::optional<ConfigProblem> resource_manager_problem(const Config& config) {
  const auto& all = config.resource_managers;
  if (all.empty()) {
    return ConfigProblem{
        "resource_manager",
        "none is configured; add a [[resource_manager]] with name, driver and open"};
  }
  if (all.size() > kMaxResourceManagers) {
    return ConfigProblem{"resource_manager",
                         std::to_string(all.size()) + " are configured, at most 255 are allowed"};
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (auto p = name_problem(all[i].name, resource_manager_key(i, all[i].name, "name"))) return p;
    const auto first = std::find_if(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(i),
                                    [&](const auto& rm) { return rm.name == all[i].name; });
    if (first != all.begin() + static_cast<std::ptrdiff_t>(i)) {
      return ConfigProblem{resource_manager_key(i, all[i].name, "name"),
                           "'" + all[i].name +
                               "' is the name of another resource manager already; " +
                               "names must differ"};
    }
    if (auto p = switch_problem(all[i], i)) return p;
    if (all[i].open.size() > kMaxOpenLength) {
      return ConfigProblem{resource_manager_key(i, all[i].name, "open"),
                           "has " + std::to_string(all[i].open.size()) +
                               " characters, XA allows at most " + std::to_string(kMaxOpenLength) +
                               "; move settings to a service or password file"};
    }
  }
  return std::nullopt;
}

struct Range {
  const char* key;
  milliseconds value;
  milliseconds minimum;
};

/// In the largest unit of the configuration that leaves no rest, as it was most likely written.
std::string duration_text(milliseconds value) {
  constexpr std::pair<long, const char*> kUnits[] = {{3'600'000, "h"}, {60'000, "m"}, {1'000, "s"}};
  for (const auto& [factor, unit] : kUnits)
    if (value.count() != 0 && value.count() % factor == 0)
      return std::to_string(value.count() / factor) + unit;
  return std::to_string(value.count()) + "ms";
}

std::optional<ConfigProblem> duration_problem(const Config& c) {
  const std::array ranges{
      Range{"transaction.timeout", c.timeout, milliseconds(0)},
      Range{"transaction.completion_timeout", c.completion_timeout, milliseconds(0)},
      Range{"transaction.call_timeout", c.call_timeout, milliseconds(10)},
      Range{"transaction.retry_backoff_initial", c.retry_backoff.initial, milliseconds(0)},
      Range{"transaction.retry_backoff_maximum", c.retry_backoff.maximum, c.retry_backoff.initial},
      Range{"recovery.start_timeout", c.recovery_start_timeout, milliseconds(0)},
      Range{"recovery.interval", c.recovery_interval, milliseconds(10)},
      Range{"recovery.backoff_maximum", c.recovery_backoff_maximum, milliseconds(10)},
      Range{"recovery.call_timeout", c.recovery_call_timeout, milliseconds(10)}};
  for (const Range& r : ranges) {
    if (r.value >= r.minimum && r.value <= kMaxDuration) continue;
    return ConfigProblem{r.key, "is " + duration_text(r.value) +
                                    "; allowed: " + duration_text(r.minimum) + " to 168h (7 days)"};
  }
  return std::nullopt;
}

}  // namespace

std::string resource_manager_key(std::size_t index, std::string_view name, std::string_view field) {
  std::string key = "resource_manager ";
  if (!name.empty()) key.append("'").append(name).append("' ");
  return key + "(no. " + std::to_string(index + 1) + "): " + std::string(field);
}

std::optional<ConfigProblem> find_problem(const Config& config) {
  if (config.log_directory.empty()) {
    return ConfigProblem{"log.directory",
                         "missing; name a directory on a durable disk of its own for this service"};
  }
  if (config.log_segment_size < kMinSegment || config.log_segment_size > kMaxSegment) {
    return ConfigProblem{"log.segment_size", "is " + std::to_string(config.log_segment_size) +
                                                 " bytes; allowed: 64KiB to 1GiB"};
  }
  if (config.max_retries < 0 || config.max_retries > 1000) {
    return ConfigProblem{"transaction.max_retries",
                         "is " + std::to_string(config.max_retries) + "; allowed: 0 to 1000"};
  }
  if (std::find(config.observers.begin(), config.observers.end(), nullptr) !=
      config.observers.end()) {
    return ConfigProblem{"observers", "contains a null pointer"};
  }
  if (auto p = duration_problem(config)) return p;
  return resource_manager_problem(config);
}

}  // namespace xabridge::tm
