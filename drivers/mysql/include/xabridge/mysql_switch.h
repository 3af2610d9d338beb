/* The MySQL and MariaDB resource manager for any transaction manager: the names libxabridge_mysql
 * exports for it. C, and for the connection C++.
 *
 * A transaction manager takes one of the two switches, by its name or through the functions of
 * libxabridge_mysql_accessor, opens it with an open string (docs/foreign-transaction-managers.md)
 * and needs nothing else. The application under it asks for the connection of its transaction:
 *
 *   sql::Connection* stock = xabridge_mysql_connection_of(2);
 *   if (stock == nullptr) {
 *     xabridge_rm_error why;
 *     xabridge_mysql_switch_extras.last_error(2, &why);
 *     std::cerr << why.message << '\n';
 *   }
 *
 * Connector/C++ has no C interface: programs in C run statements with <xabridge/mysql.h>. With
 * xabridge's own transaction manager use <xabridge/mysql.hpp> or <xabridge/mysql.h>, which know
 * resource managers by name. */
#ifndef XABRIDGE_MYSQL_SWITCH_H
#define XABRIDGE_MYSQL_SWITCH_H

#include <xabridge/api.h>
#include <xabridge/rm_extras.h>

#ifdef __cplusplus
namespace sql {
class Connection; /* Connector/C++: <mysql/jdbc.h> or <cppconn/connection.h> */
}

extern "C" {
#endif

/* For xa_start. */
extern XABRIDGE_API struct xa_switch_t xabridge_mysql_switch;
extern XABRIDGE_API const struct xabridge_rm_extras_t xabridge_mysql_switch_extras;

/* With TMREGISTER: it takes part in a transaction, through the transaction manager's ax_reg, when
 * the application asks for its connection. */
extern XABRIDGE_API struct xa_switch_t xabridge_mysql_switch_dynamic;
extern XABRIDGE_API const struct xabridge_rm_extras_t xabridge_mysql_switch_dynamic_extras;

#ifdef __cplusplus
/* The connection of the branch the calling thread is associated with through this rmid, whichever
 * of the two switches the transaction manager has opened it with. Under the dynamic one this is
 * what registers the thread, and outside a global transaction it gives a connection for work of
 * the application's own, valid until xabridge_mysql_switch_dynamic_extras.release(rmid).
 *
 * It belongs to the resource manager, is the calling thread's alone, and ends with xa_end: ask for
 * it again in the next transaction. Never delete or close() it, never end the transaction on it;
 * let statements end before the transaction does. <xabridge/mysql.hpp> says what else.
 *
 * Null, and last_error(rmid, ...) of the extras of that switch says why: rmid is not open in this
 * thread, the thread is not associated with a branch (xa_start was refused: the reason is given),
 * or the transaction manager refused to register it. Never throws. */
XABRIDGE_API sql::Connection* xabridge_mysql_connection_of(int rmid);
}
#endif

#endif
