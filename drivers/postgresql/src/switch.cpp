// The two objects this library exports: xabridge_postgresql_switch and its extras.

#include <xabridge/rm/adapter.hpp>

#include "driver.hpp"

XABRIDGE_DEFINE_SWITCH(xabridge_postgresql_switch, "xabridge PostgreSQL", TMNOMIGRATE,
                       ::xabridge::postgresql::driver())
