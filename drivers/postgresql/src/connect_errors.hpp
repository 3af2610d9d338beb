// Why a connection could not be made, as an Error with what to do about it.
//
// libpq gives no SQLSTATE for a failed connection, only text, so this is the one place of the
// driver that looks at words. They choose the advice and between "not there" and "refused"; nothing
// about the outcome of a transaction hangs on them, and a server speaking another language only
// loses advice.
#pragma once

#include <string>
#include <xabridge/error.hpp>

namespace xabridge::postgresql {

/// `said`: by libpq and the server. `target`: the open string without its secrets.
[[nodiscard]] Error connect_error(std::string said, const std::string& target);

}  // namespace xabridge::postgresql
