/* tx.h as C11, every value of the specification (TX 4.1), and that C can call it. */
#include <assert.h>
#include <stddef.h>
#include <xabridge/tx.h>

static_assert(TX_H_VERSION == 0, "version");
static_assert(TX_COMMIT_COMPLETED == 0 && TX_COMMIT_DECISION_LOGGED == 1, "commit return");
static_assert(TX_UNCHAINED == 0 && TX_CHAINED == 1, "control");
static_assert(TX_ACTIVE == 0 && TX_TIMEOUT_ROLLBACK_ONLY == 1 && TX_ROLLBACK_ONLY == 2, "state");
static_assert(TX_NOT_SUPPORTED == 1 && TX_OK == 0 && TX_OUTSIDE == -1 && TX_ROLLBACK == -2, "1");
static_assert(TX_MIXED == -3 && TX_HAZARD == -4 && TX_PROTOCOL_ERROR == -5, "2");
static_assert(TX_ERROR == -6 && TX_FAIL == -7 && TX_EINVAL == -8 && TX_COMMITTED == -9, "3");
static_assert(TX_NO_BEGIN == -100 && TX_ROLLBACK_NO_BEGIN == -102, "no begin");
static_assert(TX_MIXED_NO_BEGIN == -103 && TX_HAZARD_NO_BEGIN == -104, "no begin");
static_assert(TX_COMMITTED_NO_BEGIN == -109, "no begin");
static_assert(2 * TX_ROLLBACK_NO_BEGIN == -204, "codes are in parentheses");

static_assert(sizeof(COMMIT_RETURN) == sizeof(long), "long");
static_assert(sizeof(TRANSACTION_CONTROL) == sizeof(long), "long");
static_assert(sizeof(TRANSACTION_TIMEOUT) == sizeof(long), "long");
static_assert(sizeof(TRANSACTION_STATE) == sizeof(long), "long");
static_assert(offsetof(TXINFO, xid) == 0, "order");
static_assert(offsetof(TXINFO, when_return) == sizeof(XID), "order");
static_assert(offsetof(TXINFO, transaction_control) == sizeof(XID) + sizeof(long), "order");
static_assert(offsetof(TXINFO, transaction_timeout) == sizeof(XID) + 2 * sizeof(long), "order");
static_assert(offsetof(TXINFO, transaction_state) == sizeof(XID) + 3 * sizeof(long), "order");

int tx_not_open_in_c(void);

int tx_not_open_in_c(void) {
  TXINFO info;
  return tx_begin() == TX_PROTOCOL_ERROR && tx_commit() == TX_PROTOCOL_ERROR &&
         tx_rollback() == TX_PROTOCOL_ERROR && tx_info(&info) == TX_PROTOCOL_ERROR &&
         tx_set_commit_return(TX_COMMIT_COMPLETED) == TX_PROTOCOL_ERROR &&
         tx_set_transaction_control(TX_CHAINED) == TX_PROTOCOL_ERROR &&
         tx_set_transaction_timeout(1) == TX_PROTOCOL_ERROR && tx_close() == TX_OK;
}
