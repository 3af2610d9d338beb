// The life of a branch on its own session: begin, end, prepare, one-phase commit, rollback.
// Phase two of branches that are prepared already is in phase_two.cpp.

#include "session.hpp"

#include <string_view>

#include "drain.hpp"
#include "error_table.hpp"

namespace xabridge::postgresql {
namespace {

using rm::Answer;

// Marks the branch's transaction from inside: gone after ROLLBACK AND CHAIN or ROLLBACK; BEGIN,
// kept by ROLLBACK TO SAVEPOINT, which all look the same from outside.
constexpr const char* begin_read_write = "BEGIN READ WRITE; SET LOCAL xabridge.branch = 'open'";
constexpr const char* begin_as_configured = "BEGIN; SET LOCAL xabridge.branch = 'open'";

bool tag_is(PGresult* result, std::string_view tag) noexcept {
  return PQresultStatus(result) == PGRES_COMMAND_OK && PQcmdStatus(result) == tag;
}

}  // namespace

Answer Session::begin(const Xid& xid) {
  constexpr const char* operation = "BEGIN";
  if (!connected()) return lost(operation, &xid, true);
  if (status() != PQTRANS_IDLE) {
    Error e = error(XAER_OUTSIDE, operation, &xid);
    e.message = "a transaction that is no branch is open in this session; end it first";
    return e;
  }
  observer_.branch_begins();
  if (observer_.session_changed())
    if (Answer answer = restore_settings(); answer.code != XA_OK) return answer;

  const ResultSet result = execute(read_write_ ? begin_read_write : begin_as_configured);
  if (!answered(result.get())) return lost(operation, &xid, true);
  if (PQresultStatus(result.get()) == PGRES_COMMAND_OK && status() == PQTRANS_INTRANS) return XA_OK;
  Error e = error(XAER_RMFAIL, operation, &xid);
  e.sqlstate = field(result.get(), PG_DIAG_SQLSTATE);
  e.message = "the branch could not be begun; is this server a standby?";
  e.connection_usable = reuse_ = false;  // a new one may reach the primary
  return e;
}

Answer Session::end(const Xid& xid) { return inspect("end of the branch", xid); }

// Is the branch's transaction still open, unharmed, and the same that begin() opened?
Answer Session::inspect(const char* operation, const Xid& xid) {
  const Rest rest = drain(connection_.get(), cancel_.get());
  if (rest == Rest::lost) return lost(operation, &xid, true);
  observer_.hear_notices(connection_.get());
  // A server that ended the session has said so already; reading it now makes the loss known
  // before anything is sent whose fate would then be unknown.
  if (PQconsumeInput(connection_.get()) == 0 || PQisBusy(connection_.get()) != 0 || !connected())
    return lost(operation, &xid, true);

  if (ended_for_good_by_hand()) return done_by_hand(XA_RBPROTO, operation, xid);
  if (rest == Rest::unread) {
    reuse_ = false;  // a late cancel must not hit the next branch
    Error e = error(XA_RBPROTO, operation, &xid);
    e.message =
        "the application left a statement running, a COPY open or results unread on the branch's "
        "connection; it was ended. Read every result before the transaction ends";
    return e;
  }
  const bool intact =
      status() == PQTRANS_INTRANS && (!observer_.rolled_back() || same_transaction());
  if (!intact) return rolled_back(operation, xid);
  if (interrupted_) {
    Error e = error(XA_RBTIMEOUT, operation, &xid);
    e.message = "the branch was interrupted";
    return e;
  }
  return XA_OK;
}

// The transaction failed, or was ended by hand: with what reason?
Answer Session::rolled_back(const char* operation, const Xid& xid) {
  if (!connected()) return lost(operation, &xid, true);
  Error e = error(XA_RBROLLBACK, operation, &xid);
  e.sqlstate = observer_.failure().sqlstate;
  e.server_text = observer_.failure().text;
  if (!e.sqlstate.empty()) {
    const Meaning& meaning = meaning_of(Phase::work, e.sqlstate);
    e.xa_code = is_rollback(meaning.xa_code) ? meaning.xa_code : XA_RBOTHER;
    e.message = "a statement of the branch failed, so all of it is rolled back";
    if (!meaning.advice.empty()) e.message.append("; ").append(meaning.advice);
  } else if (status() == PQTRANS_INERROR) {
    e.message = "a statement of the branch failed, so all of it is rolled back";
  } else {
    e.message =
        "the application rolled back by hand on the branch's connection; let the transaction "
        "manager end the transaction";
  }
  return e;
}

Answer Session::done_by_hand(int code, const char* operation, const Xid& xid) const {
  Error e = error(code, operation, &xid);
  if (observer_.prepared_by_hand())
    e.message =
        "the application executed PREPARE TRANSACTION by hand on the branch's connection: that "
        "work "
        "is in doubt under the name given there. Look it up in pg_prepared_xacts and finish it "
        "with "
        "COMMIT PREPARED or ROLLBACK PREPARED";
  else
    e.message =
        "the application executed COMMIT by hand on the branch's connection: the work done before "
        "it "
        "stays committed here, whatever becomes of the other resource managers. Compare both sides "
        "and repair the data; never end a transaction on a branch's connection";
  return e;
}

// Nothing can undo what was made permanent by hand; what the application has opened since is rolled
// back, and then only a part of the branch's work is committed.
Answer Session::heuristic(const char* operation, const Xid& xid) {
  if (observer_.prepared_by_hand()) return done_by_hand(XA_HEURHAZ, operation, xid);
  const bool more = connected() && status() != PQTRANS_IDLE;
  if (more) execute("ROLLBACK");
  return done_by_hand(more || observer_.work_is_split() ? XA_HEURMIX : XA_HEURCOM, operation, xid);
}

bool Session::ended_for_good_by_hand() const noexcept {
  return observer_.committed_by_hand() || observer_.prepared_by_hand();
}

bool Session::same_transaction() noexcept {
  const ResultSet result = execute("SELECT current_setting('xabridge.branch', true)");
  return PQresultStatus(result.get()) == PGRES_TUPLES_OK &&
         PQgetvalue(result.get(), 0, 0) == std::string_view("open");
}

Answer Session::prepare(const Xid& xid) {
  constexpr const char* operation = "PREPARE TRANSACTION";
  if (Answer answer = inspect(operation, xid); answer.code != XA_OK) {
    if (ended_for_good_by_hand()) return done_by_hand(XAER_RMERR, operation, xid);
    if (is_rollback(answer.code)) execute("ROLLBACK");  // RB* from prepare: it is gone
    return answer;
  }
  // A gid has no character that would need quoting: digits, '_' and base64.
  const std::string sql = "PREPARE TRANSACTION '" + xid.to_gid() + "'";
  const ResultSet result = execute(sql.c_str());
  if (tag_is(result.get(), operation)) return XA_OK;
  if (!answered(result.get())) return lost(operation, &xid, false);
  return refused(operation, xid, result.get());
}

Answer Session::commit_one_phase(const Xid& xid) {
  constexpr const char* operation = "COMMIT";
  if (Answer answer = inspect(operation, xid); answer.code != XA_OK) {
    if (ended_for_good_by_hand()) return heuristic(operation, xid);
    if (is_rollback(answer.code)) execute("ROLLBACK");
    // Lost before COMMIT was sent: the server has rolled back, nothing about it is unknown.
    if (answer.code == XAER_RMFAIL) answer.code = answer.error->xa_code = XA_RBCOMMFAIL;
    return answer;
  }
  const ResultSet result = execute(operation);
  if (tag_is(result.get(), operation)) return XA_OK;
  if (!answered(result.get())) return lost(operation, &xid, false);
  return refused(operation, xid, result.get());
}

// The server answered PREPARE TRANSACTION or COMMIT, and not with yes: the transaction is gone.
Answer Session::refused(const char* command, const Xid& xid, const PGresult* result) {
  Error e = error(XA_RBROLLBACK, command, &xid);
  e.sqlstate = field(result, PG_DIAG_SQLSTATE);
  if (e.sqlstate.empty()) {
    e.message = "the transaction had failed before: the server rolled it back instead";
  } else {
    const Meaning& meaning = meaning_of(Phase::work, e.sqlstate);
    e.xa_code = is_rollback(meaning.xa_code) ? meaning.xa_code : XA_RBOTHER;
    e.server_text = field(result, PG_DIAG_MESSAGE_PRIMARY);
    e.message = "the server refused, and rolled the branch back";
    if (!meaning.advice.empty()) e.message.append("; ").append(meaning.advice);
  }
  if (status() != PQTRANS_IDLE) execute("ROLLBACK");
  e.connection_usable = connected();
  return e;
}

Answer Session::rollback(const Xid& xid) {
  constexpr const char* operation = "ROLLBACK";
  const Rest rest = drain(connection_.get(), cancel_.get());
  if (ended_for_good_by_hand()) return heuristic(operation, xid);
  if (rest == Rest::lost || !connected()) return lost(operation, &xid, true);
  if (rest == Rest::unread) reuse_ = false;
  if (status() == PQTRANS_IDLE) return XA_OK;
  const ResultSet result = execute(operation);
  if (tag_is(result.get(), operation)) return XA_OK;
  if (!answered(result.get())) return lost(operation, &xid, true);
  Error e = error(XAER_RMFAIL, operation, &xid);
  e.sqlstate = field(result.get(), PG_DIAG_SQLSTATE);
  e.connection_usable = false;  // closing it rolls the branch back
  e.message = "ROLLBACK was not executed; closing the connection does it";
  return e;
}

int Session::doomed() const noexcept {
  if (ended_for_good_by_hand()) return XA_RBPROTO;
  if (status() != PQTRANS_INERROR) return XA_OK;
  const int code = meaning_of(Phase::work, observer_.failure().sqlstate).xa_code;
  return is_rollback(code) ? code : XA_RBOTHER;
}

}  // namespace xabridge::postgresql
