/* A C program of the TX interface that links nothing but libxabridge: one transaction that changes
 * nothing over every resource manager that XABRIDGE_CONFIG names. */
#include <stdio.h>
#include <string.h>
#include <xabridge/mysql.h>
#include <xabridge/postgresql.h>
#include <xabridge/tx.h>
#include <xabridge/version.h>

static int expect(const char *call, int found, int wanted) {
  if (found != wanted) fprintf(stderr, "tx: %s returned %d, not %d\n", call, found, wanted);
  return found == wanted;
}

static int work(void) {
  const xabridge_mysql_parameter one[] = {xabridge_mysql_integer(1)};
  xabridge_mysql_result *const result = xabridge_mysql_execute("inst_b", "SELECT ? + 1", one, 1);
  long long two = 0;
  const int read = xabridge_mysql_next(result) && xabridge_mysql_get_integer(result, 0, &two) == 1;
  if (!read) fprintf(stderr, "tx: %s\n", xabridge_mysql_message(result));
  xabridge_mysql_free(result);
  if (xabridge_postgresql_connection("inst_a") == NULL) {
    fprintf(stderr, "tx: %s\n", xabridge_tx_last_error());
    return 0;
  }
  return read && two == 2;
}

int main(void) {
  TXINFO info;
  memset(&info, 0, sizeof info);
  if (XABRIDGE_VERSION_NUMBER < 100 || !expect("tx_open", tx_open(), TX_OK)) return 1;
  if (!expect("tx_set_transaction_timeout", tx_set_transaction_timeout(30), TX_OK)) return 1;
  if (!expect("tx_begin", tx_begin(), TX_OK)) return 1;
  if (!expect("tx_info", tx_info(&info), 1)) return 1;
  if (!expect("work", work(), 1)) return 1;
  if (!expect("tx_commit", tx_commit(), TX_OK)) return 1;
  if (!expect("tx_close", tx_close(), TX_OK)) return 1;
  printf("a gtrid of %ld bytes committed\n", info.xid.gtrid_length);
  return 0;
}
