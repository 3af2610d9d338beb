// The error table. Rows were checked against MySQL 9.7 and MariaDB 10.11; where the two differ for
// the same event the callers say so (session.cpp, phase_two.cpp).
#include "errors.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace xabridge::mysql {
namespace {

// PostgreSQL, for one, waits until the client speaks.
constexpr std::string_view kNoGreeting =
    "; what answers there may be overloaded, or not be MySQL or MariaDB. Check host and port, and "
    "for PostgreSQL write driver = \"postgresql\"";
constexpr std::string_view kGone = "the connection to the server is lost";
constexpr std::string_view kUnreachable = "the server cannot be reached";
constexpr std::string_view kCheckAddress = "check that the server runs, and host, port or socket";
constexpr std::string_view kReadOnly = "the server or the transaction is read-only";
constexpr std::string_view kMakeWritable =
    "if the server is read-only, connect to the one that is not, or SET GLOBAL read_only = OFF";

constexpr std::array kTable = {
    // Answers to XA statements.
    ErrorRow{1397, XAER_NOTA, XA_OK, true, "the server does not know this XID for this session",
             ""},
    ErrorRow{1398, XAER_INVAL, XA_OK, true, "the server refuses the XID or the statement", ""},
    ErrorRow{1399, XAER_PROTO, XA_OK, true, "the statement does not fit the state of the branch",
             "end the transaction through xabridge, not with statements of your own"},
    ErrorRow{1400, XAER_OUTSIDE, XA_OK, true, "work outside any branch is open in this session",
             "do not use a connection after its transaction has finished"},
    ErrorRow{1401, XAER_RMERR, XA_OK, true, "the server could not do it", ""},
    ErrorRow{1402, XA_RBROLLBACK, XA_RBROLLBACK, true, "the server rolled the branch back", ""},
    ErrorRow{1440, XAER_DUPID, XA_OK, true, "a branch with this XID exists already", ""},
    ErrorRow{1568, XAER_OUTSIDE, XA_OK, true, "work outside any branch is open in this session",
             "do not use a connection after its transaction has finished"},
    ErrorRow{1613, XA_RBTIMEOUT, XA_RBTIMEOUT, true, "the branch took too long", "run it again"},
    ErrorRow{1614, XA_RBDEADLOCK, XA_RBDEADLOCK, true, "the branch lost a deadlock",
             "run it again"},

    // Failures of the application's statements, and of ours when they hit the same wall.
    ErrorRow{1205, XA_RBTRANSIENT, XA_RBTRANSIENT, true, "a lock was not granted in time",
             "run it again, or raise innodb_lock_wait_timeout"},
    ErrorRow{1206, XA_RBTRANSIENT, XA_RBTRANSIENT, true, "the server's lock table is full",
             "run it again with fewer rows, or raise innodb_buffer_pool_size"},
    ErrorRow{1213, XA_RBDEADLOCK, XA_RBDEADLOCK, true, "the branch lost a deadlock",
             "run it again"},
    ErrorRow{1317, XA_RBTIMEOUT, XA_RBTIMEOUT, true, "the statement was interrupted", ""},
    ErrorRow{1969, XA_RBTIMEOUT, XA_RBTIMEOUT, true, "max_statement_time was exceeded", ""},
    ErrorRow{3024, XA_RBTIMEOUT, XA_RBTIMEOUT, true, "max_execution_time was exceeded", ""},
    ErrorRow{1180, XA_RBOTHER, XA_OK, true, "an error occurred while committing", ""},
    // What they say when they escape depends on the text: escaped_code().
    ErrorRow{1290, XAER_RMERR, XA_OK, true, "an option of the server forbids the statement",
             kMakeWritable},
    ErrorRow{1792, XAER_RMERR, XA_OK, true, kReadOnly, kMakeWritable},
    ErrorRow{1836, XAER_RMERR, XA_OK, true, kReadOnly, kMakeWritable},
    ErrorRow{3100, XA_RBOTHER, XA_OK, true, "a server plugin refused the commit", ""},
    ErrorRow{3101, XA_RBTRANSIENT, XA_RBTRANSIENT, true, "group replication rolled it back",
             "run it again"},
    ErrorRow{1227, XAER_RMERR, XA_OK, true, "a privilege is missing",
             "grant what the server names"},
    ErrorRow{2014, XAER_PROTO, XA_OK, false,
             "a result set of the application was not read to its end",
             "read all results of a statement before the transaction ends"},

    // The session is gone. Number 0 is the library's own "connection has been closed".
    ErrorRow{0, XAER_RMFAIL, XA_OK, false, "the application closed the connection",
             "never close the connection of a branch"},
    ErrorRow{1053, XAER_RMFAIL, XA_RBCOMMFAIL, false, "the server is shutting down", ""},
    ErrorRow{1152, XAER_RMFAIL, XA_RBCOMMFAIL, false, kGone, ""},
    ErrorRow{1158, XAER_RMFAIL, XA_RBCOMMFAIL, false, kGone, ""},
    ErrorRow{1159, XAER_RMFAIL, XA_RBCOMMFAIL, false, kGone, ""},
    ErrorRow{1160, XAER_RMFAIL, XA_RBCOMMFAIL, false, kGone, ""},
    ErrorRow{1161, XAER_RMFAIL, XA_RBCOMMFAIL, false, kGone, ""},
    ErrorRow{1927, XAER_RMFAIL, XA_RBCOMMFAIL, false, "the session was killed", ""},
    ErrorRow{3169, XAER_RMFAIL, XA_RBCOMMFAIL, false, "the session was killed", ""},
    ErrorRow{4031, XAER_RMFAIL, XA_RBCOMMFAIL, false, "the server dropped an idle session",
             "raise wait_timeout"},
    ErrorRow{2006, XAER_RMFAIL, XA_RBCOMMFAIL, false, kGone, ""},
    ErrorRow{2013, XAER_RMFAIL, XA_RBCOMMFAIL, false, kGone, ""},
    // A session over TLS ends with 2026 where one without ends with 2006 or 2013.
    ErrorRow{2026, XAER_RMFAIL, XA_RBCOMMFAIL, false, "the TLS connection failed or is lost",
             "at log-in, check the server's certificate, sslrootcert, host and sslmode"},
    ErrorRow{2055, XAER_RMFAIL, XA_RBCOMMFAIL, false, kGone, ""},

    // Connecting.
    ErrorRow{2002, XAER_RMFAIL, XA_OK, false, kUnreachable, kCheckAddress},
    ErrorRow{2003, XAER_RMFAIL, XA_OK, false, kUnreachable, kCheckAddress},
    ErrorRow{2005, XAER_RMFAIL, XA_OK, false, "the host name is unknown", "check host"},
    ErrorRow{1040, XAER_RMFAIL, XA_OK, false, "the server has no connection left",
             "lower pool_size or raise max_connections"},
    ErrorRow{1203, XAER_RMFAIL, XA_OK, false, "the user has no connection left",
             "lower pool_size or raise max_user_connections"},
    ErrorRow{1226, XAER_RMFAIL, XA_OK, false, "the account has used up what it may use",
             "lower pool_size, or raise the limit that the server names (ALTER USER ... WITH)"},
    ErrorRow{3118, XAER_RMERR, XA_OK, false, "the account is locked",
             "ALTER USER ... ACCOUNT UNLOCK"},
    ErrorRow{4151, XAER_RMERR, XA_OK, false, "the account is locked",
             "ALTER USER ... ACCOUNT UNLOCK"},
    ErrorRow{1130, XAER_RMERR, XA_OK, false, "the server refuses this client host",
             "create the user for this host"},
    ErrorRow{2019, XAER_RMERR, XA_OK, false, "the client library does not know the character set",
             "check charset; it is a name such as utf8mb4"},
    ErrorRow{1115, XAER_RMERR, XA_OK, false, "the server does not know the character set",
             "check charset; it is a name such as utf8mb4"},
    ErrorRow{1045, XAER_RMERR, XA_OK, false, "the server refuses user or password",
             "check user, password or passwordfile, and whether the account demands a client "
             "certificate (sslcert, sslkey)"},
    ErrorRow{1698, XAER_RMERR, XA_OK, false, "the server refuses user or password",
             "check user; this account may be bound to an operating system user"},
    ErrorRow{1044, XAER_RMERR, XA_OK, false, "the user may not use the database",
             "check dbname, or GRANT the user rights on it"},
    ErrorRow{1049, XAER_RMERR, XA_OK, false, "the database does not exist",
             "check dbname, or CREATE DATABASE"},
    ErrorRow{1251, XAER_RMERR, XA_OK, false, "the client library lacks the account's login method",
             "install the client's authentication plugins or change the account's"},
    ErrorRow{2059, XAER_RMERR, XA_OK, false, "the client library lacks the account's login method",
             "install the client's authentication plugins or change the account's"},
    ErrorRow{2061, XAER_RMERR, XA_OK, false, "the login method wants an encrypted connection",
             "use sslmode=require or better"},
};

constexpr ErrorRow kRefused{-1, XAER_RMERR, XA_OK, true, "the server refused", ""};
// The client library gave up before the server's answer was read: nobody knows what the server did.
constexpr ErrorRow kNoAnswer{-1, XAER_RMFAIL, XA_RBCOMMFAIL, false, "no answer came", ""};
constexpr int kFirstClientError = 2000;
constexpr int kLastClientError = 2999;

}  // namespace

