// The table behind meaning_of(). SQLSTATEs are those of PostgreSQL's appendix A.

#include "error_table.hpp"

#include <array>

namespace xabridge::postgresql {
namespace {

constexpr std::array table{
    // --- The branch is not prepared: an error has rolled it back, or leaves only that
    // --------------
    Meaning{Phase::work, "40P01", XA_RBDEADLOCK, "retry the whole transaction"},
    Meaning{Phase::work, "40002", XA_RBINTEGRITY, ""},
    Meaning{Phase::work, "40", XA_RBTRANSIENT, "retry the whole transaction"},
    Meaning{Phase::work, "23", XA_RBINTEGRITY, ""},
    Meaning{Phase::work, "57014", XA_RBTIMEOUT,
            "the statement was interrupted: by the transaction timeout, by statement_timeout or by "
            "an operator"},
    Meaning{Phase::work, "55P03", XA_RBTRANSIENT,
            "another transaction holds the lock; retry the whole transaction"},
    Meaning{
        Phase::work, "25P02", XA_RBROLLBACK,
        "an earlier statement of the branch failed; roll back to a savepoint before going on, or "
        "roll back"},
    Meaning{
        Phase::work, "25006", XA_RBPROTO,
        "the transaction is read-only: the role or database sets default_transaction_read_only, "
        "the server is a standby, or the statement runs outside its branch"},
    Meaning{Phase::work, "42710", XA_RBPROTO,
            "a prepared transaction of this name exists already: the XID is not unique"},
    Meaning{Phase::work, "55000", XA_RBOTHER,
            "if prepared transactions are disabled: set max_prepared_transactions to the value "
            "of max_connections (ALTER SYSTEM SET max_prepared_transactions = 300 where that is "
            "300) and restart PostgreSQL"},
    Meaning{Phase::work, "53200", XA_RBTRANSIENT,
            "if the maximum number of prepared transactions is reached: set "
            "max_prepared_transactions to the value of max_connections and restart PostgreSQL, and "
            "look for branches left in doubt in pg_prepared_xacts"},
    Meaning{Phase::work, "0A000", XA_RBOTHER,
            "if it was PREPARE TRANSACTION: it does not allow temporary tables, LISTEN, UNLISTEN, "
            "NOTIFY, WITH HOLD cursors or exported snapshots in the branch"},
    Meaning{Phase::work, "53", XA_RBTRANSIENT, "the server is short of resources"},
    Meaning{Phase::work, "08", XAER_RMFAIL, ""},
    Meaning{Phase::work, "57P", XAER_RMFAIL, "the server ended the session"},
    Meaning{Phase::work, "", XA_RBOTHER, ""},

    // --- The branch is not begun: XAER_RMFAIL, and another session is tried
    // ----
    Meaning{Phase::begin, "25006", XAER_RMFAIL,
            "this server is a standby: connect to the primary, with several hosts by "
            "target_session_attrs=primary"},
    Meaning{Phase::begin, "0A000", XAER_RMFAIL,
            "this server is a standby: connect to the primary, with several hosts by "
            "target_session_attrs=primary"},
    Meaning{Phase::begin, "", XAER_RMFAIL, ""},

    // --- The branch is prepared: whatever the error says, it stays until the server has done it
    // ----
    Meaning{Phase::second, "42704", XAER_NOTA, ""},
    Meaning{
        Phase::second, "55000", XA_RETRY,
        "the branch is busy: the session that prepared it, or another that completes it, has not "
        "let go yet"},
    Meaning{Phase::second, "0A000", XAER_RMERR,
            "it was prepared in another database of this cluster: use an open string with that "
            "dbname"},
    Meaning{Phase::second, "42501", XAER_RMERR,
            "only the role that prepared it, or a superuser, may complete it: use an open string "
            "with that user"},
    Meaning{Phase::second, "25006", XAER_RMFAIL, "the server is a standby: connect to the primary"},
    Meaning{Phase::second, "25001", XAER_RMFAIL, "the session is not at rest and is given up"},
    Meaning{Phase::second, "08", XAER_RMFAIL, "the connection failed"},
    Meaning{Phase::second, "57P", XAER_RMFAIL, "the server ended the session"},
    Meaning{Phase::second, "", XA_RETRY, "the branch is still prepared; it will be tried again"},
};

// Of the rows whose code begins `sqlstate`, the longest says most.
constexpr const Meaning* find(Phase phase, std::string_view sqlstate) noexcept {
  const Meaning* best = nullptr;
  for (const Meaning& row : table)
    if (row.phase == phase && sqlstate.starts_with(row.sqlstate) &&
        (best == nullptr || row.sqlstate.size() > best->sqlstate.size()))
      best = &row;
  return best;
}

static_assert(find(Phase::work, "") != nullptr && find(Phase::begin, "") != nullptr &&
                  find(Phase::second, "") != nullptr,
              "each phase needs a row for everything else");

}  // namespace

const Meaning& meaning_of(Phase phase, std::string_view sqlstate) noexcept {
  return *find(phase, sqlstate);
}

}  // namespace xabridge::postgresql
