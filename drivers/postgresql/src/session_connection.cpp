// The connection below the branch: making it a session of ours, talking on it, telling what failed.

#include <array>
#include <string_view>

#include "session.hpp"

namespace xabridge::postgresql {

using rm::Answer;

// A server notices that a client's machine is gone only by what it sends itself, and that its
// program is gone only between statements. Until then the branch keeps its locks; by these, for a
// minute at most. Joined with pg_settings because older servers lack the last one.
#define XABRIDGE_NOTICE_LOST_CLIENT                                                            \
  "SELECT set_config(name, value, false) FROM pg_catalog.pg_settings JOIN (VALUES "            \
  "('tcp_keepalives_idle', '30'), ('tcp_keepalives_interval', '10'), "                         \
  "('tcp_keepalives_count', '3'), ('client_connection_check_interval', '2s')) AS v(n, value) " \
  "ON name = n;"

Result<std::unique_ptr<rm::Session>> Session::adopt(Connection connection) {
  std::unique_ptr<Session> session(new Session(std::move(connection)));
  session->cancel_.reset(PQgetCancel(session->connection_.get()));
  if (session->cancel_ == nullptr || !session->observer_.watch(session->connection_)) {
    Error error = session->error(XAER_RMFAIL, "connect", nullptr);
    error.message = "libpq is out of memory";
    return error;
  }
  // One statement both reads the configured default and replaces it.
  auto settings = session->query("prepare the session",
                                 "SELECT current_setting('default_transaction_read_only'), "
                                 "set_config('default_transaction_read_only', 'on', false)");
  if (!settings) return std::move(settings.error());
  (void)session->execute(XABRIDGE_NOTICE_LOST_CLIENT);  // a refusal costs patience, nothing else
  session->read_write_ = PQgetvalue(settings->get(), 0, 0) == std::string_view("off");
  return std::unique_ptr<rm::Session>(std::move(session));
}

// What an application SETs survives the commit of its branch. The next branch to use this
// connection may belong to somebody else, and a search_path or role that leaks writes to the wrong
// tables.
Answer Session::restore_settings() {
  const ResultSet result = execute(
      "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; UNLISTEN *;" XABRIDGE_NOTICE_LOST_CLIENT
      "SET default_transaction_read_only = on");
  if (PQcmdStatus(result.get()) == std::string_view("SET")) {
    observer_.session_restored();
    return XA_OK;
  }
  reuse_ = false;
  return lost("restore the session's settings", nullptr, true);
}

bool Session::reusable() noexcept {
  if (!reuse_ || interrupted_ || PQpipelineStatus(connection_.get()) != PQ_PIPELINE_OFF)
    return false;
  return connected() && status() == PQTRANS_IDLE;
}

bool Session::alive() noexcept {
  const ResultSet result = execute("");
  return PQresultStatus(result.get()) == PGRES_EMPTY_QUERY;
}

void Session::interrupt() noexcept {
  interrupted_ = true;
  std::array<char, 256> text{};
  PQcancel(cancel_.get(), text.data(), static_cast<int>(text.size()));
}

std::string Session::server_id() const { return std::to_string(PQbackendPID(connection_.get())); }

ResultSet Session::execute(const char* sql) noexcept {
  const Observer::Pause pause(observer_);
  return ResultSet(PQexec(connection_.get(), sql));
}

Result<ResultSet> Session::query(const char* operation, const char* sql, const char* parameter) {
  const Observer::Pause pause(observer_);
  ResultSet result(PQexecParams(connection_.get(), sql, parameter == nullptr ? 0 : 1, nullptr,
                                &parameter, nullptr, nullptr, 0));
  if (!answered(result.get())) return lost(operation, nullptr, true);
  if (PQresultStatus(result.get()) == PGRES_TUPLES_OK) return result;
  Error e = error(XAER_RMERR, operation, nullptr);
  e.sqlstate = field(result.get(), PG_DIAG_SQLSTATE);
  e.message = "the server refused a query of the driver";
  return e;
}

// Every error of the server has an SQLSTATE. One without it is libpq's own: it could not send or
// not receive, and what the server did is not known, even where libpq still calls the connection
// usable.
bool Session::answered(const PGresult* result) noexcept {
  const bool from_server = result != nullptr && (PQresultStatus(result) != PGRES_FATAL_ERROR ||
                                                 PQresultErrorField(result, PG_DIAG_SQLSTATE));
  if (!from_server) reuse_ = false;
  return from_server && connected();
}

Error Session::error(int code, const char* operation, const Xid* xid) const {
  Error e;
  e.xa_code = code;
  e.operation = operation;
  if (xid != nullptr) e.xid = xid->to_string();
  std::string text = PQerrorMessage(connection_.get());
  while (!text.empty() && text.back() == '\n') text.pop_back();
  e.server_text = std::move(text);
  return e;
}

Error Session::lost(const char* operation, const Xid* xid, bool outcome_known) const {
  Error e = error(XAER_RMFAIL, operation, xid);
  if (!observer_.farewell().empty()) e.server_text = observer_.farewell();
  e.connection_usable = false;
  e.outcome_known = outcome_known;
  e.message =
      outcome_known
          ? "the connection to PostgreSQL is lost"
          : "the connection to PostgreSQL was lost before the answer came: the server may or "
            "may not have done it";
  return e;
}

// A server that ends the session says so first; the connection is useless from then on.
bool Session::connected() const noexcept {
  return PQstatus(connection_.get()) == CONNECTION_OK && observer_.farewell().empty();
}

PGTransactionStatusType Session::status() const noexcept {
  return PQtransactionStatus(connection_.get());
}

}  // namespace xabridge::postgresql
