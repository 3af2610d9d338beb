// The one transaction manager that all threads of the process share through TX: made by the first
// tx_open, ended when the last thread has closed.
#pragma once

#include <xabridge/tx.h>

#include <functional>
#include <memory>
#include <string>

#include "../manager/manager_impl.hpp"
#include "completer.hpp"

namespace xabridge::tx {

struct SharedManager {
  SharedManager(Config config, tm::Environment& environment);

  std::shared_ptr<tm::Runtime> runtime;
  TransactionManager::Impl manager;
  Completer completer;  // goes first: it finishes what is under way
};
using Manager = std::shared_ptr<SharedManager>;

/// Makes it where there is none. Throws Exception; XAER_INVAL where the configuration is why.
[[nodiscard]] Manager acquire();
/// Ends it when this was the last. In a forked child, which has none of it, it does nothing.
void release(Manager manager) noexcept;

/// Where the configuration comes from: the file XABRIDGE_CONFIG names, unless a test says
/// otherwise. To be set while nobody has opened anything.
[[nodiscard]] std::function<Result<Config>()>& configuration();
[[nodiscard]] Result<Config> configuration_of_environment();

/// For xabridge_tx_observe: false where a transaction manager exists already.
bool observe(xabridge_tx_observer* observer, void* context);

/// For what goes wrong while there is no transaction manager whose log could tell.
void complain(const char* call, const char* text) noexcept;

}  // namespace xabridge::tx
