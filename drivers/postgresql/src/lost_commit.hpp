// What became of a transaction whose COMMIT was sent and whose reply was lost.
//
// Asked on a new connection to the same address. The answer is believed only from the same life of
// the same server: after a crash the id may be another transaction's (server_life.hpp). What cannot
// be found out in time is unknown, and said to be.
#pragma once

#include <string>

#include "exchange.hpp"
#include "options.hpp"
#include "server_life.hpp"

namespace xabridge::postgresql {

enum class Fate { committed, aborted, unknown };

/// Waits until `limit` for the server to be reachable and the transaction to be over.
[[nodiscard]] Fate fate_of(const Options& options, const Endpoint& endpoint, const ServerLife& life,
                           const std::string& transaction_id, Clock::time_point limit);

}  // namespace xabridge::postgresql
