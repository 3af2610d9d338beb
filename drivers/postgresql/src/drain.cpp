// Ending pipeline, COPY and asynchronous commands; every wait has a limit.

#include "drain.hpp"

#include <poll.h>

#include <algorithm>
#include <chrono>

#include "handles.hpp"

namespace xabridge::postgresql {
namespace {

// How long the rest of an answer that is already on its way may take. Long enough for the
// ReadyForQuery that follows a result, too short to wait for a statement.
constexpr std::chrono::milliseconds answer_limit{100};
// How long a server may take to act on a cancel request, and a busy network to bring its answer.
constexpr std::chrono::seconds cancel_limit{10};

// Until a result can be had without blocking.
Wait wait_for_result(PGconn* connection, Clock::time_point limit) noexcept {
  while (PQisBusy(connection) != 0)
    if (const Wait waited = wait_for_input(connection, limit); waited != Wait::ready) return waited;
  return Clock::now() < limit ? Wait::ready : Wait::late;
}

bool leave_copy(PGconn* connection, const CancelKey& cancel, ExecStatusType status,
                Clock::time_point limit) noexcept {
  if (status == PGRES_COPY_IN)
    return PQputCopyEnd(connection, "the branch was ended while its COPY was open") == 1;
  if (status != PGRES_COPY_OUT) return true;
  cancel.request(limit);  // the rest may be a whole table
  for (;;) {
    char* row = nullptr;
    const int size = PQgetCopyData(connection, &row, 1);
    PQfreemem(row);
    if (size < 0) return true;
    if (size == 0 && wait_for_input(connection, limit) != Wait::ready) return false;
  }
}

struct Discarded {
  bool finished = false;  // nothing more is outstanding
  bool failed = false;    // nothing more can be received
  bool any = false;       // something had not been read
};

// Reads and drops what is there until `limit`. In pipeline mode each command ends with a null
// result, so null means finished only when libpq also agrees to leave that mode.
Discarded discard(PGconn* connection, const CancelKey& cancel, Clock::time_point limit) noexcept {
  Discarded seen;
  for (;;) {
    const Wait waited = wait_for_result(connection, limit);
    seen.failed = waited == Wait::failed;
    if (waited != Wait::ready) return seen;
    const ResultSet result(PQgetResult(connection));
    if (result != nullptr) {
      seen.any = true;
      if (!leave_copy(connection, cancel, PQresultStatus(result.get()), limit)) return seen;
    } else if (PQpipelineStatus(connection) == PQ_PIPELINE_OFF ||
               PQexitPipelineMode(connection) == 1) {
      seen.finished = true;
      return seen;
    }
  }
}

// libpq sends what is left in its buffer before it changes the mode. That is little, but where the
// socket takes nothing it waits for good; a server may take nothing because nobody reads from it.
bool leave_blocking_mode(PGconn* connection, Clock::time_point limit) noexcept {
  if (PQisnonblocking(connection) != 0) return true;
  while (wait_for_socket(connection, POLLOUT, Clock::now()) != Wait::ready)
    if (wait_for_socket(connection, POLLIN | POLLOUT, limit) != Wait::ready ||
        PQconsumeInput(connection) == 0)
      return false;
  PQsetnonblocking(connection, 1);
  return true;
}

bool is_at_rest(const PGconn* connection) noexcept {
  return PQtransactionStatus(connection) != PQTRANS_ACTIVE &&
         PQpipelineStatus(connection) == PQ_PIPELINE_OFF;
}

Rest at_rest(PGconn* connection, bool unread) noexcept {
  if (PQstatus(connection) != CONNECTION_OK) return Rest::lost;
  PQsetnonblocking(connection, 0);  // nothing is left to be sent, so this does not wait
  return unread ? Rest::unread : Rest::clean;
}

}  // namespace

Rest drain(PGconn* connection, const CancelKey& cancel, Clock::time_point deadline) noexcept {
  if (is_at_rest(connection)) return at_rest(connection, false);
  const auto within = [deadline](auto time) { return std::min(Clock::now() + time, deadline); };
  if (!leave_blocking_mode(connection, within(cancel_limit))) return Rest::lost;
  if (PQpipelineStatus(connection) != PQ_PIPELINE_OFF && PQexitPipelineMode(connection) == 0) {
    // Commands are queued or unread. The synchronisation point makes the server answer them all.
    PQpipelineSync(connection);
  }
  if (is_at_rest(connection)) return at_rest(connection, false);

  Discarded seen = discard(connection, cancel, within(answer_limit));
  if (!seen.finished && !seen.failed && PQstatus(connection) == CONNECTION_OK) {
    seen.any = true;
    cancel.request(within(cancel_limit));
    seen.finished = discard(connection, cancel, within(cancel_limit)).finished;
  }
  return seen.finished ? at_rest(connection, seen.any) : Rest::lost;
}

}  // namespace xabridge::postgresql
