// What a configuration must fulfil, wherever it came from: a file or code.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <xabridge/config.hpp>

namespace xabridge::tm {

/// The first thing wrong. `key` as an operator reads it: "log.directory",
/// "resource_manager 'ledger' (no. 2): open".
struct ConfigProblem {
  std::string key;
  std::string text;  // what is wrong and what is allowed
};

[[nodiscard]] std::optional<ConfigProblem> find_problem(const Config& config);

/// Counted from one, as people do; `name` may be empty.
[[nodiscard]] std::string resource_manager_key(std::size_t index, std::string_view name,
                                               std::string_view field);

/// The resource managers whose open string holds a password, or another secret, itself.
[[nodiscard]] std::vector<std::string> holders_of_secrets(const Config& config);
/// What others on this machine can learn from the file of this configuration.
[[nodiscard]] std::vector<std::string> leaks(const Config& config,
                                             const std::filesystem::path& file);

}  // namespace xabridge::tm
