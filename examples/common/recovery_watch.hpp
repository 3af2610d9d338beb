// RecoveryWatch: what recovery did since the program started, for a sentence at its end.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <string>
#include <xabridge/event.hpp>
#include <xabridge/transaction_manager.hpp>

namespace examples {

class RecoveryWatch : public xabridge::Observer {
 public:
  void on_event(const xabridge::Event& event) noexcept override;

  /// Global transactions, not branches.
  [[nodiscard]] std::size_t committed() const;
  [[nodiscard]] std::size_t rolled_back() const;

  /// Lets recovery pass until it leaves nothing for later (a server that is away, a dead program's
  /// session that the server has not noticed yet). False: the time is up first.
  bool settle(xabridge::TransactionManager& tm, std::chrono::milliseconds limit);

 private:
  mutable std::mutex mutex_;
  std::set<std::string> committed_;
  std::set<std::string> rolled_back_;
  std::atomic<long> waits_ = 0;
};

}  // namespace examples
