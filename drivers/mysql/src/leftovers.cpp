// What stays with a connection when the application is done with it, and what is done about it:
// before a session serves another branch, and around work outside any global transaction.
//
// Every branch ends with one query, inspect(). It shows that the session is alive, compares the
// settings with those at log-in, releases the locks of GET_LOCK and forgets LAST_INSERT_ID(). Both
// servers answer it while a branch is ended and, MariaDB, while it is prepared, so it is asked
// before the statement that commits, where it also tells "never sent" from "the answer was lost".
// After that statement the server need not be asked again.
//
// What the server offers to notice changes without a question does not reach us: of the session
// tracker's news the library keeps the database in use only, and it drops the status flags that
// come with each answer. Counters (Com_set_option) cost three to six times as much as comparing the
// values.
#include <utility>

#include "errors.hpp"
#include "session.hpp"

namespace xabridge::mysql {
namespace {

// Names of marks that others hold, before one does without.
constexpr int kTakenNames = 1000;

constexpr int kNoSuchPreparedStatement = 1243;
constexpr int kUnknownSetting = 1193;
// Whoever reads it in the server's log knows whose it is.
constexpr const char* kCheckName = "xabridge_check";

/// Locks on tables or the server, open handlers, temporary tables: no query that is cheap and open
/// to every user finds them, but the statements that make them are counted. MySQL counts temporary
/// tables among the others.
std::string traces_query(Flavour flavour) {
  return std::string(
             "SHOW SESSION STATUS WHERE Value <> '0' AND Variable_name IN ('Com_lock_tables',"
             " 'Com_flush', 'Com_ha_open', 'Com_lock_instance', 'Com_backup', 'Com_backup_lock',"
             " 'Com_create_temporary_table'") +
         (flavour == Flavour::mysql ? ", 'Com_create_table')" : ")");
}

// A session of a read-only server serves some branches, so that readers do not log in for each, and
// not for long, so that the server that took over is found.
constexpr std::chrono::seconds kYoung{5};

constexpr int kTransactionIsOpen = 1568;  // ER_CANT_CHANGE_TX_CHARACTERISTICS

}  // namespace

/// All settings of the session, with what is no setting of its own. SET timestamp stops NOW(), and
/// SYSDATE() goes on. Read-only today, after it was not at log-in, is a changed setting too: the
/// server was demoted, and its address leads to another one, or will soon.
std::string MysqlSession::check_query() const {
  return "SELECT CONCAT_WS(' ', CURRENT_ROLE(),"
         " ABS(TIMESTAMPDIFF(SECOND, NOW(), SYSDATE())) > 9, " +
         compared_names_ +
         "), @@wait_timeout, CONCAT(@@GLOBAL.read_only) IN ('0', 'OFF'), RELEASE_ALL_LOCKS(),"
         " GET_LOCK('" +
         mark_.lock() + "', 0), LAST_INSERT_ID(0), DATABASE()";
}

/// To read two hundred settings takes the server a fifth of a millisecond, most of it to parse the
/// query. So it keeps the query prepared, which leaves a quarter of that. Not where it has no room
/// for one more, nor where nobody tells of USE: a prepared statement runs in the database it was
/// prepared in, and DATABASE() in it is that one.
void MysqlSession::prepare_check() {
  check_prepared_ = false;
  if (!tells_of_use_ || !schema_of_last_used()) return;
  std::string quoted;
  for (const char c : check_query()) quoted.append(c == '\'' ? 2 : 1, c);
  try {
    statement_->execute(std::string("PREPARE ") + kCheckName + " FROM '" + quoted + "'");
    check_prepared_ = true;
  } catch (const sql::SQLException& failure) {
    const int code = failure.getErrorCode();
    if (code == kUnknownSetting || !error_row(code).connection_usable) throw;
  }
}

/// What is compared from here on, as it is now.
void MysqlSession::note_settings(ComparedSettings* known) {
  const std::string server = settings_key();
  if (known != nullptr) compared_names_ = known->find(server);
  const bool kept = !compared_names_.empty();
  const auto ask = [&] {
    compared_names_ = ask_for_compared_settings(*statement_, flavour_);
    if (known != nullptr) known->keep(server, compared_names_);
  };
  if (!kept) ask();
  Now now;
  try {
    prepare_check();
    now = ask_now();
  } catch (const sql::SQLException& failure) {
    if (!kept || failure.getErrorCode() != kUnknownSetting) throw;
    ask();  // the settings of a plugin that is no longer there
    prepare_check();
    now = ask_now();
  }
  for (int i = 0; i < kTakenNames && now.has_mark == false; ++i) {
    mark_.next();
    prepare_check();
    now = ask_now();
  }
  if (now.has_mark == true) mark_.hold();
  settings_at_login_ = std::move(now.settings);
  writable_at_login_ = now.writable;
}

/// `schema`: the database in use, where the row does not say.
std::unique_ptr<sql::ResultSet> MysqlSession::send_check(std::optional<std::string>& schema) {
  if (check_prepared_) {
    try {
      forget_last_used();
      std::unique_ptr<sql::ResultSet> row(
          statement_->executeQuery(std::string("EXECUTE ") + kCheckName));
      schema = schema_of_last_used();
      return row;
    } catch (const sql::SQLException& failure) {
      // The application has reset the session.
      if (failure.getErrorCode() != kNoSuchPreparedStatement) throw;
      check_prepared_ = false;
    }
  }
  return std::unique_ptr<sql::ResultSet>(statement_->executeQuery(check_query()));
}

MysqlSession::Now MysqlSession::ask_now() {
  connector();  // registers this thread
  std::optional<std::string> schema;
  const std::unique_ptr<sql::ResultSet> row(send_check(schema));
  Now now;
  if (!row->next()) return now;
  now.settings =
      (schema ? *schema : std::string(row->getString(7))) + " " + std::string(row->getString(1));
  now.silence = static_cast<long>(row->getInt64(2));
  now.writable = row->getInt(3) == 1;
  const std::string lock = row->getString(5);
  if (!row->wasNull()) now.has_mark = lock == "1";
  return now;
}

std::optional<Error> MysqlSession::inspect() {
  unchanged_.reset();
  try {
    const Now now = ask_now();
    outdated_ = outdated_ || (writable_at_login_ && !now.writable);
    if (now.has_mark == false) {  // an interrupt would hit whoever has it
      const std::lock_guard lock(id_mutex_);
      mark_.next();
    }
    const bool young = std::chrono::steady_clock::now() - since_ < kYoung;
    unchanged_ = now.settings == settings_at_login_ && now.silence == silence_ &&
                 now.has_mark == true && (now.writable || (young && !outdated_));
    return std::nullopt;
  } catch (const sql::SQLException& failure) {
    return failed(failure, "check the session", nullptr);
  }
}

bool MysqlSession::reusable() noexcept {
  try {
    connector();  // this thread may be the one that closes the connection
    // Somebody who switched autocommit on would have later stray writes committed by themselves.
    const bool whole = holds_ == Holds::none && !broken_ && !interrupted_ && !late_ &&
                       !connection_->isClosed() && !connection_->getAutoCommit();
    if (!whole) return false;
    if (stray_reported_) return true;  // kept for whoever has to end that work; see begin()
    const Within within(*this, Within::What::brief);
    if (!unchanged_) (void)inspect();
    return !late_ && unchanged_.value_or(false);
  } catch (const std::exception&) {
    return false;
  }
}

rm::Answer MysqlSession::begin_native() {
  const Within within(*this);
  // Switching autocommit on commits what is open, and that would be work of somebody who kept the
  // connection beyond his transaction.
  if (auto error = roll_back_stray_work()) return lost(*std::move(error));
  unchanged_.reset();
  stray_reported_ = false;
  try {
    connection_->setAutoCommit(commits_by_itself_);
    return XA_OK;
  } catch (const sql::SQLException& failure) {
    return lost(failed(failure, "SET autocommit", nullptr));
  }
}

rm::Answer MysqlSession::end_native() {
  const Within within(*this);
  // Refused while a transaction is open, and without effect beyond the ROLLBACK otherwise.
  const auto refusal = say("SET TRANSACTION READ WRITE", "SET TRANSACTION", nullptr);
  const bool open = refusal && refusal->vendor_code == kTransactionIsOpen;
  if (refusal && !open) return lost(*refusal);
  if (auto error = roll_back_stray_work()) return lost(*std::move(error));
  try {
    connection_->setAutoCommit(false);  // a refusal is hidden; reusable() finds it
    const std::unique_ptr<sql::ResultSet> traces(statement_->executeQuery(traces_query(flavour_)));
    if (traces->next()) broken_ = true;
  } catch (const sql::SQLException&) {
    broken_ = true;
  }
  if (!open) return XA_OK;
  return make_error(XA_RBROLLBACK, "ROLLBACK", nullptr,
                    "a transaction outside any global transaction was still open when its "
                    "connection was given back, and is rolled back: commit it first");
}

}  // namespace xabridge::mysql
