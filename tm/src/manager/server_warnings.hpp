// What `xabridge check` would say about a server, said by the running service as well: once a
// process, as warning events, when the server has been reached first.
//
// A setting that weakens a promise (MariaDB without PROCESS, a log that is not forced) is otherwise
// found out after the accident. Asked in the thread of the recovery passes, beside all commits.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "../core/recovery.hpp"
#include "events.hpp"
#include "resource_manager.hpp"

namespace xabridge::tm {

/// Asks those that answered in this pass and have not been asked in this process. `stop` ends it
/// between two servers. Thread-safe.
void warn_of_servers(const PassReport& pass,
                     std::span<const std::shared_ptr<ResourceManager>> resource_managers,
                     Events& events, const std::function<bool()>& stop) noexcept;

}  // namespace xabridge::tm
