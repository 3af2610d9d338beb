// All that libxabridge_mysql.so exports: the two switches, for static and for dynamic registration,
// their extras, and the C functions of <xabridge/mysql.h>, of which those by rmid are here.
#include <xabridge/mysql_switch.h>

#include <xabridge/rm/adapter.hpp>

#include "server.hpp"
#include "statement.hpp"

// NOLINTBEGIN(bugprone-macro-parentheses): a declaration
#define XABRIDGE_MYSQL_EXECUTE(symbol)                                                           \
  [](int rmid, const char* sql, const xabridge_mysql_parameter* parameters, std::size_t count) { \
    return ::xabridge::mysql::execute(symbol##_extras, rmid, sql, parameters, count);            \
  }
// NOLINTEND(bugprone-macro-parentheses)

XABRIDGE_DEFINE_SWITCH_WITH(xabridge_mysql_switch, "xabridge MySQL and MariaDB", TMUSEASYNC,
                            ::xabridge::mysql::driver(),
                            XABRIDGE_MYSQL_EXECUTE(xabridge_mysql_switch))
XABRIDGE_DEFINE_SWITCH_WITH(xabridge_mysql_switch_dynamic, "xabridge MySQL/MariaDB dynamic",
                            TMREGISTER | TMUSEASYNC, ::xabridge::mysql::driver(),
                            XABRIDGE_MYSQL_EXECUTE(xabridge_mysql_switch_dynamic))

extern "C" {

XABRIDGE_API xabridge_mysql_result* xabridge_mysql_execute_of(
    int rmid, const char* sql, const xabridge_mysql_parameter* parameters, size_t count) {
  const auto* const extras = xabridge_mysql_switch_dynamic_instance().knows(rmid)
                                 ? &xabridge_mysql_switch_dynamic_extras
                                 : &xabridge_mysql_switch_extras;
  return extras->execute(rmid, sql, parameters, count);
}

XABRIDGE_API int xabridge_mysql_last_insert_id_of(int rmid, unsigned long long* id) {
  return xabridge::rm::last_insert_id(
      xabridge_mysql_execute_of(rmid, xabridge::rm::kLastInsertId, nullptr, 0), id);
}

XABRIDGE_API sql::Connection* xabridge_mysql_connection_of(int rmid) {
  auto& used = xabridge_mysql_switch_dynamic_instance().knows(rmid)
                   ? xabridge_mysql_switch_dynamic_instance()
                   : xabridge_mysql_switch_instance();
  return static_cast<sql::Connection*>(used.connection(rmid));
}
}
