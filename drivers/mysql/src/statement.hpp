// Statements of the application: what stands behind MysqlConnection, xabridge_mysql_execute_of()
// and the entry `execute` of the extras.
#pragma once

#include <xabridge/rm_extras.h>

#include <span>
#include <string>
#include <xabridge/rm/mysql_result.hpp>

#include "connector.hpp"

namespace xabridge::mysql {

/// No answer, and no number of the server's for it.
struct NoAnswer {
  int code;    // XA
  int doomed;  // XA_OK: nothing was sent, for a reason of ours; else the branch is lost
  std::string text;
};

/// Runs `sql` and reads the whole answer into `result`. Throws NoAnswer, or an SQLException with
/// the number of the server or of its client library. Where the server may have the statement and
/// the answer cannot be read, the connection is closed: what the server did ends with its session.
void run_statement(sql::Connection& connection, const char* sql,
                   std::span<const xabridge_mysql_parameter> parameters, rm::MysqlResult& result);

/// Runs `sql` on the connection of the calling thread's branch at the switch. Null: no memory.
xabridge_mysql_result* execute(const xabridge_rm_extras_t& extras, int rmid, const char* sql,
                               const xabridge_mysql_parameter* parameters,
                               std::size_t count) noexcept;

}  // namespace xabridge::mysql
