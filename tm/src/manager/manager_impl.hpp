// TransactionManager::Impl: the runtime and the thread that recovers.
#pragma once

#include <memory>
#include <optional>
#include <xabridge/transaction_manager.hpp>

#include "recovery_worker.hpp"
#include "runtime.hpp"

namespace xabridge {

struct TransactionManager::Impl {
  explicit Impl(std::shared_ptr<tm::Runtime> r);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  std::shared_ptr<tm::Runtime> runtime;
  std::optional<tm::RecoveryWorker> worker;
};

}  // namespace xabridge