std::span<const ErrorRow> error_table() noexcept { return kTable; }

const ErrorRow& error_row(int vendor_code) noexcept {
  const auto* row = std::ranges::find(kTable, vendor_code, &ErrorRow::vendor_code);
  if (row != kTable.end()) return *row;
  const bool client = kFirstClientError <= vendor_code && vendor_code <= kLastClientError;
  return client ? kNoAnswer : kRefused;
}

Error make_error(int xa_code, std::string_view operation, const Xid* xid, std::string message) {
  Error error;
  error.xa_code = xa_code;
  error.operation = operation;
  if (xid != nullptr) error.xid = xid->to_string();
  error.message = std::move(message);
  return error;
}

Error make_error(const sql::SQLException& failure, std::string_view operation, const Xid* xid) {
  const ErrorRow& row = error_row(failure.getErrorCode());
  std::string message(operation);
  message += " failed: ";
  message += row.reason;
  if (!row.advice.empty()) {
    message += "; ";
    message += row.advice;
  } else if (std::string_view(failure.what()).find("initial communication packet") !=
             std::string_view::npos) {
    message += kNoGreeting;
  }
  Error error = make_error(row.xa_code, operation, xid, std::move(message));
  error.sqlstate = failure.getSQLState();
  error.vendor_code = failure.getErrorCode();
  error.server_text = failure.what();
  error.connection_usable = row.connection_usable;
  return error;
}

void tell_late(Error& error) {
  error.xa_code = XAER_RMFAIL;
  error.connection_usable = false;
  error.message = error.operation +
                  " failed: the server did not answer in time, and the session is given up; see "
                  "whether it runs and what it waits for (SHOW PROCESSLIST)";
}

bool says_read_only(int vendor_code, std::string_view server_text) noexcept {
  if (vendor_code == 1792 || vendor_code == 1836) return true;
  return vendor_code == 1290 && (server_text.find("read-only") != std::string_view::npos ||
                                 server_text.find("read_only") != std::string_view::npos);
}

/// A server that became read-only most likely is not the one to write to any more; its address
/// leads to another one soon.
int escaped_code(const sql::SQLException& failure) noexcept {
  if (says_read_only(failure.getErrorCode(), failure.what())) return XA_RBTRANSIENT;
  return error_row(failure.getErrorCode()).escaped;
}

bool connection_lost(const Error& error) noexcept { return error.xa_code == XAER_RMFAIL; }

bool says_rollback_only(const Error& error) noexcept {
  return error.vendor_code == 1399 && error.server_text.find("ROLLBACK ONLY") != std::string::npos;
}

}  // namespace xabridge::mysql
