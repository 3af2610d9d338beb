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

// How long a statement may go on after the first request to cancel it.
constexpr std::chrono::milliseconds interrupt_patience{1000};
// What has not helped until then never will.
constexpr std::chrono::milliseconds interrupt_end{10'000};

// A server that can be reached has taken the request by then; who interrupts has others to see to.
constexpr std::chrono::milliseconds interrupt_limit{100};

// Changes nothing: behind a connection pooler the server session is also that of others.
constexpr const char* get_to_know =
    "SELECT current_setting('default_transaction_read_only'), "
    "pg_catalog.pg_backend_pid(), " XABRIDGE_SERVER_HISTORY ", " XABRIDGE_SERVER_RUN
    ", " XABRIDGE_SERVER_IDENTITY ", " XABRIDGE_SERVER_START ", " XABRIDGE_DBLINK_SCHEMA;

}  // namespace

Result<std::unique_ptr<rm::Session>> Session::adopt(Connection connection,
                                                    std::shared_ptr<ServerMemory> server) {
  std::unique_ptr<Session> session(new Session(std::move(connection), std::move(server)));
  session->cancel_ = CancelKey(session->connection_.get());
  session->socket_ = rm::Socket::of(PQsocket(session->connection_.get()));
  if (!session->cancel_ || !session->observer_.watch(session->connection_)) {
    Error error = session->error(XAER_RMFAIL, "connect", nullptr);
    error.message = "libpq is out of memory";
    return error;
  }
  auto settings = session->query("prepare the session", get_to_know);
  if (!settings) return std::move(settings.error());
  if (PQgetvalue(settings->get(), 0, 1) != session->server_id()) return session->behind_pooler();
  session->read_write_ = PQgetvalue(settings->get(), 0, 0) == std::string_view("off");
  session->life_ = ServerLife::read(settings->get(), 2);
  session->origin_.server = PQgetvalue(settings->get(), 0, 4);
  session->origin_.start = PQgetvalue(settings->get(), 0, 5);
  // A refusal costs patience, nothing else.
  const ResultSet taken = session->execute(session->clean_slate().c_str());
  session->notices_loss_ = PQresultStatus(taken.get()) == PGRES_COMMAND_OK;
  // From now on: this session is new, and has none.
  session->server_->dblink.found(PQgetvalue(settings->get(), 0, PQnfields(settings->get()) - 1));
  const ResultSet guarded = session->execute("SET default_transaction_read_only = on");
  if (!session->answered(guarded.get())) return session->lost("connect", nullptr, true);
  return std::unique_ptr<rm::Session>(std::move(session));
}

// A pooler gives each transaction another server session: settings of one branch would be those of
// other clients, and a session could not be interrupted or recognised.
Error Session::behind_pooler() const {
  Error e;
  e.xa_code = XAER_RMERR;
  e.operation = "connect";
  e.connection_usable = false;
  e.message =
      "the connection goes through a connection pooler: the process that answers is not the one "
      "that was connected to. A branch needs a server session of its own. Connect to PostgreSQL "
      "directly; the driver has a pool (pool_size)";
  return e;
}

// What an application did to the session survives its branch. The next branch to use this
// connection may belong to somebody else, and a search_path or role that leaks writes to the wrong
// tables. Settings can be changed, LISTEN executed and tables created inside functions, where no
// command tag tells of it: so this goes with every begin. It costs the server some 50 microseconds,
// and no round trip.
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
  if (!reuse_ || interrupted_ || observer_.opened_link() ||
      PQpipelineStatus(connection_.get()) != PQ_PIPELINE_OFF)
    return false;
  return connected() && status() == PQTRANS_IDLE && !observer_.refused_as_read_only();
}

bool Session::alive() noexcept {
  const ResultSet result = execute("");
  return PQresultStatus(result.get()) == PGRES_EMPTY_QUERY;
}

// A statement that goes on although it was asked to end, again and again, is one of a server that
// hangs, or of a server process that does: the application waits for it in libpq, which no cancel
// request ends, and the kernel of the server's host acknowledges all the same. So the socket is
// shut down under it. It is timed out anyway, and an interrupted session is never used again.
void Session::interrupt() noexcept {
  interrupted_ = true;
  const Clock::rep now = Clock::now().time_since_epoch().count();
  Clock::rep first = 0;
  if (first_interrupt_.compare_exchange_strong(first, now)) first = now;
  const Clock::duration since(now - first);
  if (since >= interrupt_end) return;
  cancel_.request(interrupt_limit);
  // A statement that no cancel ends, or an application that does not come back to its connection.
  if (since >= interrupt_patience) rm::cut(socket_);
}

std::string Session::server() const {
  if (!evidence_.empty()) return evidence_;
  return origin_.transaction_id.empty() ? origin_.server : origin_.text();
}

std::string Session::server_id() const { return std::to_string(PQbackendPID(connection_.get())); }

// Does not wait beyond limit(). With an exchange of its own: it may be asked while a call looks at
// a reply.
Reply Session::ask_and_wait(const char* sql, const char* parameter) {
  const Observer::Pause pause(observer_);
  if (!connected()) return {};
  Exchange exchange;
  if (parameter == nullptr)
    exchange.send(connection_.get(), sql);
  else
    exchange.send(connection_.get(), sql, parameter);
  const Wait waited = exchange.receive(connection_.get(), limit());
  if (waited != Wait::ready) give_up(waited);
  return exchange.take();
}

// The result of the last statement executed, as PQexec gives it; null when none came.
ResultSet Session::execute(const char* sql) noexcept try {
  Reply reply = ask_and_wait(sql);
  if (!reply.whole || reply.results.empty()) return nullptr;
  return std::move(reply.results.back());
} catch (...) {  // out of memory, and an answer may be on its way
  give_up(Wait::failed);
  return nullptr;
}

Result<ResultSet> Session::query(const char* operation, const char* sql, const char* parameter) {
  Reply reply = ask_and_wait(sql, parameter);
  ResultSet result;
  if (reply.whole) result = std::move(reply.results.back());
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
  if (!observer_.farewell().text.empty()) {
    e.sqlstate = observer_.farewell().sqlstate;
    e.server_text = observer_.farewell().text;
  } else if (observer_.failure().sqlstate.starts_with("57P")) {  // the answer to a statement
    e.sqlstate = observer_.failure().sqlstate;
  }
  e.connection_usable = false;
  e.outcome_known = outcome_known;
  e.message = loss(outcome_known);
  return e;
}

// A server that ends the session says so first; the connection is useless from then on.
bool Session::connected() const noexcept {
  return given_up_ == Wait::ready && PQstatus(connection_.get()) == CONNECTION_OK &&
         observer_.farewell().text.empty();
}

PGTransactionStatusType Session::status() const noexcept {
  return PQtransactionStatus(connection_.get());
}

}  // namespace xabridge::postgresql
