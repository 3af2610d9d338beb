// What stays with a connection when the application is done with it, and what is done about it:
// before a session serves another branch, and around work outside any global transaction.
//
// Every branch ends with one query, inspect(). It shows that the session is alive, compares the
// settings with those at log-in, releases the locks of GET_LOCK and forgets LAST_INSERT_ID(). Both
// servers answer it while a branch is ended and, MariaDB, while it is prepared, so it is asked
// before the statement that commits, where it also tells "never sent" from "the answer was lost".
// After that statement the server need not be asked again.
//
// What the server offers to notice changes without a question does not reach us: the library keeps
// neither the session tracker's news nor the status flags that come with each answer. Counters
// (Com_set_option) cost three to six times as much as comparing the values.
#include <utility>

#include "errors.hpp"
#include "session.hpp"

namespace xabridge::mysql {
namespace {

/// What an application may SET, and what would change the next branch's results, its plans or the
/// memory it may take if it stayed. Only what every supported version knows.
constexpr std::string_view kSettings =
    "DATABASE(), CURRENT_ROLE(), @@sql_mode, @@time_zone, @@autocommit, @@foreign_key_checks,"
    " @@unique_checks, @@sql_safe_updates, @@sql_select_limit, @@sql_auto_is_null,"
    " @@sql_big_selects, @@max_join_size, @@updatable_views_with_limit, @@character_set_client,"
    " @@character_set_results, @@collation_connection, @@collation_database, @@lc_time_names,"
    " @@default_week_format,"
    " @@div_precision_increment, @@group_concat_max_len, @@max_sort_length, @@completion_type,"
    " @@default_storage_engine, @@auto_increment_increment, @@auto_increment_offset, @@insert_id,"
    " @@sql_log_bin, @@innodb_lock_wait_timeout, @@innodb_table_locks, @@lock_wait_timeout,"
    " @@net_write_timeout, @@net_read_timeout, @@max_sp_recursion_depth,"
    " @@sql_buffer_result, @@sort_buffer_size, @@join_buffer_size, @@read_buffer_size,"
    " @@read_rnd_buffer_size, @@tmp_table_size, @@max_heap_table_size,"
    " CRC32(@@optimizer_switch),"
    " @@optimizer_search_depth, @@max_seeks_for_key, @@eq_range_index_dive_limit,"
    // SET timestamp stops NOW(), and SYSDATE() goes on.
    " ABS(TIMESTAMPDIFF(SECOND, NOW(), SYSDATE())) > 9, ";
constexpr std::string_view kMysqlSettings =
    "@@transaction_isolation, @@transaction_read_only, @@max_execution_time,"
    " @@default_collation_for_utf8mb4,"
    " @@xa_detach_on_prepare, @@block_encryption_mode, @@cte_max_recursion_depth,"
    " @@windowing_use_high_precision";
constexpr std::string_view kMariadbSettings =
    "@@tx_isolation, @@tx_read_only, @@max_statement_time, @@check_constraint_checks,"
    " @@system_versioning_asof, @@idle_transaction_timeout, @@idle_write_transaction_timeout,"
    " @@idle_readonly_transaction_timeout, @@old_mode, @@skip_replication, @@default_regex_flags,"
    " @@max_recursive_iterations";

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

/// Read-only today, after it was not at log-in, is a changed setting too: the server was demoted,
/// and its address leads to another one, or will soon.
MysqlSession::Now MysqlSession::ask_now() {
  connector();  // registers this thread
  std::string query("SELECT CONCAT_WS(' ', ");
  query += kSettings;
  query += flavour_ == Flavour::mariadb ? kMariadbSettings : kMysqlSettings;
  query += "), @@wait_timeout, CONCAT(@@GLOBAL.read_only) IN ('0', 'OFF'), RELEASE_ALL_LOCKS(),";
  query += " GET_LOCK('" + mark_.lock() + "', 0), LAST_INSERT_ID(0)";
  const std::unique_ptr<sql::ResultSet> row(statement_->executeQuery(query));
  Now now;
  if (!row->next()) return now;
  now.settings = row->getString(1);
  now.silence = static_cast<long>(row->getInt64(2));
  now.writable = row->getInt(3) == 1;
  now.mark_taken = row->getString(5) == "0";
  return now;
}

std::optional<Error> MysqlSession::inspect() {
  unchanged_.reset();
  try {
    const Now now = ask_now();
    outdated_ = outdated_ || (writable_at_login_ && !now.writable);
    const bool young = std::chrono::steady_clock::now() - since_ < kYoung;
    unchanged_ = now.settings == settings_at_login_ && now.silence == silence_ &&
                 !now.mark_taken &&  // else an interrupt would hit whoever has it
                 (now.writable || (young && !outdated_));
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
