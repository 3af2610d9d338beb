// The life of a branch on its own session: begin, prepare, rollback. What may be wrong with it is
// found out in inspect.cpp; one-phase commit has a file of its own, as have branches that are
// prepared already.

#include "session.hpp"

#include <xabridge/codes.hpp>

#include "drain.hpp"
#include "statements.hpp"

namespace xabridge::postgresql {
namespace {

using rm::Answer;

// Marks the branch's transaction from inside: gone after ROLLBACK AND CHAIN or ROLLBACK; BEGIN,
// kept by ROLLBACK TO SAVEPOINT, which all look the same from outside.
constexpr const char* begin_read_write = "BEGIN READ WRITE; SET LOCAL xabridge.branch = 'open'";
constexpr const char* begin_as_configured = "BEGIN; SET LOCAL xabridge.branch = 'open'";

// Did the branch change anything, or hold something open that PREPARE TRANSACTION would refuse?
// What is written to a foreign table costs no transaction id here, but its server's transaction is
// committed together with this one; the lock on the foreign table tells of it.
// Whoever calls NOTIFY inside a function and does nothing else is not found out: it is sent when
// the branch is finished here, before the other branches are committed.
constexpr const char* changed_nothing =
    "SELECT 1 WHERE pg_catalog.txid_current_if_assigned() IS NULL"
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_cursors WHERE is_holdable)"
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_foreign_table, pg_catalog.pg_locks"
    " WHERE relation = ftrelid AND locktype = 'relation' AND pid = pg_catalog.pg_backend_pid()"
    " AND mode NOT IN ('AccessShareLock', 'RowShareLock'))";

constexpr const char* prepare_tag = "PREPARE TRANSACTION";

}  // namespace

// A gid has no character that would need quoting: digits, '_' and base64. It is looked for before
// the branch has begun, because a query inside would be its first, and fix its snapshot and its
// isolation level.
void Session::start_begin() {
  constexpr const char* operation = "BEGIN";
  const Xid& xid = call_->xid;
  if (!connected()) return conclude(lost(operation, &xid, true));
  if (status() != PQTRANS_IDLE) {
    Error e = error(XAER_OUTSIDE, operation, &xid);
    e.message = "a transaction that is no branch is open in this session; end it first";
    return conclude(std::move(e));
  }
  observer_.branch_begins();
  ask("BEGIN ISOLATION LEVEL READ COMMITTED; " + clean_slate() +
          "SET default_transaction_read_only = on;"
          " SELECT FROM pg_catalog.pg_prepared_xact() WHERE gid = '" +
          xid.to_gid() + "'; COMMIT; " + (read_write_ ? begin_read_write : begin_as_configured),
      &Session::begun);
}

void Session::begun(Reply reply) {
  constexpr const char* operation = "BEGIN";
  const Xid& xid = call_->xid;
  if (!reply.whole || !connected()) return conclude(lost(operation, &xid, true));
  const PGresult* const refusal = reply.refusal();
  if (refusal == nullptr && status() == PQTRANS_INTRANS && reply.rows() == 0)
    return conclude(XA_OK);
  if (refusal == nullptr && reply.rows() > 0) {
    roll_back_now();
    Error e = error(XAER_DUPID, operation, &xid);
    e.message = "a prepared transaction of this name exists in the cluster: the XID is in use";
    return conclude(std::move(e));
  }
  Error e = error(XAER_RMFAIL, operation, &xid);
  e.sqlstate = field(refusal, PG_DIAG_SQLSTATE);
  e.message = "the branch could not be begun; is this server a standby?";
  e.connection_usable = reuse_ = false;  // a new one may reach the primary
  outdated_ = e.sqlstate == read_only_transaction;
  conclude(std::move(e));
}

void Session::start_prepare() {
  const Xid& xid = call_->xid;
  if (Answer answer = inspect(prepare_tag, xid); answer.code != XA_OK) {
    if (ended_for_good_by_hand()) return conclude(done_by_hand(XAER_RMERR, prepare_tag, xid));
    if (is_rollback(answer.code)) roll_back_now();  // RB* from prepare: it is gone
    return conclude(std::move(answer));
  }
  // At its end a branch is really prepared, written or not: who looks for it must find it.
  if (server_->options.prepares_at_end() || observer_.may_have_written()) return ask_to_prepare();
  ask(changed_nothing, &Session::asked_if_written);
}

// Nothing written: the branch is finished now. By COMMIT, because a serializable transaction may
// have read what no serial order allows, and that is where it hears of it.
void Session::asked_if_written(Reply reply) {
  if (!reply.whole || !connected()) return conclude(lost(prepare_tag, &call_->xid, true));
  if (const PGresult* const refusal = reply.refusal())
    return conclude(refused(prepare_tag, call_->xid, refusal));
  if (reply.rows() == 0) return ask_to_prepare();
  ask(std::string("COMMIT; ") + release_session_locks, &Session::finished_reading);
}

void Session::finished_reading(Reply reply) {
  if (reply.done("COMMIT") != nullptr) return conclude(XA_RDONLY);
  // Lost: committed or rolled back, nothing is different for it.
  if (!reply.whole || !connected()) return conclude(lost("COMMIT", &call_->xid, true));
  conclude(refused("COMMIT", call_->xid, reply.refusal()));
}

// One message: the transaction id, by which the server can be asked later what became of the
// branch, and the locks go with PREPARE TRANSACTION at no cost worth measuring.
void Session::ask_to_prepare() {
  ask(std::string(transaction_id) + "; PREPARE TRANSACTION '" + call_->xid.to_gid() + "'; " +
          release_session_locks,
      &Session::prepared_or_not);
}

void Session::prepared_or_not(Reply reply) {
  const Xid& xid = call_->xid;
  if (reply.done(prepare_tag) != nullptr) {
    if (!reply.whole || reply.refusal() != nullptr) reuse_ = false;  // it may keep its locks
    if (const char* const id = reply.value()) server_->prepared.prepared(xid, {id, life_.history});
    return conclude(XA_OK);
  }
  if (!reply.whole || !connected()) return conclude(lost(prepare_tag, &xid, false));
  conclude(refused(prepare_tag, xid, reply.refusal()));
}

void Session::start_rollback() {
  constexpr const char* operation = "ROLLBACK";
  const Xid& xid = call_->xid;
  const Rest rest = drain(connection_.get(), cancel_);
  if (ended_for_good_by_hand()) return conclude(heuristic(operation, xid));
  if (rest == Rest::lost || !connected()) return conclude(lost(operation, &xid, true));
  if (rest == Rest::unread) reuse_ = false;
  if (status() == PQTRANS_IDLE) {
    roll_back_now();
    return conclude(XA_OK);
  }
  ask(std::string("ROLLBACK; ") + release_session_locks, &Session::rolled_back_or_not);
}

void Session::rolled_back_or_not(Reply reply) {
  constexpr const char* operation = "ROLLBACK";
  if (reply.done(operation) != nullptr) {
    if (!reply.whole || reply.refusal() != nullptr) reuse_ = false;
    return conclude(XA_OK);
  }
  if (!reply.whole || !connected()) return conclude(lost(operation, &call_->xid, true));
  Error e = error(XAER_RMFAIL, operation, &call_->xid);
  e.sqlstate = field(reply.refusal(), PG_DIAG_SQLSTATE);
  e.connection_usable = reuse_ = false;  // closing it rolls the branch back
  e.message = "ROLLBACK was not executed; closing the connection does it";
  conclude(std::move(e));
}

}  // namespace xabridge::postgresql
