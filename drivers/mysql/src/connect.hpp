// Opening one physical connection, with the protection its settings demand or not at all.
#pragma once

#include <memory>
#include <string>
#include <xabridge/error.hpp>

#include "connector.hpp"
#include "settings.hpp"
#include "socket_of.hpp"

namespace xabridge::mysql {

/// The connection attribute that carries the owner tag (performance_schema.*connect_attrs).
inline constexpr const char* kOwnerAttribute = "xabridge_owner";

/// Logs in, within connect_timeout and the caller's deadline. Automatic reconnection is off: a new
/// session under an old branch would lose the branch. `socket`: what is known of the connection's.
Result<std::unique_ptr<sql::Connection>> open_connection(const Settings& settings,
                                                         const std::string& owner_tag,
                                                         Socket* socket = nullptr);

}  // namespace xabridge::mysql
