// Which settings of a session are compared before it serves another branch: all that the server
// has for a session, but a few. The server is asked, so that a setting of a new version or of a
// plugin is not forgotten.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include "connector.hpp"

namespace xabridge::mysql {

enum class Flavour { mysql, mariadb };

/// The settings' names as a query has them: "@@sql_mode, @@time_zone". Asks the server.
[[nodiscard]] std::string ask_for_compared_settings(sql::Statement& statement, Flavour flavour);

/// A setting that is not compared; the reason is in the list in compared_settings.cpp.
[[nodiscard]] bool is_exempt(std::string_view setting) noexcept;

/// The last answer of one address, for its later sessions. For any thread.
class ComparedSettings {
 public:
  /// Empty: not known for this server.
  [[nodiscard]] std::string find(const std::string& server) const {
    const std::lock_guard lock(mutex_);
    return server == server_ ? names_ : std::string();
  }
  void keep(const std::string& server, const std::string& names) {
    const std::lock_guard lock(mutex_);
    server_ = server;
    names_ = names;
  }

 private:
  mutable std::mutex mutex_;
  std::string server_;  // with its version
  std::string names_;
};

}  // namespace xabridge::mysql
