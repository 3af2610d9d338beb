// In what state did the application leave the branch? Asked before anything ends it, and after the
// server refused: what is reported is what happened, with its reason.

#include <string>
#include <string_view>

#include "drain.hpp"
#include "error_table.hpp"
#include "session.hpp"
#include "statements.hpp"

namespace xabridge::postgresql {

using rm::Answer;

// Is the branch's transaction still open, unharmed, and the same that begin() opened?
Answer Session::inspect(const char* operation, const Xid& xid) {
  const Rest rest = come_to_rest();
  if (rest == Rest::lost) return lost(operation, &xid, true);
  observer_.hear_notices(connection_.get());
  if (!still_connected()) return lost(operation, &xid, true);

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
    e.xa_code = rollback_code(e.sqlstate);
    e.message = "a statement of the branch failed, so all of it is rolled back";
    if (!meaning.advice.empty()) e.message.append("; ").append(meaning.advice);
    if (e.sqlstate == read_only_refusal && server_made_read_only()) outdated_ = true;
  } else if (status() == PQTRANS_INERROR) {
    e.message = "a statement of the branch failed, so all of it is rolled back";
  } else {
    e.message =
        "the application rolled back by hand on the branch's connection; let the transaction "
        "manager end the transaction";
  }
  return e;
}

// Not by the application, nor by the open string, but by what the role, the database or the server
// said when the session was made: it may say otherwise now, or the address lead to another server.
bool Session::server_made_read_only() const noexcept {
  const char* const options = PQoptions(connection_.get());
  const std::string_view configured = options == nullptr ? "" : options;
  return !read_write_ &&
         configured.find("default_transaction_read_only") == std::string_view::npos;
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
  roll_back_now();
  return done_by_hand(more || observer_.work_is_split() ? XA_HEURMIX : XA_HEURCOM, operation, xid);
}

bool Session::ended_for_good_by_hand() const noexcept {
  return observer_.committed_by_hand() || observer_.prepared_by_hand();
}

bool Session::same_transaction() noexcept {
  const ResultSet result = execute("SELECT pg_catalog.current_setting('xabridge.branch', true)");
  return PQresultStatus(result.get()) == PGRES_TUPLES_OK &&
         PQgetvalue(result.get(), 0, 0) == std::string_view("open");
}

// The server answered PREPARE TRANSACTION or COMMIT, and not with yes: the transaction is gone.
Answer Session::refused(const char* command, const Xid& xid, const PGresult* result) {
  Error e = error(XA_RBROLLBACK, command, &xid);
  e.sqlstate = field(result, PG_DIAG_SQLSTATE);
  if (e.sqlstate.empty()) {
    e.message = "the transaction had failed before: the server rolled it back instead";
  } else {
    const Meaning& meaning = meaning_of(Phase::work, e.sqlstate);
    e.xa_code = rollback_code(e.sqlstate);
    e.server_text = field(result, PG_DIAG_MESSAGE_PRIMARY);
    e.message = "the server refused, and rolled the branch back";
    if (!meaning.advice.empty()) e.message.append("; ").append(meaning.advice);
  }
  if (e.sqlstate == read_only_refusal) reuse_ = false;
  roll_back_now();
  e.connection_usable = connected();
  return e;
}

// Ends what is open and lets go of advisory locks, where the message that would have done it was
// not sent or not executed.
void Session::roll_back_now() noexcept {
  if (!connected()) return;
  const ResultSet result = execute(
      status() == PQTRANS_IDLE ? release_session_locks
                               : (std::string("ROLLBACK; ") + release_session_locks).c_str());
  if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) reuse_ = false;
}

int Session::doomed() const noexcept {
  if (ended_for_good_by_hand()) return XA_RBPROTO;
  if (!connected()) return XA_RBCOMMFAIL;  // a statement of the application found that out
  if (status() != PQTRANS_INERROR) return XA_OK;
  return rollback_code(observer_.failure().sqlstate);
}

// A write refused by a server that makes its sessions read-only may have met one that was demoted:
// the next session may reach another, or find this one promoted again. Else it is the application's
// own setting, and it means it.
int Session::rollback_code(std::string_view sqlstate) const noexcept {
  if (sqlstate == read_only_refusal && server_made_read_only()) return XA_RBTRANSIENT;
  const int code = meaning_of(Phase::work, sqlstate).xa_code;
  return is_rollback(code) ? code : XA_RBOTHER;
}

}  // namespace xabridge::postgresql
