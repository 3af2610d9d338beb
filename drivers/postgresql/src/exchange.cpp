// Sending without blocking, and collecting results until the server is ready again.

#include "exchange.hpp"

#include <poll.h>

#include <algorithm>
#include <utility>

namespace xabridge::postgresql {
namespace {

bool connected(const PGconn* connection) noexcept { return PQstatus(connection) == CONNECTION_OK; }

int milliseconds_until(Clock::time_point limit) noexcept {
  if (limit == Clock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(limit - Clock::now()).count();
  return static_cast<int>(std::clamp<long>(static_cast<long>(left), 0, 3'600'000));
}

bool send_statement(PGconn* connection, const char* sql) noexcept {
  return PQsendQueryParams(connection, sql, 0, nullptr, nullptr, nullptr, nullptr, 0) == 1;
}

}  // namespace

bool wait_for_socket(const PGconn* connection, short events, Clock::time_point limit) noexcept {
  pollfd descriptor{PQsocket(connection), events, 0};
  return poll(&descriptor, 1, milliseconds_until(limit)) > 0 || Clock::now() < limit;
}

bool wait_for_input(PGconn* connection, Clock::time_point limit) noexcept {
  const int unsent = PQflush(connection);
  if (unsent < 0) return false;
  return wait_for_socket(connection, unsent == 0 ? POLLIN : POLLIN | POLLOUT, limit) &&
         PQconsumeInput(connection) != 0;
}

const PGresult* Reply::done(std::string_view tag) const noexcept {
  for (const ResultSet& result : results)
    if (PQresultStatus(result.get()) == PGRES_COMMAND_OK && PQcmdStatus(result.get()) == tag)
      return result.get();
  return nullptr;
}

// Every error of the server has an SQLSTATE. One without it is libpq's own: it could not send or
// not receive, and what the server did is not known.
const PGresult* Reply::refusal() const noexcept {
  for (const ResultSet& result : results)
    if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR &&
        PQresultErrorField(result.get(), PG_DIAG_SQLSTATE) != nullptr)
      return result.get();
  return nullptr;
}

const char* Reply::value() const noexcept {
  for (const ResultSet& result : results)
    if (PQresultStatus(result.get()) == PGRES_TUPLES_OK)
      return PQntuples(result.get()) == 0 || PQgetisnull(result.get(), 0, 0) != 0
                 ? nullptr
                 : PQgetvalue(result.get(), 0, 0);
  return nullptr;
}

int Reply::rows() const noexcept {
  for (const ResultSet& result : results)
    if (PQresultStatus(result.get()) == PGRES_TUPLES_OK) return PQntuples(result.get());
  return 0;
}

void Exchange::send(PGconn* connection, const char* message) {
  pipeline_ = false;
  PQsetnonblocking(connection, 1);
  sent(connection, PQsendQuery(connection, message) == 1);
}

void Exchange::send_in_turn(PGconn* connection, const char* first,
                            std::span<const char* const> then) {
  pipeline_ = true;
  PQsetnonblocking(connection, 1);
  bool ok = PQenterPipelineMode(connection) == 1 && send_statement(connection, first) &&
            PQsendFlushRequest(connection) == 1;
  for (const char* const sql : then) ok = ok && send_statement(connection, sql);
  sent(connection, ok && PQpipelineSync(connection) == 1);
}

void Exchange::sent(PGconn* connection, bool ok) {
  reply_ = {};
  over_ = !ok || PQflush(connection) < 0;
}

bool Exchange::receive(PGconn* connection, Clock::time_point limit) {
  while (!over_) {
    // A connection that is lost is busy for ever; PQgetResult then gives what had come, and at
    // last the loss, without waiting.
    while (PQisBusy(connection) != 0 && connected(connection))
      if (!wait_for_input(connection, limit) && connected(connection) &&
          PQsocket(connection) >= 0 && PQisBusy(connection) != 0)
        return false;
    add(connection, ResultSet(PQgetResult(connection)));
  }
  return true;
}

void Exchange::add(PGconn* connection, ResultSet result) {
  const ExecStatusType status = PQresultStatus(result.get());
  if (result != nullptr && status != PGRES_PIPELINE_SYNC) {
    reply_.results.push_back(std::move(result));
    return;
  }
  // In a pipeline each statement ends with a null, all of it with the synchronisation point.
  if (pipeline_ && status != PGRES_PIPELINE_SYNC && connected(connection)) return;
  if (pipeline_) PQexitPipelineMode(connection);
  PQsetnonblocking(connection, 0);
  reply_.whole = connected(connection) && !reply_.results.empty();
  over_ = true;
}

Reply Exchange::take() noexcept { return std::exchange(reply_, {}); }

}  // namespace xabridge::postgresql
