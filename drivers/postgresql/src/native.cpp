// Work outside any global transaction, on a session that otherwise serves branches.

#include "drain.hpp"
#include "session.hpp"
#include "statements.hpp"

namespace xabridge::postgresql {

using rm::Answer;

// RESET ALL gives default_transaction_read_only its configured value back.
Answer Session::begin_native() {
  constexpr const char* operation = "begin of native work";
  if (!connected()) return lost(operation, nullptr, true);
  if (status() != PQTRANS_IDLE) {
    Error e = error(XAER_RMERR, operation, nullptr);
    e.message = "a transaction is open in this session";
    return e;
  }
  observer_.branch_begins();
  const ResultSet result =
      execute(("BEGIN ISOLATION LEVEL READ COMMITTED; " + clean_slate() + "COMMIT").c_str());
  if (!answered(result.get())) return lost(operation, nullptr, true);
  if (PQcmdStatus(result.get()) != std::string_view("COMMIT")) {
    Error e = error(XAER_RMERR, operation, nullptr);
    e.sqlstate = field(result.get(), PG_DIAG_SQLSTATE);
    e.message = "the session's settings could not be restored";
    reuse_ = false;
    return e;
  }
  native_work_.emplace(observer_);
  return XA_OK;
}

// Whatever the application left, the session serves branches again afterwards: outside them it is
// read-only.
Answer Session::end_native() {
  constexpr const char* operation = "end of native work";
  native_work_.reset();
  const Rest rest = come_to_rest();
  if (rest == Rest::lost || !connected()) return lost(operation, nullptr, true);
  observer_.hear_notices(connection_.get());
  if (rest == Rest::unread) reuse_ = false;
  const bool open = status() != PQTRANS_IDLE;
  const ResultSet result = execute((std::string(open ? "ROLLBACK; " : "") + release_session_locks +
                                    "; UNLISTEN *; SET default_transaction_read_only = on")
                                       .c_str());
  if (!answered(result.get())) return lost(operation, nullptr, true);
  if (PQcmdStatus(result.get()) != std::string_view("SET")) reuse_ = false;
  if (!open && rest != Rest::unread) return XA_OK;
  Error e = error(XA_RBROLLBACK, operation, nullptr);
  e.message =
      "native work was left uncommitted on the connection, or results of it unread; what "
      "was open is rolled back";
  return e;
}

}  // namespace xabridge::postgresql
