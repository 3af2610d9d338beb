/* Around a fragment in C: the public headers for C, libpq and stdio are included. */
#include <libpq-fe.h>
#include <stdio.h>

#include <xabridge/mysql.h>
#include <xabridge/postgresql.h>
#include <xabridge/tx.h>

//--- block
void block_@line@(void);
void block_@line@(void) {
@block@
}
