// TransactionManager: opening in order (configuration, log, switches, recovery) and closing in
// reverse.
#include <xabridge/transaction_manager.hpp>

#include "manager_impl.hpp"
#include "transaction_impl.hpp"

namespace xabridge {
namespace {

std::shared_ptr<TransactionManager::Impl> open_manager(Config config,
                                                       tm::Environment& environment) {
  return std::make_shared<TransactionManager::Impl>(
      std::make_shared<tm::Runtime>(std::move(config), environment));
}

}  // namespace

TransactionManager::Impl::Impl(std::shared_ptr<tm::Runtime> r) : runtime(std::move(r)) {
  const Config& config = runtime->config;
  worker.emplace(runtime->recovery,
                 tm::RecoveryWorker::Options{config.recovery_interval, config.recovery_background});
  const auto open = worker->wait_for_first_passes(config.recovery_start_timeout);
  if (config.recovery_start_timeout.count() == 0) return;
  for (const std::string& name : open) {
    runtime->events->emit(EventKind::warning, {}, name, 0,
                          "the recovery pass at start is not over after " +
                              std::to_string(config.recovery_start_timeout.count()) +
                              "ms (the resource manager does not answer); it goes on");
  }
}

TransactionManager::Impl::~Impl() {
  if (runtime->in_own_process()) runtime->strays.end_all();
  worker.reset();
  runtime->watcher->stop();
  runtime->events->close();
}

TransactionManager::TransactionManager(Config config)
    : impl_(open_manager(std::move(config), tm::posix_environment())) {}

TransactionManager::TransactionManager(std::shared_ptr<Impl> impl) noexcept
    : impl_(std::move(impl)) {}

TransactionManager::~TransactionManager() {
  if (impl_ && !impl_->runtime->in_own_process()) {
    // A forked child has neither the threads nor the right to the connections; it leaves the memory
    // alone.
    new std::shared_ptr<Impl>(std::move(impl_));
  }
}

Transaction TransactionManager::begin() { return begin(impl_->runtime->config.timeout); }

Transaction TransactionManager::begin(std::chrono::milliseconds timeout) {
  impl_->runtime->require_own_process();
  if (timeout.count() < 0) {
    tm::throw_misuse(XAER_INVAL, "begin", "a transaction timeout is not negative; 0 is none");
  }
  impl_->runtime->strays.end_own();
  impl_->runtime->prepare_thread();
  return Transaction(std::make_unique<Transaction::Impl>(impl_->runtime, timeout));
}

void TransactionManager::recover_now() {
  impl_->runtime->require_own_process();
  impl_->runtime->recovery->recovery.hurry();
  (void)impl_->runtime->recovery->pass();
}

std::unique_ptr<TransactionManager> tm::ManagerAccess::open(Config config,
                                                            Environment& environment) {
  return std::unique_ptr<TransactionManager>(
      new TransactionManager(open_manager(std::move(config), environment)));
}

}  // namespace xabridge
