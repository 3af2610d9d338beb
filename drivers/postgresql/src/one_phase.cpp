// Commit in one phase, and what is answered when its reply does not come.
//
// COMMIT is sent together with a question for the branch's transaction id, in one pipeline: the
// server sends the id on before it begins to commit. If the reply to COMMIT is lost, a new
// connection asks what became of that id.

#include <algorithm>
#include <array>
#include <xabridge/codes.hpp>

#include "lost_commit.hpp"
#include "session.hpp"
#include "statements.hpp"

namespace xabridge::postgresql {
namespace {

using rm::Answer;

constexpr const char* operation = "COMMIT";
constexpr std::chrono::seconds patience_after_loss{3};

}  // namespace

void Session::start_commit_one_phase() {
  const Xid& xid = call_->xid;
  if (Answer answer = inspect(operation, xid); answer.code != XA_OK) {
    if (ended_for_good_by_hand()) return conclude(heuristic(operation, xid));
    if (is_rollback(answer.code)) roll_back_now();
    // Lost before COMMIT was sent: the server has rolled back, nothing about it is unknown.
    if (answer.code == XAER_RMFAIL) answer.code = answer.error->xa_code = XA_RBCOMMFAIL;
    return conclude(std::move(answer));
  }
  static constexpr std::array then{operation, release_session_locks};
  call_->next = &Session::committed_or_not;
  exchange_.send_in_turn(connection_.get(), transaction_id_if_any, then);
}

void Session::committed_or_not(Reply reply) {
  if (reply.done(operation) != nullptr) {
    // It may keep its locks, or would collect notifications nobody reads.
    if (!reply.whole || reply.refusal() != nullptr || observer_.listened()) reuse_ = false;
    return conclude(XA_OK);
  }
  if (reply.whole && connected()) return conclude(refused(operation, call_->xid, reply.refusal()));
  // The answer to the question comes before COMMIT is executed, if it comes.
  const PGresult* const first = reply.results.empty() ? nullptr : reply.results.front().get();
  if (first != nullptr && first == reply.refusal()) {
    Error e = lost(operation, &call_->xid, true);
    e.xa_code = XA_RBCOMMFAIL;
    e.sqlstate = field(first, PG_DIAG_SQLSTATE);
    e.message = "the server ended the session before it began to commit";
    return conclude(std::move(e));
  }
  if (PQresultStatus(first) != PGRES_TUPLES_OK)
    return conclude(lost(operation, &call_->xid, false));
  conclude(commit_after_all(reply.value() == nullptr ? "" : reply.value()));
}

// The reply to COMMIT is lost. Without an id the branch had changed nothing here, but what it wrote
// through a foreign table may have been committed with it.
Answer Session::commit_after_all(const std::string& id) {
  if (id.empty()) {
    Error e = lost(operation, &call_->xid, false);
    e.message += ". It had changed nothing in this database; what it wrote through foreign tables, "
                 "if anything, may be committed";
    return e;
  }
  Error e = lost(operation, &call_->xid, true);
  e.xa_code = XA_RBCOMMFAIL;
  switch (fate_of(server_->options, Endpoint::of(connection_.get()), life_, id,
                  std::min(call_->limit, Clock::now() + patience_after_loss))) {
    case Fate::committed:
      return XA_OK;
    case Fate::aborted:
      e.message =
          "the connection to PostgreSQL was lost in COMMIT; the server says that the branch was "
          "rolled back";
      return e;
    case Fate::unknown:
      break;
  }
  e = lost(operation, &call_->xid, false);
  e.message += ". Whether it did: SELECT pg_xact_status('" + id +
               "'), which is true only if the server has not crashed since";
  return e;
}

}  // namespace xabridge::postgresql
