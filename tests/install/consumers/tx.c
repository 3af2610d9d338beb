/* A C program of the TX interface that links nothing but libxabridge: one empty transaction over
 * every resource manager that XABRIDGE_CONFIG names. */
#include <stdio.h>
#include <string.h>
#include <xabridge/tx.h>
#include <xabridge/version.h>

static int expect(const char *call, int found, int wanted) {
  if (found != wanted) fprintf(stderr, "tx: %s returned %d, not %d\n", call, found, wanted);
  return found == wanted;
}

int main(void) {
  TXINFO info;
  memset(&info, 0, sizeof info);
  if (XABRIDGE_VERSION_NUMBER < 100 || !expect("tx_open", tx_open(), TX_OK)) return 1;
  if (!expect("tx_set_transaction_timeout", tx_set_transaction_timeout(30), TX_OK)) return 1;
  if (!expect("tx_begin", tx_begin(), TX_OK)) return 1;
  if (!expect("tx_info", tx_info(&info), 1)) return 1;
  if (!expect("tx_commit", tx_commit(), TX_OK)) return 1;
  if (!expect("tx_close", tx_close(), TX_OK)) return 1;
  printf("a gtrid of %ld bytes committed\n", info.xid.gtrid_length);
  return 0;
}
