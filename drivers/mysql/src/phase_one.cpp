// The end of a branch in its own session: prepare, one-phase commit, rollback.
//
// Where an answer leaves two readings, only a rollback that succeeds settles them; else the session
// is given up, and the server rolls an unprepared branch back when its session ends.
#include <utility>
#include <xabridge/codes.hpp>

#include "errors.hpp"
#include "session.hpp"

namespace xabridge::mysql {

/// Never XA_RDONLY: what both servers could tell for free (session_track_transaction_info) the
/// client library drops, and to ask costs more than XA_RDONLY saves. Measured in README.md.
rm::Answer MysqlSession::prepare(const Xid& xid) {
  auto error = send_xa("XA PREPARE", xid);
  if (!error) {
    if (detaches_) {
      let_go();
    } else {
      holds_ = Holds::bound;
      if (settings_->prepare_at_end && flavour_ == Flavour::mariadb) return detach(xid);
    }
    return XA_OK;
  }
  if (connection_lost(*error)) {
    error->outcome_known = false;
    return lost(*std::move(error));
  }
  if (error->vendor_code == 1402 || error->vendor_code == 1613 || error->vendor_code == 1614) {
    let_go();  // rolled back and forgotten
    return *std::move(error);
  }
  return undo_after(*std::move(error), xid);
}

rm::Answer MysqlSession::commit_one_phase(const Xid& xid) {
  // MySQL accepts ONE PHASE for a branch that is prepared and detached, but its binary log does
  // not: after a crash the server refuses to start ("XA_prepare_log_event holds an invalid XID",
  // 9.7).
  if (holds_ != Holds::ended || held_ != xid) {
    return make_error(XAER_PROTO, "XA COMMIT ONE PHASE", &xid,
                      "XA COMMIT ONE PHASE refused: the branch is not ended in this session");
  }
  if (auto failure = inspect(); failure && !failure->connection_usable) {
    failure->xa_code = XA_RBCOMMFAIL;
    failure->message =
        "XA COMMIT ONE PHASE not sent: the connection was lost before, and the "
        "server rolls the branch back";
    return lost(*std::move(failure));
  }
  auto error = send_xa("XA COMMIT", xid, " ONE PHASE");
  if (!error) {
    let_go();
    return XA_OK;
  }
  if (connection_lost(*error)) {
    error->outcome_known = false;
    error->message +=
        "; the branch is committed or rolled back, the server's answer did not arrive";
    return lost(*std::move(error));
  }
  if (error->vendor_code == 1402 || error->vendor_code == 1613 || error->vendor_code == 1614) {
    let_go();
    return *std::move(error);
  }
  auto answer = undo_after(*std::move(error), xid);
  if (!is_rollback(answer.code)) {
    answer.code = XAER_RMFAIL;  // neither committed nor rolled back for sure
    answer.error->xa_code = XAER_RMFAIL;
  }
  return answer;
}

/// XA PREPARE or XA COMMIT ONE PHASE was refused. Only a rollback that succeeds proves that the
/// branch was still there and is rolled back now; everything else is unknown.
rm::Answer MysqlSession::undo_after(Error failure, const Xid& xid) {
  if (!send_xa("XA ROLLBACK", xid)) {
    let_go();
    if (!is_rollback(failure.xa_code)) failure.xa_code = XA_RBOTHER;
    failure.message += "; the branch was rolled back";
    return failure;
  }
  failure.xa_code = XAER_RMERR;
  failure.outcome_known = false;
  return lost(std::move(failure));
}

/// What had ended the branch before it was asked to be rolled back is told as far as XA END tells
/// it, which is sent anyway: XA_RB*, or XAER_RMFAIL with an SQLSTATE that says "before".
rm::Answer MysqlSession::rollback(const Xid& xid) {
  if (holds_ == Holds::none) return XA_OK;  // rolled back by the server already
  // XA ROLLBACK wants the association ended.
  std::optional<Error> before;
  if (holds_ == Holds::active) before = why_doomed(send_xa("XA END", xid));
  auto error = send_xa("XA ROLLBACK", xid);
  // An interruption sent for an earlier statement may arrive late and hit this one.
  if (error && error->vendor_code == 1317) error = send_xa("XA ROLLBACK", xid);
  const bool gone = !error || error->vendor_code == 1397 || is_rollback(error->xa_code);
  if (gone) {
    let_go();
    if (before) return *std::move(before);
    return XA_OK;
  }
  if (before) error = std::move(before);
  error->xa_code = XAER_RMFAIL;  // the server rolls back once the session has ended
  return lost(*std::move(error));
}

/// What the answer to XA END says about a branch that is rolled back now; nullopt: nothing.
std::optional<Error> MysqlSession::why_doomed(std::optional<Error> ended) {
  if (!ended) return std::nullopt;
  if (connection_lost(*ended)) {
    // Also where the client library only finds out now: the work was lost before.
    if (ended->vendor_code == 2014 || ended->vendor_code == 0) return std::nullopt;
    ended->sqlstate = kLostBefore;
    return ended;
  }
  if (says_rollback_only(*ended)) {
    ended->xa_code = XA_RBROLLBACK;
    ended->sqlstate = kWorthRepeating;
    return ended;
  }
  return is_rollback(ended->xa_code) ? std::move(ended) : std::nullopt;
}

}  // namespace xabridge::mysql
