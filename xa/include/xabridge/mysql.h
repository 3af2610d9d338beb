/* Statements in a global transaction at MySQL and MariaDB, for programs in C.
 *
 *   tx_begin();
 *   const xabridge_mysql_parameter values[] = {xabridge_mysql_integer(2500),
 *                                              xabridge_mysql_text("DE02")};
 *   xabridge_mysql_result *result = xabridge_mysql_execute(
 *       "ledger", "UPDATE account SET balance = balance + ? WHERE number = ?", values, 2);
 *   if (xabridge_mysql_error(result) != 0) fprintf(stderr, "%s\n", xabridge_mysql_message(result));
 *   if (xabridge_mysql_affected_rows(result) != 1) ...
 *   xabridge_mysql_free(result);
 *   tx_commit();
 *
 * Every call that runs a statement gives a result, also when it failed; xabridge_mysql_error comes
 * first. The rows are in it, so it stays valid until xabridge_mysql_free, beyond the end of the
 * transaction and in other threads; one thread at a time may use it. A result that could not be
 * made for want of memory is null, and every call takes that for a failure (XAER_RMERR).
 *
 * What a failure does to the transaction is the server's rule. After a deadlock (1213) or a lost
 * connection it can only be rolled back: tx_commit does that and answers TX_ROLLBACK. Any other
 * failed statement, also a lock wait that took too long (1205), is undone by itself, and the
 * transaction can still be committed: whoever does not look at the result commits the rest.
 *
 * COMMIT, ROLLBACK, XA and DDL are refused by the server inside a transaction; SAVEPOINT works.
 * What a statement leaves on the connection (SET, user variables, temporary tables) is described in
 * <xabridge/mysql.hpp>, the same for C++.
 *
 * C11 and C++. Programs under TX (<xabridge/tx.h>) link libxabridge and name the resource manager;
 * programs under another transaction manager link libxabridge_mysql and use the calls that end in
 * _of, with that transaction manager's rmid. Both libraries have all the others. No call throws. */
#ifndef XABRIDGE_MYSQL_H
#define XABRIDGE_MYSQL_H

#include <stddef.h>
#include <string.h>
#include <xabridge/api.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- Parameters ----------------------------------------------------------------------------- */

#define XABRIDGE_MYSQL_NULL 0
#define XABRIDGE_MYSQL_INTEGER 1
#define XABRIDGE_MYSQL_DOUBLE 2
#define XABRIDGE_MYSQL_TEXT 3  /* in the connection's character set, utf8mb4 unless configured */
#define XABRIDGE_MYSQL_BYTES 4 /* any bytes, without a character set */

/* What stands for one `?`. The data stays the caller's and is read during the call only. */
typedef struct xabridge_mysql_parameter {
  int type;
  long long integer; /* XABRIDGE_MYSQL_INTEGER */
  double number;     /* XABRIDGE_MYSQL_DOUBLE */
  const void* data;  /* XABRIDGE_MYSQL_TEXT, XABRIDGE_MYSQL_BYTES; null: SQL NULL */
  size_t length;     /* of data, without a terminator */
} xabridge_mysql_parameter;

static inline xabridge_mysql_parameter xabridge_mysql_null(void) {
  const xabridge_mysql_parameter parameter = {XABRIDGE_MYSQL_NULL, 0, 0.0, NULL, 0};
  return parameter;
}
static inline xabridge_mysql_parameter xabridge_mysql_integer(long long value) {
  const xabridge_mysql_parameter parameter = {XABRIDGE_MYSQL_INTEGER, value, 0.0, NULL, 0};
  return parameter;
}
static inline xabridge_mysql_parameter xabridge_mysql_double(double value) {
  const xabridge_mysql_parameter parameter = {XABRIDGE_MYSQL_DOUBLE, 0, value, NULL, 0};
  return parameter;
}
/* A terminated string; null: SQL NULL. */
static inline xabridge_mysql_parameter xabridge_mysql_text(const char* text) {
  const xabridge_mysql_parameter parameter = {XABRIDGE_MYSQL_TEXT, 0, 0.0, text,
                                              text == NULL ? 0 : strlen(text)};
  return parameter;
}
static inline xabridge_mysql_parameter xabridge_mysql_bytes(const void* data, size_t length) {
  const xabridge_mysql_parameter parameter = {XABRIDGE_MYSQL_BYTES, 0, 0.0, data, length};
  return parameter;
}

/* --- Running a statement -------------------------------------------------------------------- */

