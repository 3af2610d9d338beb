// All that libxabridge_mysql.so exports: the two switches, for static and for dynamic registration,
// and their extras.
#include <xabridge/mysql_switch.h>

#include <xabridge/rm/adapter.hpp>

#include "server.hpp"

XABRIDGE_DEFINE_SWITCH(xabridge_mysql_switch, "xabridge MySQL and MariaDB", TMUSEASYNC,
                       ::xabridge::mysql::driver())
XABRIDGE_DEFINE_SWITCH(xabridge_mysql_switch_dynamic, "xabridge MySQL/MariaDB dynamic",
                       TMREGISTER | TMUSEASYNC, ::xabridge::mysql::driver())
