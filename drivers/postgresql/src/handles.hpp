// RAII for libpq's handles. Each closes or frees what it owns; none can be copied.
#pragma once

#include <libpq-fe.h>

#include <memory>

namespace xabridge::postgresql {

struct Finish {
  void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
};
struct Clear {
  void operator()(PGresult* result) const noexcept { PQclear(result); }
};
struct FreeCancel {
  void operator()(PGcancel* cancel) const noexcept { PQfreeCancel(cancel); }
};

using Connection = std::unique_ptr<PGconn, Finish>;
using ResultSet = std::unique_ptr<PGresult, Clear>;
using CancelKey = std::unique_ptr<PGcancel, FreeCancel>;

}  // namespace xabridge::postgresql
