// Ending pipeline, COPY and asynchronous commands; every wait has a limit.

#include "drain.hpp"

#include <chrono>

#include "exchange.hpp"
#include "handles.hpp"

namespace xabridge::postgresql {
namespace {

// How long the rest of an answer that is already on its way may take. Long enough for the
// ReadyForQuery that follows a result, too short to wait for a statement.
constexpr std::chrono::milliseconds answer_limit{100};
// How long a server may take to act on a cancel request, and a busy network to bring its answer.
constexpr std::chrono::seconds cancel_limit{10};

// Until a result can be had without blocking; false: not within the limit, or the connection is
// lost.
bool wait_for_result(PGconn* connection, Clock::time_point limit) noexcept {
  while (PQisBusy(connection) != 0)
    if (!wait_for_input(connection, limit)) return false;
  return Clock::now() < limit;
}

bool leave_copy(PGconn* connection, const CancelKey& cancel, ExecStatusType status,
                Clock::time_point limit) noexcept {
  if (status == PGRES_COPY_IN)
    return PQputCopyEnd(connection, "the branch was ended while its COPY was open") == 1;
  if (status != PGRES_COPY_OUT) return true;
  cancel.request();  // the rest may be a whole table
  for (;;) {
    char* row = nullptr;
    const int size = PQgetCopyData(connection, &row, 1);
    PQfreemem(row);
    if (size < 0) return true;
    if (size == 0 && !wait_for_input(connection, limit)) return false;
  }
}

struct Discarded {
  bool finished = false;  // nothing more is outstanding
  bool any = false;       // something had not been read
};

// Reads and drops what is there until `limit`. In pipeline mode each command ends with a null
// result, so null means finished only when libpq also agrees to leave that mode.
Discarded discard(PGconn* connection, const CancelKey& cancel, Clock::time_point limit) noexcept {
  Discarded seen;
  while (wait_for_result(connection, limit)) {
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
  return seen;
}

}  // namespace

Rest drain(PGconn* connection, const CancelKey& cancel) noexcept {
  PQsetnonblocking(connection, 0);
  if (PQpipelineStatus(connection) != PQ_PIPELINE_OFF && PQexitPipelineMode(connection) == 0) {
    // Commands are queued or unread. The synchronisation point makes the server answer them all.
    PQpipelineSync(connection);
  }
  if (PQtransactionStatus(connection) != PQTRANS_ACTIVE &&
      PQpipelineStatus(connection) == PQ_PIPELINE_OFF)
    return PQstatus(connection) == CONNECTION_OK ? Rest::clean : Rest::lost;

  Discarded seen = discard(connection, cancel, Clock::now() + answer_limit);
  if (!seen.finished && PQstatus(connection) == CONNECTION_OK) {
    seen.any = true;
    cancel.request();
    seen.finished = discard(connection, cancel, Clock::now() + cancel_limit).finished;
  }
  if (!seen.finished || PQstatus(connection) != CONNECTION_OK) return Rest::lost;
  return seen.any ? Rest::unread : Rest::clean;
}

}  // namespace xabridge::postgresql
