// All that libxabridge_postgresql.so exports: the two switches, for static and for dynamic
// registration, and their extras.

#include <xabridge/postgresql_switch.h>

#include <xabridge/rm/adapter.hpp>

#include "driver.hpp"

XABRIDGE_DEFINE_SWITCH(xabridge_postgresql_switch, "xabridge PostgreSQL", TMUSEASYNC,
                       ::xabridge::postgresql::driver())
XABRIDGE_DEFINE_SWITCH(xabridge_postgresql_switch_dynamic, "xabridge PostgreSQL dynamic",
                       TMREGISTER | TMUSEASYNC, ::xabridge::postgresql::driver())

extern "C" XABRIDGE_API PGconn* xabridge_postgresql_connection_of(int rmid) {
  auto& used = xabridge_postgresql_switch_dynamic_instance().knows(rmid)
                   ? xabridge_postgresql_switch_dynamic_instance()
                   : xabridge_postgresql_switch_instance();
  return static_cast<PGconn*>(used.connection(rmid));
}
