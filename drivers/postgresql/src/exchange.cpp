// Sending without blocking, and collecting results until the server is ready again.

#include "exchange.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace xabridge::postgresql {
namespace {

bool connected(const PGconn* connection) noexcept { return PQstatus(connection) == CONNECTION_OK; }

int milliseconds_until(Clock::time_point limit) noexcept {
  if (limit == Clock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(limit - Clock::now()).count();
  return static_cast<int>(std::clamp<long>(static_cast<long>(left), 0, 3'600'000));
}

bool send_statement(PGconn* connection, const char* sql, const char* parameter = nullptr) noexcept {
  return PQsendQueryParams(connection, sql, parameter == nullptr ? 0 : 1, nullptr, &parameter,
                           nullptr, nullptr, 0) == 1;
}

}  // namespace

Wait wait_for_socket(const PGconn* connection, short events, Clock::time_point limit) noexcept {
  pollfd descriptor{PQsocket(connection), events, 0};
  if (descriptor.fd < 0) return Wait::failed;  // poll would ignore it and wait
  for (;;) {
    const int ready = poll(&descriptor, 1, milliseconds_until(limit));
    if (ready > 0) return Wait::ready;
    if (ready < 0 && errno != EINTR && errno != EAGAIN) return Wait::failed;
    if (Clock::now() >= limit) return Wait::late;
  }
}

Wait wait_for_input(PGconn* connection, Clock::time_point limit) noexcept {
  const int unsent = PQflush(connection);
  if (unsent < 0) return Wait::failed;
  const Wait waited = wait_for_socket(connection, unsent == 0 ? POLLIN : POLLIN | POLLOUT, limit);
  if (waited != Wait::ready) return waited;
  return PQconsumeInput(connection) == 0 ? Wait::failed : Wait::ready;
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

const PGresult* Reply::row() const noexcept {
  for (const ResultSet& result : results)
    if (PQresultStatus(result.get()) == PGRES_TUPLES_OK)
      return PQntuples(result.get()) == 0 || PQgetisnull(result.get(), 0, 0) != 0 ? nullptr
                                                                                  : result.get();
  return nullptr;
}

const char* Reply::value() const noexcept {
  const PGresult* const first = row();
  return first == nullptr ? nullptr : PQgetvalue(first, 0, 0);
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

void Exchange::send(PGconn* connection, const char* statement, const char* parameter) {
  pipeline_ = false;
  PQsetnonblocking(connection, 1);
  sent(connection, send_statement(connection, statement, parameter));
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
  state_ = ok && PQflush(connection) >= 0 ? State::sent : State::failed;
}

Wait Exchange::receive(PGconn* connection, Clock::time_point limit) {
  while (state_ == State::sent) {
    // A connection that is lost is busy for ever; PQgetResult then gives what had come, and at
    // last the loss, without waiting.
    while (PQisBusy(connection) != 0 && connected(connection)) {
      const Wait waited = wait_for_input(connection, limit);
      if (waited == Wait::ready) continue;
      if (PQisBusy(connection) == 0 || !connected(connection)) break;
      if (waited == Wait::late) return Wait::late;
      // libpq would go on waiting for the rest of the answer. Part of it may be lost.
      state_ = State::failed;
      return Wait::failed;
    }
    add(connection, ResultSet(PQgetResult(connection)));
  }
  return state_ == State::failed ? Wait::failed : Wait::ready;
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
  state_ = State::over;
}

Reply Exchange::take() noexcept { return std::exchange(reply_, {}); }

}  // namespace xabridge::postgresql
