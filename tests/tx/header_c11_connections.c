/* mysql.h and postgresql.h as C11, with libpq's own header after them, and that C can call them. */
#include <assert.h>
#include <string.h>
#include <xabridge/mysql.h>
#include <xabridge/postgresql.h>
#include <xabridge/tx.h>

/* As libpq-fe.h says it. */
typedef struct pg_conn PGconn;

static_assert(XABRIDGE_MYSQL_NULL == 0 && XABRIDGE_MYSQL_INTEGER == 1, "types of parameters");
static_assert(XABRIDGE_MYSQL_DOUBLE == 2 && XABRIDGE_MYSQL_TEXT == 3, "types of parameters");
static_assert(XABRIDGE_MYSQL_BYTES == 4, "types of parameters");

int connections_not_open_in_c(void);

/* 1: every call answers that nothing is open. */
int connections_not_open_in_c(void) {
  const xabridge_mysql_parameter values[] = {
      xabridge_mysql_null(), xabridge_mysql_integer(1), xabridge_mysql_double(1.5),
      xabridge_mysql_text("text"), xabridge_mysql_bytes("bytes", 5)};
  xabridge_mysql_result* const result = xabridge_mysql_execute("ledger", "SELECT 1", values, 5);
  PGconn* const connection = xabridge_postgresql_connection("accounts");
  unsigned long long id = 0;
  long long integer = 0;
  double number = 0;
  const char* text = NULL;
  const int told =
      xabridge_mysql_error(result) == XAER_PROTO && strlen(xabridge_mysql_message(result)) > 0 &&
      strlen(xabridge_mysql_sqlstate(result)) == 0 && xabridge_mysql_affected_rows(result) == 0 &&
      xabridge_mysql_row_count(result) == 0 && xabridge_mysql_column_count(result) == 0 &&
      xabridge_mysql_column_name(result, 0) == NULL && xabridge_mysql_next(result) == 0 &&
      xabridge_mysql_is_null(result, 0) == -1 &&
      xabridge_mysql_get_integer(result, 0, &integer) == -1 &&
      xabridge_mysql_get_double(result, 0, &number) == -1 &&
      xabridge_mysql_get_text(result, 0, &text, NULL) == -1 &&
      xabridge_mysql_last_insert_id("ledger", &id) == XAER_PROTO && connection == NULL &&
      strlen(xabridge_tx_last_error()) > 0 && xabridge_tx_release("ledger") == TX_PROTOCOL_ERROR &&
      xabridge_tx_observe(NULL, NULL) == TX_OK;
  xabridge_mysql_free(result);
  return told;
}
