// MysqlServer: one open string's server, and the driver that reads open strings.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>
#include <xabridge/rm/session.hpp>

#include "compared_settings.hpp"
#include "settings.hpp"

namespace xabridge::mysql {

class Interrupter;
class MysqlSession;
class PreparedLog;

class MysqlServer final : public rm::Server {
 public:
  explicit MysqlServer(Settings settings);

  Result<std::unique_ptr<rm::Session>> connect(const std::string& owner_tag) override;
  Result<std::optional<long>> sessions_tagged(rm::Session& control,
                                              const std::string& owner_tag) override;
  Result<std::optional<long>> end_sessions_tagged(rm::Session& control,
                                                  const std::string& owner_tag) override;
  std::vector<rm::Finding> preflight(rm::Session& control) override;
  Result<std::string> identity(rm::Session& control) override;
  [[nodiscard]] std::size_t pool_size() const noexcept override { return settings_->pool_size; }
  [[nodiscard]] std::chrono::milliseconds pool_timeout() const noexcept override {
    return settings_->pool_timeout;
  }
  [[nodiscard]] std::chrono::milliseconds max_age() const noexcept override {
    return settings_->max_age;
  }
  [[nodiscard]] std::chrono::milliseconds max_idle() const noexcept override {
    return settings_->max_idle;
  }
  [[nodiscard]] bool prepares_at_end() const noexcept override { return settings_->prepare_at_end; }
  void prepared_at(const Xid& xid, const std::string& server) override;
  [[nodiscard]] bool one_phase_survives() const noexcept override { return one_phase_survives_; }

 private:
  // Both shared with the sessions.
  const std::shared_ptr<const Settings> settings_;
  const std::shared_ptr<Interrupter> interrupter_;
  const std::shared_ptr<PreparedLog> prepared_log_;
  ComparedSettings compared_settings_;
  std::atomic<bool> one_phase_survives_ = true;  // as the last session saw it
};

/// Everything that would keep XA from working as promised, each with its fix; see preflight.cpp.
std::vector<rm::Finding> check_server(MysqlSession& session, const Settings& settings);

/// The driver for MySQL and MariaDB; one object, never destroyed.
rm::Driver& driver() noexcept;

}  // namespace xabridge::mysql
