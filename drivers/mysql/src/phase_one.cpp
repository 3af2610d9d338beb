// The end of a branch in its own session: prepare, one-phase commit, rollback.
//
// Where an answer leaves two readings, only a rollback that succeeds settles them; else the session
// is given up, and the server rolls an unprepared branch back when its session ends.
#include <chrono>
#include <cstdint>
#include <utility>
#include <xabridge/codes.hpp>

#include "errors.hpp"
#include "session.hpp"

namespace xabridge::mysql {
namespace {

constexpr int kTries = 20;

/// Both servers look whether they may write, and wait for locks that hold commits up, before they
/// commit anything, and roll back when that fails. An interruption after it does not count.
bool refused_before_commit(const Error& error) {
  switch (error.vendor_code) {
    case 1205:
    case 1213:
    case 1317:
    case 3101:
      return true;
    default:
      return says_read_only(error.vendor_code, error.server_text);
  }
}

}  // namespace

/// Never XA_RDONLY: what both servers could tell for free (session_track_transaction_info) the
/// client library drops, and to ask costs more than XA_RDONLY saves. Measured in README.md.
rm::Answer MysqlSession::prepare(const Xid& xid) {
  const Within within(*this);
  auto error = send_xa("XA PREPARE", xid);
  if (!error) {
    const PreparedLog::Place here = prepared_here();
    const std::string evidence = PreparedLog::text(server_, here);
    if (prepared_log_ != nullptr) prepared_log_->note(xid, server_, here);
    rm::Answer answer = XA_OK;
    if (detaches_) {
      let_go();
    } else {
      holds_ = Holds::bound;
      if (settings_->prepare_at_end && flavour_ == Flavour::mariadb) answer = detach(xid);
    }
    evidence_ = evidence;
    return answer;
  }
  if (connection_lost(*error)) {
    error->outcome_known = false;
    return lost(*std::move(error));
  }
  if (error->vendor_code == 1402 || error->vendor_code == 1613 || error->vendor_code == 1614) {
    let_go();  // rolled back and forgotten
    return *std::move(error);
  }
  return undo_prepare(*std::move(error), xid);
}

/// The log as it was at log-in, and the server's clock as it is: a table that the branch changed
/// may be younger than the session. Rounded up, as the server told whole seconds.
PreparedLog::Place MysqlSession::prepared_here() const {
  PreparedLog::Place place = at_login_;
  const auto since = std::chrono::steady_clock::now() - since_;
  if (place.at != 0)
    place.at += 1 + static_cast<std::uint64_t>(
                        std::chrono::duration_cast<std::chrono::seconds>(since).count());
  return place;
}

rm::Answer MysqlSession::commit_one_phase(const Xid& xid) {
  const Within within(*this);
  // MySQL accepts ONE PHASE for a branch that is prepared and detached, but its binary log does
  // not: after a crash the server refuses to start ("XA_prepare_log_event holds an invalid XID",
  // 9.7).
  if (holds_ != Holds::ended || held_ != xid) {
    return make_error(XAER_PROTO, "XA COMMIT ONE PHASE", &xid,
                      "XA COMMIT ONE PHASE refused: the branch is not ended in this session");
  }
  if (auto failure = inspect(); failure && !failure->connection_usable) {
    failure->xa_code = XA_RBCOMMFAIL;
    const std::string why =
        late_ ? "the server did not answer in time" : "the connection was lost before";
    failure->message =
        "XA COMMIT ONE PHASE not sent: " + why + ", and the server rolls the branch back";
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
  return undo_one_phase(*std::move(error), xid);
}

/// XA PREPARE was refused, so the branch is not prepared: that the list shows. The server has
/// rolled it back already (interrupted, or out of patience under a global read lock), or does so
/// now, or when the session ends (MariaDB refuses XA ROLLBACK while it is read-only).
rm::Answer MysqlSession::undo_prepare(Error failure, const Xid& xid) {
  const bool undone = !send_xa("XA ROLLBACK", xid);
  if (!undone) {
    auto still_there = listed(xid);
    // An interruption sent for XA PREPARE may hit the question.
    for (int i = 0; i < kTries && !still_there && still_there.error().vendor_code == 1317; ++i)
      still_there = listed(xid);
    if (!still_there || *still_there) {
      failure.xa_code = XAER_RMERR;
      failure.outcome_known = false;
      return lost(std::move(failure));
    }
  }
  return rolled_back(std::move(failure), undone);
}

/// XA COMMIT ONE PHASE was refused. A refusal that comes before anything is committed says enough;
/// else only a rollback that succeeds proves that the branch was still there.
rm::Answer MysqlSession::undo_one_phase(Error failure, const Xid& xid) {
  const bool undone = !send_xa("XA ROLLBACK", xid);
  if (undone || refused_before_commit(failure)) return rolled_back(std::move(failure), undone);
  failure.xa_code = XAER_RMFAIL;  // neither committed nor rolled back for sure
  failure.outcome_known = false;
  return lost(std::move(failure));
}

/// `undone`: by a statement of ours in this session, which therefore has no branch any more.
rm::Answer MysqlSession::rolled_back(Error failure, bool undone) {
  if (says_read_only(failure.vendor_code, failure.server_text)) {
    failure.xa_code = XA_RBTRANSIENT;  // to be tried where the server's address leads by then
    outdated_ = true;
  } else if (!is_rollback(failure.xa_code)) {
    failure.xa_code = XA_RBOTHER;
  }
  failure.message += "; the branch was rolled back";
  if (!undone) return lost(std::move(failure));
  let_go();
  return failure;
}

/// What had ended the branch before it was asked to be rolled back is told as far as XA END tells
/// it, which is sent anyway: XA_RB*, or XAER_RMFAIL with an SQLSTATE that says "before".
rm::Answer MysqlSession::rollback(const Xid& xid) {
  if (holds_ == Holds::none) return XA_OK;  // rolled back by the server already
  const Within within(*this);
  // XA ROLLBACK wants the association ended.
  std::optional<Error> before;
  if (holds_ == Holds::active) before = why_doomed(send_xa("XA END", xid));
  auto error = send_xa("XA ROLLBACK", xid);
  // An interruption sent for an earlier statement may arrive late and hit this one.
  if (error && error->vendor_code == 1317) error = send_xa("XA ROLLBACK", xid);
  const bool gone = !error || error->vendor_code == 1397 || error->vendor_code == 1402 ||
                    error->vendor_code == 1613 || error->vendor_code == 1614;
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
