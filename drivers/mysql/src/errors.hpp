// MySQL and MariaDB error numbers as XA codes: one table, and the Error made from it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <xabridge/error.hpp>
#include <xabridge/xid.hpp>

#include "connector.hpp"

namespace xabridge::mysql {

/// What one error number means. Numbers from 2000 to 2999 are the client library's own.
struct ErrorRow {
  int vendor_code;
  int xa_code;  // as the answer to an XA statement of ours
  int escaped;  // what it says about the branch when the application lets it escape; XA_OK: nothing
  bool connection_usable;
  std::string_view reason;
  std::string_view advice;  // what to do; may be empty
};

/// Every number the driver knows, without repetition.
std::span<const ErrorRow> error_table() noexcept;
/// The row of a number. Not in the table: numbers of the client library are XAER_RMFAIL, all others
/// XAER_RMERR with the connection still usable.
const ErrorRow& error_row(int vendor_code) noexcept;

/// The Error of a failed statement: server's words, codes, our reason and advice.
Error make_error(const sql::SQLException& failure, std::string_view operation, const Xid* xid);
/// An Error without a server behind it.
Error make_error(int xa_code, std::string_view operation, const Xid* xid, std::string message);

/// What an exception that the application lets escape says about its branch: an RB* code, XA_OK.
int escaped_code(const sql::SQLException& failure) noexcept;
/// Refused because the server, or the transaction, may not write: nothing was changed. Number 1290
/// is many options'.
bool says_read_only(int vendor_code, std::string_view server_text) noexcept;

/// True for XAER_RMFAIL: the session is gone, and with it every unprepared branch.
bool connection_lost(const Error& error) noexcept;
/// MariaDB says "1399 ... ROLLBACK ONLY" where MySQL says 1614; the state's name is never
/// translated.
bool says_rollback_only(const Error& error) noexcept;

}  // namespace xabridge::mysql
