// Statements for programs in C: what stands behind xabridge_mysql_execute_of() and the entry
// `execute` of the extras.
#pragma once

#include <xabridge/rm_extras.h>

#include <xabridge/rm/mysql_result.hpp>

namespace xabridge::mysql {

/// Runs `sql` on the connection of the calling thread's branch at the switch. Null: no memory.
xabridge_mysql_result* execute(const xabridge_rm_extras_t& extras, int rmid, const char* sql,
                               const xabridge_mysql_parameter* parameters,
                               std::size_t count) noexcept;

}  // namespace xabridge::mysql
