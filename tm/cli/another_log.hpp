// Prepared branches that look like this service's and are on record in another decision log: for
// one of the configured resource managers, under another register, whichever host began them, for a
// container has another name with each start. They are what a service leaves behind whose log
// directory is not mounted, or no longer the configured one. Two services, each with its log, look
// the same; what tells them apart is this log's age.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "command.hpp"

namespace xabridge::cli {

struct Picture;

/// Why this log cannot have been there when such a branch was prepared.
enum class LogAge {
  older,      // it can
  missing,    // there is no log
  younger,    // it was made afterwards
  undecided,  // it has never decided anything, and the server does not say when that was
};
[[nodiscard]] const char* to_string(LogAge age) noexcept;

struct AnotherLog {
  std::size_t branches = 0;
  std::set<std::string> resource_managers;
  std::set<std::string> registers;  // ids in hexadecimal
  std::set<std::string> hosts;      // that began them; "this host" is this one
  LogAge age = LogAge::older;

  /// The log of this service may be the one that is missing: somebody has to look.
  [[nodiscard]] bool is_finding() const noexcept { return age != LogAge::older; }
  /// For people: what was found, and what to do about it.
  [[nodiscard]] std::string found(const std::string& directory) const;
  [[nodiscard]] const char* fix() const noexcept;
  /// Both, as a line of its own.
  [[nodiscard]] std::string advice(const std::string& directory) const;
};

/// nullopt: no such branch is listed. May ask the servers for the sessions of the branches' owners.
[[nodiscard]] std::optional<AnotherLog> find_another_log(const Config& config,
                                                         const std::vector<Looked>& looked,
                                                         const Picture& picture);

}  // namespace xabridge::cli
