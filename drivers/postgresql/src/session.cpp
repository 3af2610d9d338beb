// The life of a branch on its own session: begin, prepare, rollback. What may be wrong with it is
// found out in inspect.cpp; one-phase commit has a file of its own, as have branches that are
// prepared already.

#include "session.hpp"

#include <string_view>
#include <xabridge/codes.hpp>

#include "drain.hpp"
#include "error_table.hpp"
#include "ownership.hpp"
#include "statements.hpp"

namespace xabridge::postgresql {
namespace {

using rm::Answer;

// Marks the branch's transaction from inside: gone after ROLLBACK AND CHAIN or ROLLBACK; BEGIN,
// kept by ROLLBACK TO SAVEPOINT, which all look the same from outside.
constexpr const char* mark_branch = "; SET LOCAL xabridge.branch = 'open'";

// Did the branch change anything, lock anything, or hold something open that PREPARE TRANSACTION
// would refuse?
// A lock that is stronger than a reader's is there to cover the transaction until its end, which is
// not now: table locks, and advisory locks of both kinds, which the server does not tell apart. The
// lock on a foreign table also tells that it was written to, which costs no transaction id here;
// its server's transaction is committed together with this one.
// Whoever calls NOTIFY inside a function and does nothing else is not found out: it is sent when
// the branch is finished here, before the other branches are committed.
//
// The lock table comes last, as the dearest: 0.25 ms where 300 connections are allowed.
constexpr const char* changed_nothing =
    "SELECT CASE WHEN pg_catalog.txid_current_if_assigned() IS NOT NULL"
    " OR EXISTS (SELECT FROM pg_catalog.pg_cursors WHERE is_holdable) THEN false"
    " ELSE NOT EXISTS (SELECT FROM pg_catalog.pg_locks"
    " WHERE pid = pg_catalog.pg_backend_pid() AND locktype <> 'virtualxid'"
    " AND mode NOT IN ('AccessShareLock', 'SIReadLock')) END";

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
          xid.to_gid() + "'; COMMIT; " + begin_branch(),
      &Session::begun);
}

std::string Session::begin_branch() const {
  const std::string_view level = rm::branch_isolation();
  std::string statement = "BEGIN";
  if (!level.empty()) statement.append(" ISOLATION LEVEL ").append(level);
  if (read_write_) statement.append(" READ WRITE");
  return statement + mark_branch;
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
  if (refusal != nullptr) e.server_text = field(refusal, PG_DIAG_MESSAGE_PRIMARY);
  e.message = "the branch could not be begun";
  const Meaning& meaning = meaning_of(Phase::begin, e.sqlstate);
  if (!meaning.advice.empty()) e.message.append("; ").append(meaning.advice);
  e.connection_usable = reuse_ = false;  // a new one may reach the primary
  outdated_ = e.sqlstate == read_only_refusal;
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
  if (server_->options.prepares_at_end() || observer_.may_have_written())
    return ask_to_prepare(observer_.locked_session());
  ask(changed_nothing, &Session::asked_if_written);
}

// Nothing written: the branch is finished now. By COMMIT, because a serializable transaction may
// have read what no serial order allows, and that is where it hears of it.
void Session::asked_if_written(Reply reply) {
  if (!reply.whole || !connected()) return conclude(lost(prepare_tag, &call_->xid, true));
  if (const PGresult* const refusal = reply.refusal())
    return conclude(refused(prepare_tag, call_->xid, refusal));
  const char* const nothing = reply.value();
  if (nothing == nullptr || nothing != std::string_view("t")) return ask_to_prepare(true);
  ask(std::string("COMMIT; ") + release_session_locks, &Session::finished_reading);
}

void Session::finished_reading(Reply reply) {
  if (reply.done("COMMIT") != nullptr) return conclude(XA_RDONLY);
  // Lost: committed or rolled back, nothing is different for it.
  if (!reply.whole || !connected()) return conclude(lost("COMMIT", &call_->xid, true));
  conclude(refused("COMMIT", call_->xid, reply.refusal()));
}

// One message, and the first statement that fails ends it:
//
// 1. deferred constraints and triggers, while the role is the one under which they belong;
// 2. back to the login role: PREPARE TRANSACTION makes the role of the moment the branch's owner,
//    and after SET LOCAL ROLE no session of this open string could complete it;
// 3. the transaction id and the place in the server's history, by which a server can be asked later
//    what became of the branch (origin.hpp);
// 4. where it may have advisory locks of the session's, these become the transaction's;
// 5. PREPARE TRANSACTION; 6. what the session still holds.
void Session::ask_to_prepare(bool keep_locks) {
  ask(std::string("SET CONSTRAINTS ALL IMMEDIATE; ") + be_yourself + "; " + transaction_id + "; " +
          (keep_locks ? keep_session_locks : "") + "PREPARE TRANSACTION '" + call_->xid.to_gid() +
          "'; " + release_session_locks,
      &Session::prepared_or_not);
}

void Session::prepared_or_not(Reply reply) {
  const Xid& xid = call_->xid;
  if (reply.done(prepare_tag) != nullptr) {
    if (!reply.whole || reply.refusal() != nullptr) reuse_ = false;  // it may keep its locks
    if (const PGresult* const row = reply.row()) {
      origin_.transaction_id = PQgetvalue(row, 0, 0);
      origin_.timeline = timeline_of(PQgetvalue(row, 0, 1));
      origin_.lsn = parse_lsn(PQgetvalue(row, 0, 2)).value_or(0);
      server_->prepared.prepared(xid, origin_);
    }
    if (observer_.take_unreplicated()) return conclude(not_replicated(xid));
    return conclude(XA_OK);
  }
  if (!reply.whole || !connected()) return conclude(lost(prepare_tag, &xid, false));
  conclude(refused(prepare_tag, xid, reply.refusal()));
}

// Prepared here, but a standby that takes over may not have it: a decision to commit could then not
// be carried out. (A commit is different: it is done, and a lost standby cannot make it not so.)
Answer Session::not_replicated(const Xid& xid) const {
  Error e = error(XAER_RMERR, prepare_tag, &xid);
  e.outcome_known = false;
  e.message =
      "the branch is prepared at this server, but the wait for its synchronous standby was "
      "cancelled, so it does not vote for commit. Bring the standby back, or take it out of "
      "synchronous_standby_names";
  return e;
}

void Session::start_rollback() {
  constexpr const char* operation = "ROLLBACK";
  const Xid& xid = call_->xid;
  const Rest rest = come_to_rest();
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
