// Opening the transaction manager; see the header.
#include "session.hpp"

#include <iostream>

namespace examples {

Session::Session(const std::string& config_file, const std::string& kill_at)
    : config_(xabridge::Config::load(config_file)) {
  config_.observers.push_back(&recovery_);
  if (!kill_at.empty()) {
    kill_at_ = std::make_unique<KillAt>(kill_at);
    config_.observers.push_back(kill_at_.get());
  }
  tm_ = std::make_unique<xabridge::TransactionManager>(config_);
}

bool Session::finish_recovery() {
  const bool settled = recovery_.settle(*tm_, std::chrono::seconds(30));
  std::cout << "recovered_commit " << recovery_.committed() << "\nrecovered_rollback "
            << recovery_.rolled_back() << '\n';
  if (!settled) std::cerr << "recovery still waits for a server: see xabridge status\n";
  return settled;
}

}  // namespace examples
