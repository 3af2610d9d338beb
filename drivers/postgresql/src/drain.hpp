// drain(): brings a connection the application left in the middle of something back to rest.
#pragma once

#include <libpq-fe.h>

#include "cancel_key.hpp"
#include "exchange.hpp"

namespace xabridge::postgresql {

enum class Rest {
  clean,   // nothing was under way
  unread,  // results had not been read, a COPY was open or a statement was running: it was ended
  lost,    // the connection is gone, or would not come to rest: not to be used any more
};

/// Leaves pipeline and non-blocking mode, ends COPY, discards results. A statement still running is
/// cancelled; a server that then does not answer within seconds, or by `deadline`, counts as lost.
Rest drain(PGconn* connection, const CancelKey& cancel, Clock::time_point deadline) noexcept;

}  // namespace xabridge::postgresql
