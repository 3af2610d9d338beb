// One branch's life in its own session: start, end, prepare, one-phase commit, rollback,
// interruption.
//
// Believed is only what the server answered. Where an answer leaves two readings, the session is
// given up: the server rolls an unprepared branch back when its session ends.
#include "session.hpp"

#include <limits>
#include <utility>
#include <xabridge/codes.hpp>

#include "connect.hpp"
#include "errors.hpp"

namespace xabridge::mysql {
namespace {

// Both servers keep formatID as a signed 32-bit number.
constexpr long kLargestFormatId = std::numeric_limits<int>::max();

/// What an application may SET, and what would change the next branch's results if it stayed.
std::string settings_query(Flavour flavour) {
  const bool mariadb = flavour == Flavour::mariadb;
  return std::string(
             "SELECT CONCAT_WS(' ', DATABASE(), @@sql_mode, @@time_zone, @@autocommit,"
             " @@foreign_key_checks, @@unique_checks, @@sql_safe_updates, @@sql_select_limit,"
             " @@character_set_client, @@character_set_results, @@collation_connection,"
             " @@auto_increment_increment, @@auto_increment_offset, @@sql_log_bin,"
             " @@innodb_lock_wait_timeout, @@lock_wait_timeout, CURRENT_ROLE(), ") +
         (mariadb ? "@@tx_isolation, @@tx_read_only, @@max_statement_time)"
                  : "@@transaction_isolation, @@transaction_read_only, @@max_execution_time)");
}

}  // namespace

MysqlSession::MysqlSession(std::shared_ptr<const Settings> settings,
                           std::unique_ptr<sql::Connection> connection)
    : settings_(std::move(settings)),
      connection_(std::move(connection)),
      statement_(connection_->createStatement()) {}

Result<std::unique_ptr<MysqlSession>> MysqlSession::open(std::shared_ptr<const Settings> settings,
                                                         const std::string& owner_tag) {
  auto connection = open_connection(*settings, owner_tag);
  if (!connection) return connection.error();
  try {
    std::unique_ptr<MysqlSession> session(
        new MysqlSession(std::move(settings), *std::move(connection)));
    session->identify();
    return session;
  } catch (const sql::SQLException& failure) {
    return make_error(failure, "set up session", nullptr);
  }
}

void MysqlSession::identify() {
  const std::unique_ptr<sql::ResultSet> rows(
      statement_->executeQuery("SHOW SESSION VARIABLES WHERE Variable_name IN "
                               "('version', 'pseudo_thread_id', 'xa_detach_on_prepare')"));
  while (rows->next()) {
    const std::string name = rows->getString(1);
    const std::string value = rows->getString(2);
    if (name == "version") version_ = value;
    if (name == "pseudo_thread_id") id_ = value;
    if (name == "xa_detach_on_prepare") detaches_ = value == "ON";
  }
  if (version_.find("MariaDB") != std::string::npos) flavour_ = Flavour::mariadb;
  // Connector/C++ forces REPEATABLE READ at log-in; the isolation the DBA chose is put back.
  const std::string isolation =
      flavour_ == Flavour::mariadb ? "tx_isolation" : "transaction_isolation";
  statement_->execute("SET autocommit = 0, SESSION " + isolation + " = @@GLOBAL." + isolation);
  connection_->setAutoCommit(false);  // what the library remembers; see reusable()
  settings_at_login_ = settings_now();
}

std::string MysqlSession::settings_now() {
  connector();  // registers this thread
  const std::unique_ptr<sql::ResultSet> row(statement_->executeQuery(settings_query(flavour_)));
  return row->next() ? std::string(row->getString(1)) : std::string();
}

std::optional<Error> MysqlSession::say(const std::string& sql, std::string_view operation,
                                       const Xid* xid) {
  try {
    connector();  // registers this thread
    statement_->execute(sql);
    return std::nullopt;
  } catch (const sql::SQLException& failure) {
    Error error = make_error(failure, operation, xid);
    if (!error.connection_usable) broken_ = true;
    return error;
  }
}

std::optional<Error> MysqlSession::send_xa(std::string_view verb, const Xid& xid,
                                           std::string_view suffix) {
  std::string sql(verb);
  sql += ' ';
  sql += xid.to_mysql();
  sql += suffix;
  std::string operation(verb);
  operation += suffix;
  return say(sql, operation, &xid);
}

void MysqlSession::hold(Holds what, const Xid& xid) {
  holds_ = what;
  held_ = xid;
}

void MysqlSession::let_go() noexcept {
  holds_ = Holds::none;
  held_.reset();
  doomed_ = XA_OK;
}

rm::Answer MysqlSession::lost(Error error) noexcept {
  broken_ = true;
  error.connection_usable = false;
  return error;
}

rm::Answer MysqlSession::begin(const Xid& xid) {
  if (xid.format_id() > kLargestFormatId) {
    return make_error(
        XAER_INVAL, "XA START", &xid,
        "XA START refused: MySQL and MariaDB keep formatID in 31 bits; use one up to " +
            std::to_string(kLargestFormatId));
  }
  auto error = send_xa("XA START", xid);
  if (!error) {
    hold(Holds::active, xid);
    doomed_ = XA_OK;
    return XA_OK;
  }
  switch (error->xa_code) {
    case XAER_DUPID:
    case XAER_RMERR:
      return *std::move(error);
    case XAER_OUTSIDE:
    case XAER_RMFAIL:
      return lost(*std::move(error));
    default:  // this session is not where we believe it is
      error->xa_code = XAER_RMERR;
      return lost(*std::move(error));
  }
}

rm::Answer MysqlSession::end(const Xid& xid) {
  auto error = send_xa("XA END", xid);
  if (!error) {
    holds_ = Holds::ended;
    return XA_OK;
  }
  if (connection_lost(*error)) return lost(*std::move(error));
  if (says_rollback_only(*error)) {
    // MariaDB keeps the reason to itself; nearly always the branch was the victim of a deadlock.
    error->xa_code = XA_RBROLLBACK;
    error->message = "XA END: the server has marked the branch rollback-only; run it again";
  } else if (!is_rollback(error->xa_code)) {
    // The branch is no longer this session's (ended or reconnected behind our back), or results
    // were left unread. Neither can be committed any more: give the session up, which rolls back.
    error->xa_code = error->vendor_code == 2014 ? XA_RBPROTO : XA_RBROLLBACK;
    doomed_ = error->xa_code;
    return lost(*std::move(error));
  }
  doomed_ = error->xa_code;
  return *std::move(error);
}

rm::Answer MysqlSession::prepare(const Xid& xid) {
  auto error = send_xa("XA PREPARE", xid);
  if (!error) {
    if (detaches_) {
      let_go();
    } else {
      holds_ = Holds::bound;
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

rm::Answer MysqlSession::rollback(const Xid& xid) {
  if (holds_ == Holds::none) return XA_OK;  // rolled back by the server already
  // XA ROLLBACK wants the association ended. Whatever XA END says, the next answer decides.
  if (holds_ == Holds::active) (void)send_xa("XA END", xid);
  auto error = send_xa("XA ROLLBACK", xid);
  // An interruption sent for an earlier statement may arrive late and hit this one.
  if (error && error->vendor_code == 1317) error = send_xa("XA ROLLBACK", xid);
  const bool gone = !error || error->vendor_code == 1397 || is_rollback(error->xa_code);
  if (gone) {
    let_go();
    return XA_OK;
  }
  error->xa_code = XAER_RMFAIL;  // the server rolls back once the session has ended
  return lost(*std::move(error));
}

bool MysqlSession::reusable() noexcept {
  try {
    // Somebody who switched autocommit on would have later stray writes committed by themselves.
    // Other settings that stayed would reach the next branch: USE its tables, sql_mode its values.
    return holds_ == Holds::none && !broken_ && !interrupted_ && !connection_->isClosed() &&
           !connection_->getAutoCommit() && settings_now() == settings_at_login_;
  } catch (const std::exception&) {
    return false;
  }
}

bool MysqlSession::alive() noexcept {
  try {
    connector();
    return !broken_ && connection_->isValid();
  } catch (const std::exception&) {
    return false;
  }
}

void MysqlSession::interrupt() noexcept {
  interrupted_ = true;
  try {
    auto connection = open_connection(*settings_, "");
    if (!connection) return;
    const std::unique_ptr<sql::Statement> statement((*connection)->createStatement());
    statement->execute("KILL QUERY " + id_);
  } catch (const std::exception&) {
    // Best effort: the statement ends by itself or with the session.
  }
}

}  // namespace xabridge::mysql
