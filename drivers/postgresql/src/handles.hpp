// RAII for libpq's handles: each closes or frees what it owns, none can be copied.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <string>

namespace xabridge::postgresql {

/// Closes without waiting, whatever state the server is in; see giving_up.cpp.
void finish(PGconn* connection) noexcept;

struct Finish {
  void operator()(PGconn* connection) const noexcept { finish(connection); }
};
struct Clear {
  void operator()(PGresult* result) const noexcept { PQclear(result); }
};

using Connection = std::unique_ptr<PGconn, Finish>;
using ResultSet = std::unique_ptr<PGresult, Clear>;

/// A field of an error or notice (PG_DIAG_...); empty where the server sent none.
[[nodiscard]] inline std::string field(const PGresult* result, int code) {
  const char* const text = PQresultErrorField(result, code);
  return text == nullptr ? std::string() : std::string(text);
}

}  // namespace xabridge::postgresql
