// What `xabridge check` would say about a server, said by the running service as well: once a
// process, as warning events, when the server has been reached first.
//
// A setting that weakens a promise (MariaDB without PROCESS, a log that is not forced) is otherwise
// found out after the accident. Asked beside the recovery passes and all commits.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "../core/recovery.hpp"
#include "events.hpp"
#include "resource_manager.hpp"

namespace xabridge::tm {

/// Asks the server when it answered in this pass and has not been asked in this process. Waits
/// until `deadline`, or until `stop` says so. Thread-safe.
void warn_of_server(const PassReport& pass,
                    const std::shared_ptr<ResourceManager>& resource_manager,
                    const std::shared_ptr<Events>& events,
                    std::chrono::steady_clock::time_point deadline,
                    const std::function<bool()>& stop) noexcept;

}  // namespace xabridge::tm
