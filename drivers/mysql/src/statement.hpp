// Statements of the application: what stands behind MysqlConnection, xabridge_mysql_execute_of()
// and the entry `execute` of the extras.
#pragma once

#include <xabridge/rm_extras.h>

#include <span>
#include <string>
#include <xabridge/rm/mysql_result.hpp>

#include "connector.hpp"

namespace xabridge::mysql {

/// Nothing was sent, for a reason of ours.
struct Refusal {
  int code;  // XA
  std::string text;
};

/// Runs `sql` and reads the whole answer into `result`. Throws Refusal and what the Connector does.
/// `sent` becomes true as the server may have the statement: where that is so and the Connector's
/// exception has no number, give_up() is all that is left.
void run_statement(sql::Connection& connection, const char* sql,
                   std::span<const xabridge_mysql_parameter> parameters, rm::MysqlResult& result,
                   bool& sent);
/// What the server did is not known; with its session it ends for sure. Returns what to say.
std::string give_up(sql::Connection& connection, const std::string& why);

/// Runs `sql` on the connection of the calling thread's branch at the switch. Null: no memory.
xabridge_mysql_result* execute(const xabridge_rm_extras_t& extras, int rmid, const char* sql,
                               const xabridge_mysql_parameter* parameters,
                               std::size_t count) noexcept;

}  // namespace xabridge::mysql
