/* The headers of the switches in an application that includes one of its transaction manager's,
 * OTHER, before ours or after them. C11 and C++. */
#ifdef OTHER_FIRST
#include OTHER
#endif

#include <xabridge/mysql_switch.h>
#include <xabridge/postgresql_switch.h>

#ifndef OTHER_FIRST
#include OTHER
#endif

int works_at_both(void);

int works_at_both(void) {
  XID xid;
  xid.formatID = sizeof xid.data == XIDDATASIZE ? 1 : -1;
  return xid.formatID == 1 && xabridge_postgresql_switch.version == 0 &&
         xabridge_mysql_switch.version == 0 && xabridge_postgresql_connection_of(1) != 0;
}
