// Session: what every example program opens: the configuration, a transaction manager on it, the
// observers.
#pragma once

#include <memory>
#include <string>
#include <xabridge/transaction_manager.hpp>

#include "kill_at.hpp"
#include "recovery_watch.hpp"

namespace examples {

class Session {
 public:
  /// `kill_at` may be empty. Throws xabridge::Exception, std::invalid_argument.
  Session(const std::string& config_file, const std::string& kill_at);

  [[nodiscard]] const xabridge::Config& config() const noexcept { return config_; }
  [[nodiscard]] xabridge::TransactionManager& tm() noexcept { return *tm_; }

  /// Finishes what killed programs left behind and prints how much that was. False: a server is
  /// away.
  [[nodiscard]] bool finish_recovery();

 private:
  xabridge::Config config_;
  RecoveryWatch recovery_;
  std::unique_ptr<KillAt> kill_at_;
  std::unique_ptr<xabridge::TransactionManager> tm_;  // last: it goes before its observers
};

}  // namespace examples
