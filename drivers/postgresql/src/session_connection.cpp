// The connection below the branch: making it a session of ours, talking on it, telling what failed.

#include <string_view>

#include "session.hpp"

namespace xabridge::postgresql {

using rm::Answer;

namespace {

// A server notices that a client's machine is gone only by what it sends itself, and that its
// program is gone only between statements. Until then the branch keeps its locks; by these, for a
// minute at most. Older servers lack the last one.
constexpr const char* notice_lost_client =
    "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = "
    "3; ";
constexpr const char* notice_lost_client_while_busy =
    "SET client_connection_check_interval = '2s'; ";
constexpr int first_version_that_checks_clients = 140000;

// One statement both reads the configured default and replaces it.
constexpr const char* take_over =
    "SELECT current_setting('default_transaction_read_only'),"
    " set_config('default_transaction_read_only', 'on', false), " XABRIDGE_SERVER_HISTORY
    ", " XABRIDGE_SERVER_RUN ", " XABRIDGE_DBLINK_SCHEMA;

}  // namespace

Result<std::unique_ptr<rm::Session>> Session::adopt(Connection connection,
                                                    std::shared_ptr<ServerMemory> server) {
  std::unique_ptr<Session> session(new Session(std::move(connection), std::move(server)));
  session->cancel_ = CancelKey(session->connection_.get());
  if (!session->cancel_ || !session->observer_.watch(session->connection_)) {
    Error error = session->error(XAER_RMFAIL, "connect", nullptr);
    error.message = "libpq is out of memory";
    return error;
  }
  auto settings = session->query("prepare the session", take_over);
  if (!settings) return std::move(settings.error());
  session->read_write_ = PQgetvalue(settings->get(), 0, 0) == std::string_view("off");
  session->life_ = ServerLife::read(settings->get(), 2);
  // A refusal costs patience, nothing else.
  const ResultSet taken = session->execute(session->clean_slate().c_str());
  session->notices_loss_ = PQresultStatus(taken.get()) == PGRES_COMMAND_OK;
  // From now on: this session is new, and has none.
  session->server_->dblink.found(PQgetvalue(settings->get(), 0, PQnfields(settings->get()) - 1));
  const ResultSet guarded = session->execute("SET default_transaction_read_only = on");
  if (!session->answered(guarded.get())) return session->lost("connect", nullptr, true);
  return std::unique_ptr<rm::Session>(std::move(session));
}

// What an application did to the session survives its branch. The next branch to use this
// connection may belong to somebody else, and a search_path or role that leaks writes to the wrong
// tables. Settings can be changed, LISTEN executed and tables created inside functions, where no
// command tag tells of it: so this goes with every begin, where it costs a hundredth of a
// millisecond and no round trip.
std::string Session::clean_slate() const {
  std::string statements =
      "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; UNLISTEN *; CLOSE ALL; DEALLOCATE ALL; "
      "DISCARD TEMP; DISCARD SEQUENCES; ";
  statements += server_->dblink.disconnect_all();
  if (!notices_loss_) return statements;
  statements += notice_lost_client;
  if (PQserverVersion(connection_.get()) >= first_version_that_checks_clients)
    statements += notice_lost_client_while_busy;
  return statements;
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
  cancel_.request();
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

Error Session::lost(const char* operation, const Xid* xid, bool outcome_known) {
  reuse_ = false;
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
