// One branch's work in its own session: start, end, resume. How it is completed is in phase_one.cpp
// and phase_two.cpp, how long it may take in patience.cpp.
//
// Believed is only what the server answered. Where an answer leaves two readings, the session is
// given up: the server rolls an unprepared branch back when its session ends.
#include "session.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>
#include <xabridge/codes.hpp>

#include "connect.hpp"
#include "errors.hpp"

namespace xabridge::mysql {

MysqlSession::MysqlSession(std::shared_ptr<const Settings> settings, std::string owner_tag,
                           std::unique_ptr<sql::Connection> connection, const Socket& socket)
    : settings_(std::move(settings)),
      owner_tag_(std::move(owner_tag)),
      connection_(std::move(connection)),
      statement_(connection_->createStatement()),
      mark_(owner_tag_),
      socket_(socket),
      process_(::getpid()),
      since_(std::chrono::steady_clock::now()) {}

/// The library's goodbye may wait for a server that reads no more. Whether the server has noticed
/// the end of a lost connection nobody knows; a child's copy of a session is no loss. Nor is one
/// that was lost before the server gave it its mark: it has no branch, and nobody else is to be
/// ended.
MysqlSession::~MysqlSession() {
  if (late_) cut(socket_);
  const bool ours = mark_.held() && process_ == ::getpid();
  if ((broken_ || late_) && interrupter_ != nullptr && ours)
    interrupter_->keep_lost(std::move(mark_), server_);
}

/// Between branches, before anybody asks for what a lost session may still hold.
void MysqlSession::end_lost_sessions() {
  if (interrupter_ == nullptr || holds_ != Holds::none) return;
  for (auto& lost : interrupter_->take_lost(server_)) {
    const auto failure = say("KILL CONNECTION IS_USED_LOCK('" + lost.mark.lock() + "')",
                             "end a lost session", nullptr);
    // What the server answers else: it has no such session any more.
    if (failure && connection_lost(*failure))
      interrupter_->keep_lost(std::move(lost.mark), server_);
  }
}

Result<std::unique_ptr<MysqlSession>> MysqlSession::open(std::shared_ptr<const Settings> settings,
                                                         const std::string& owner_tag,
                                                         std::shared_ptr<Interrupter> interrupter,
                                                         std::shared_ptr<PreparedLog> prepared_log,
                                                         ComparedSettings* compared_settings) {
  Socket socket;
  auto connection = open_connection(*settings, owner_tag, &socket);
  if (!connection) return connection.error();
  std::unique_ptr<MysqlSession> session;
  try {
    session.reset(new MysqlSession(std::move(settings), owner_tag, *std::move(connection), socket));
    session->interrupter_ = std::move(interrupter);
    session->prepared_log_ = std::move(prepared_log);
    const Within within(*session, Within::What::brief);
    session->identify(compared_settings);
    session->end_lost_sessions();
    if (auto refusal = session->may_prepare_at_end()) return *std::move(refusal);
  } catch (const sql::SQLException& failure) {
    return session == nullptr ? make_error(failure, "set up session", nullptr)
                              : session->failed(failure, "set up session", nullptr);
  } catch (const Exception& failure) {
    return failure.error();
  }
  return session;
}

void MysqlSession::identify(ComparedSettings* compared_settings) {
  const std::unique_ptr<sql::ResultSet> rows(
      statement_->executeQuery("SHOW SESSION VARIABLES WHERE Variable_name IN "
                               "('version', 'pseudo_thread_id', 'xa_detach_on_prepare',"
                               " 'wait_timeout', 'server_uuid', 'server_uid', 'hostname', 'port',"
                               " 'datadir', 'log_bin', 'innodb_flush_log_at_trx_commit',"
                               " 'session_track_schema')"));
  std::string uuid, uid, hostname, port, datadir, binary_log, flush;
  while (rows->next()) {
    const std::string name = rows->getString(1);
    const std::string value = rows->getString(2);
    if (name == "version") version_ = value;
    if (name == "pseudo_thread_id") id_ = value;
    if (name == "xa_detach_on_prepare") detaches_ = value == "ON";
    if (name == "server_uuid") uuid = value;
    if (name == "server_uid") uid = value;
    if (name == "session_track_schema") tells_of_use_ = value == "ON";
    if (name == "hostname") hostname = value;
    if (name == "port") port = value;
    if (name == "datadir") datadir = value;
    if (name == "log_bin") binary_log = value;
    if (name == "innodb_flush_log_at_trx_commit") flush = value;
    if (name == "wait_timeout") usual_silence_ = silence_ = std::stol(value);
  }
  const bool mariadb = version_.find("MariaDB") != std::string::npos;
  // What it does not tell would be taken for the same as another server's.
  if (version_.empty() || id_.empty() || (mariadb ? hostname + port + datadir : uuid).empty())
    throw Exception(make_error(
        XAER_RMERR, "set up session", nullptr,
        "the server does not tell which server it is (SHOW SESSION VARIABLES LIKE 'server_uuid')"));
  if (mariadb) flavour_ = Flavour::mariadb;
  // With its binary log MariaDB answers XA COMMIT ... ONE PHASE before it is durable: seen with
  // 10.11 and every setting for durability but flush = 3. Its two phases, with the decision on
  // record, are as good as any.
  one_phase_survives_ = flavour_ == Flavour::mysql || binary_log != "ON" || flush == "3";
  // MySQL makes its uuid with the data directory. MariaDB keeps nothing of the kind there: its uid
  // is a hash of network card and port, so what names the directory stands beside it.
  server_ = flavour_ == Flavour::mysql
                ? "mysql:" + uuid
                : "mariadb:" + uid + "@" + hostname + ":" + port + ":" + datadir;
  std::replace(server_.begin(), server_.end(), ' ', '_');
  at_login_.lsn = lsn();
  // Connector/C++ forces REPEATABLE READ at log-in; the isolation the DBA chose is put back.
  const std::string isolation =
      flavour_ == Flavour::mariadb ? "tx_isolation" : "transaction_isolation";
  const std::string wanted =
      settings_->isolation.empty() ? "@@GLOBAL." + isolation : "'" + settings_->isolation + "'";
  statement_->execute("SET autocommit = 0, SESSION " + isolation + " = " + wanted);
  connection_->setAutoCommit(false);  // what the library remembers; see reusable()
  const std::unique_ptr<sql::ResultSet> usual(
      statement_->executeQuery("SELECT @@GLOBAL.autocommit, UNIX_TIMESTAMP()"));
  if (usual->next()) {
    commits_by_itself_ = usual->getInt(1) != 0;
    at_login_.at = usual->getUInt64(2);
  }
  note_settings(compared_settings);
  unchanged_ = true;
}

/// How far InnoDB's log has got; 0: the server does not say.
std::uint64_t MysqlSession::lsn() {
  const std::unique_ptr<sql::ResultSet> row(
      statement_->executeQuery("SHOW GLOBAL STATUS WHERE Variable_name IN ('Innodb_lsn_current',"
                               " 'Innodb_redo_log_current_lsn')"));
  return row->next() ? row->getUInt64(2) : 0;
}

Error MysqlSession::failed(const sql::SQLException& failure, std::string_view operation,
                           const Xid* xid) {
  Error error = make_error(failure, operation, xid);
  if (late_) tell_late(error);
  if (!error.connection_usable) broken_ = true;
  return error;
}

std::optional<Error> MysqlSession::say(const std::string& sql, std::string_view operation,
                                       const Xid* xid) {
  try {
    connector();  // registers this thread
    statement_->execute(sql);
    return std::nullopt;
  } catch (const sql::SQLException& failure) {
    return failed(failure, operation, xid);
  }
}

std::optional<Error> MysqlSession::order(const std::string& sql) {
  const Within within(*this);
  return say(sql, sql, nullptr);
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

/// For one branch: before XA START, since in it the servers refuse.
std::optional<Error> MysqlSession::isolate() {
  const std::string level(rm::branch_isolation());
  if (level.empty()) return std::nullopt;
  return say("SET TRANSACTION ISOLATION LEVEL " + level, "SET TRANSACTION", nullptr);
}

rm::Answer MysqlSession::begin(const Xid& xid) {
  if (!expressible(xid)) {
    return make_error(XAER_INVAL, "XA START", &xid,
                      "XA START refused: the server keeps formatID in 31 bits, MySQL also negative "
                      "ones of 32; use one up to 2147483647");
  }
  const Within within(*this, Within::What::begin);
  if (auto error = limit_silence(); error && connection_lost(*error))
    return lost(*std::move(error));
  auto error = isolate();
  const bool isolated = !error && !rm::branch_isolation().empty();
  if (!error) error = send_xa("XA START", xid);
  if (error && isolated) broken_ = true;  // else another branch would have the level
  if (!error) {
    hold(Holds::active, xid);
    unchanged_.reset();
    doomed_ = XA_OK;
    undone_by_server_ = false;
    stray_reported_ = false;
    return XA_OK;
  }
  switch (error->xa_code) {
    case XAER_DUPID:
    case XAER_RMERR:
      return *std::move(error);
    case XAER_OUTSIDE:
      return outside(*std::move(error));
    case XAER_RMFAIL:
      return lost(*std::move(error));
    default:  // this session is not where we believe it is
      error->xa_code = XAER_RMERR;
      return lost(*std::move(error));
  }
}

/// Work outside any branch is open here: somebody kept the connection beyond his transaction, or
/// is not done with it. He is given the chance to end his work. When it is still open the next time
/// nobody feels responsible, and one forgotten statement must not block the pool for ever.
rm::Answer MysqlSession::outside(Error error) {
  if (stray_reported_) {
    error.message += "; it was not ended since it was reported, so it is rolled back now";
    return lost(std::move(error));
  }
  stray_reported_ = true;
  error.message += "; end that work, the next branch that still finds it rolls it back";
  return error;
}

rm::Answer MysqlSession::end(const Xid& xid) {
  const Within within(*this, Within::What::brief);
  if (holds_ == Holds::ended) return doom(xid);
  auto error = send_xa("XA END", xid);
  if (!error) {
    holds_ = Holds::ended;
    return XA_OK;
  }
  if (connection_lost(*error)) return lost(*std::move(error));
  if (says_rollback_only(*error)) {
    // MariaDB keeps the reason to itself, so the code is the general one. But all that makes InnoDB
    // undo a whole transaction may be gone at the next try, and the SQLSTATE says that: a deadlock,
    // nearly always; a lock that was not granted in time (with innodb_rollback_on_timeout), a full
    // lock table, a row that was changed since the snapshot.
    error->xa_code = XA_RBROLLBACK;
    error->sqlstate = kWorthRepeating;
    undone_by_server_ = true;
    error->message = "XA END: the server has marked the branch rollback-only; run it again";
  } else if (!is_rollback(error->xa_code)) {
    return no_longer_ours(*std::move(error));
  }
  doomed_ = error->xa_code;
  holds_ = Holds::ended;  // as far as the server is concerned, XA ROLLBACK may follow
  return *std::move(error);
}

rm::Answer MysqlSession::resume(const Xid& xid) {
  const Within within(*this, Within::What::brief);
  if (holds_ == Holds::active && held_ == xid) return XA_OK;
  if (doomed_ != XA_OK) return doom(xid);
  auto error = send_xa("XA START", xid, " RESUME");
  if (!error) {
    hold(Holds::active, xid);
    unchanged_.reset();
    return XA_OK;
  }
  if (connection_lost(*error)) return lost(*std::move(error));
  return no_longer_ours(*std::move(error));
}

/// The branch is no longer this session's (ended or reconnected behind our back), or results were
/// left unread. Neither can be committed any more: give the session up, which rolls back.
rm::Answer MysqlSession::no_longer_ours(Error error) {
  error.xa_code = error.vendor_code == 2014 ? XA_RBPROTO : XA_RBROLLBACK;
  doomed_ = error.xa_code;
  return lost(std::move(error));
}

/// What the server answered when the work ended, where it is asked for again.
rm::Answer MysqlSession::doom(const Xid& xid) const {
  if (doomed_ == XA_OK) return XA_OK;
  Error error =
      make_error(doomed_, "XA END", &xid,
                 "the server found the branch rollback-only when its work ended; run it again");
  if (undone_by_server_) error.sqlstate = kWorthRepeating;
  return error;
}

}  // namespace xabridge::mysql
