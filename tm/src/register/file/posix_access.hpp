// What the operating system says about files, in words, and whose files the log may use.
//
// A log that others can write to is no authority: they could replace decisions. A file reached
// through a link that others made is worse: a service of root would write to it with root's rights.
#pragma once

#include <filesystem>

#include "../../environment.hpp"

namespace xabridge::tm {

/// "cannot <operation> <path>: <what errno means>; <what to do>"
[[nodiscard]] Error failure(const char* operation, const std::filesystem::path& path, int code);

/// As FileSystem::require_own_directory.
[[nodiscard]] Result<void> require_own_directory(const std::filesystem::path& path,
                                                 FileSystem::Links links);
/// An open file: a regular one and, to write to it, of this process's user.
[[nodiscard]] Result<void> require_own_file(int fd, const std::filesystem::path& path, bool writes);
/// Whether the path is the open file's.
[[nodiscard]] Result<bool> same_file(int fd, const std::filesystem::path& path);

}  // namespace xabridge::tm
