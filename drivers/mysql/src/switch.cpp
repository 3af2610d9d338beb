// xabridge_mysql_switch and xabridge_mysql_switch_extras: all that libxabridge_mysql.so exports.
#include <xabridge/rm/adapter.hpp>

#include "server.hpp"

XABRIDGE_DEFINE_SWITCH(xabridge_mysql_switch, "xabridge MySQL and MariaDB", TMNOMIGRATE,
                       ::xabridge::mysql::driver())