typedef struct xabridge_mysql_result xabridge_mysql_result;

/* Runs one statement in the calling thread's transaction at the resource manager configured under
 * this name, with a value for each `?` in it. Without parameters (count 0) the statement is sent as
 * it is: one round trip; with some it is prepared for this once: two.
 *
 * A resource manager with registration = "dynamic" joins the transaction by this call. Without a
 * transaction it works outside any, where the server commits each statement by itself, and tx_begin
 * answers TX_OUTSIDE until xabridge_tx_release(name) is called. */
XABRIDGE_API xabridge_mysql_result* xabridge_mysql_execute(
    const char* name, const char* sql, const xabridge_mysql_parameter* parameters, size_t count);
XABRIDGE_API xabridge_mysql_result* xabridge_mysql_execute_of(
    int rmid, const char* sql, const xabridge_mysql_parameter* parameters, size_t count);

/* Null is allowed. */
XABRIDGE_API void xabridge_mysql_free(xabridge_mysql_result* result);

/* --- What became of it ---------------------------------------------------------------------- */

/* 0: done. From 1000 on: the number of the server or of its client library (1062: duplicate key,
 * 1213: deadlock, 2013: connection lost). Everything else is an XA code (<xabridge/xa.h>).
 * XAER_PROTO: no transaction, or not open; XAER_INVAL: no such name, or a wrong argument; XA_RB*:
 * the transaction can only be rolled back (XA_RBTIMEOUT: its time is up); XAER_RMERR, XAER_RMFAIL:
 * the resource manager gives no connection, or the answer could not be read, and the transaction is
 * rolled back. */
XABRIDGE_API int xabridge_mysql_error(const xabridge_mysql_result* result);

/* Five characters; empty: not from a server. */
XABRIDGE_API const char* xabridge_mysql_sqlstate(const xabridge_mysql_result* result);

/* What went wrong, what the server said and what to do, for people; empty when done. Never null. */
XABRIDGE_API const char* xabridge_mysql_message(const xabridge_mysql_result* result);

/* Rows inserted, deleted or changed; an UPDATE does not count those that had the value already. */
XABRIDGE_API long long xabridge_mysql_affected_rows(const xabridge_mysql_result* result);

/* The AUTO_INCREMENT value of the connection's last statement that made one; of several rows the
 * first one's. Asks the server for LAST_INSERT_ID(), a round trip: to be called right after the
 * INSERT. Answers as xabridge_mysql_error; `id` is untouched unless that is 0. */
XABRIDGE_API int xabridge_mysql_last_insert_id(const char* name, unsigned long long* id);
XABRIDGE_API int xabridge_mysql_last_insert_id_of(int rmid, unsigned long long* id);

/* --- Its rows ------------------------------------------------------------------------------- */

/* Of a CALL that gives several sets of rows, the first. Columns and rows count from 0. */
XABRIDGE_API size_t xabridge_mysql_row_count(const xabridge_mysql_result* result);
XABRIDGE_API size_t xabridge_mysql_column_count(const xabridge_mysql_result* result);
/* As the statement names it; null: no such column. */
XABRIDGE_API const char* xabridge_mysql_column_name(const xabridge_mysql_result* result,
                                                    size_t column);

/* The next row, the first one at first. 1: there is one; 0: there is none (any more). */
XABRIDGE_API int xabridge_mysql_next(xabridge_mysql_result* result);

/* 1: SQL NULL; 0: a value; -1: no row, or no such column. */
XABRIDGE_API int xabridge_mysql_is_null(const xabridge_mysql_result* result, size_t column);

/* A column of the current row. 1: `value` is set; 0: SQL NULL; -1: no row, no such column, or no
 * such value (text that is no number; a fraction, or a number too large for an integer), which
 * xabridge_mysql_message then explains. Unless 1, `value` is untouched. Numbers are read from text
 * columns too, and any column as text: DECIMAL, dates and times are exact that way. */
XABRIDGE_API int xabridge_mysql_get_integer(xabridge_mysql_result* result, size_t column,
                                            long long* value);
XABRIDGE_API int xabridge_mysql_get_double(xabridge_mysql_result* result, size_t column,
                                           double* value);
/* Terminated, and valid as long as the result; `length` may be null, and tells where bytes of value
 * 0 are part of the text. */
XABRIDGE_API int xabridge_mysql_get_text(xabridge_mysql_result* result, size_t column,
                                         const char** text, size_t* length);

#ifdef __cplusplus
}
#endif

#endif
