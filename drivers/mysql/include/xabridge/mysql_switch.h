/* The MySQL and MariaDB switches, for transaction managers that are linked with a resource manager
 * instead of loading it. C and C++. See <xabridge/rm_extras.h> for the objects beside them. */
#ifndef XABRIDGE_MYSQL_SWITCH_H
#define XABRIDGE_MYSQL_SWITCH_H

#include <xabridge/api.h>
#include <xabridge/rm_extras.h>
#include <xabridge/xa.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Takes part in every transaction from xa_start on. */
extern XABRIDGE_API struct xa_switch_t xabridge_mysql_switch;
extern XABRIDGE_API const struct xabridge_rm_extras_t xabridge_mysql_switch_extras;

/* Registers by itself (TMREGISTER) when its connection is asked for. */
extern XABRIDGE_API struct xa_switch_t xabridge_mysql_switch_dynamic;
extern XABRIDGE_API const struct xabridge_rm_extras_t xabridge_mysql_switch_dynamic_extras;

#ifdef __cplusplus
}
#endif

#endif
