// The log directory seen from outside: could a transaction manager of this user keep decisions
// there?
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "../src/manager/resource_manager.hpp"

namespace xabridge::cli {

/// Looks, and writes and removes one small file where the directory exists. Takes no lock.
[[nodiscard]] std::vector<tm::ServerFinding> check_log_directory(
    const std::filesystem::path& directory);

/// Who runs the program, for records an operator makes.
[[nodiscard]] std::string this_user();

}  // namespace xabridge::cli
