/* The headers of the switches, by a compiler for C11. */
#include <xabridge/mysql_switch.h>
#include <xabridge/postgresql_switch.h>

struct xa_switch_t *const foreign_tm_switches[] = {
    &xabridge_postgresql_switch, &xabridge_postgresql_switch_dynamic, &xabridge_mysql_switch,
    &xabridge_mysql_switch_dynamic};

PGconn *(*const foreign_tm_connection_of)(int) = xabridge_postgresql_connection_of;
