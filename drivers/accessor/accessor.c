/* A library for transaction managers that are given a file, not a symbol: LIXA and Enduro/X load it
 * and call the function of the name they know. Compiled once for each switch, XABRIDGE_SWITCH. */
#include <xabridge/api.h>
#include <xabridge/xa.h>

extern struct xa_switch_t XABRIDGE_SWITCH;

XABRIDGE_API struct xa_switch_t *lixa_get_xa_switch(void);
XABRIDGE_API struct xa_switch_t *ndrx_get_xa_switch(void);

struct xa_switch_t *lixa_get_xa_switch(void) { return &XABRIDGE_SWITCH; }

struct xa_switch_t *ndrx_get_xa_switch(void) { return &XABRIDGE_SWITCH; }
