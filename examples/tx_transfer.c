/* tx-transfer: money moves between an account at bank A (PostgreSQL) and one at bank B (MySQL or
 * MariaDB) as one global transaction, by the X/Open TX interface, in C.
 *
 * What a program of your own needs is in move(): tx_begin, the work by resource manager name,
 * tx_commit or tx_rollback, and what to make of the answer. Link libxabridge, and libpq for the
 * statements on PostgreSQL's connection. */
#include <errno.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xabridge/mysql.h>
#include <xabridge/postgresql.h>
#include <xabridge/tx.h>

#define BANK_A "bank_a" /* the resource managers' names in the configuration */
#define BANK_B "bank_b"

enum { COMMITTED = 0, FAILED = 1, REFUSED = 2, ROLLED_BACK = 3, LOOK = 4 };

static const char usage_text[] =
    "usage: tx-transfer [OPTION]... FROM TO AMOUNT\n"
    "\n"
    "Moves AMOUNT cents from account FROM to account TO, one at bank A (A-1, A-2, ...) and one at\n"
    "bank B (B-1, ...), in either direction, as one transaction over both databases.\n"
    "\n"
    "  --timeout SECONDS    roll back when it takes longer (default: 30; 0: never)\n"
    "  --decision-logged    be done once the decision is durable, before both banks have it\n"
    "  --kill-at EVENT[:N]  die by SIGKILL at an event of the transaction, e.g. decided,\n"
    "                       before_commit:2; to see that nothing is lost\n"
    "  --help               this text\n"
    "\n"
    "The environment variable XABRIDGE_CONFIG names the configuration file, with the resource\n"
    "managers " BANK_A " (postgresql) and " BANK_B
    " (mysql). The tables are those of\n"
    "`bank-transfer init`.\n"
    "\n"
    "Exit codes: 0 committed, 1 failed before it began, 2 refused by a business rule,\n"
    "3 rolled back, may be tried again, 4 a person has to look at both banks.\n";

struct Account {
  char bank; /* 'A' or 'B' */
  long long number;
};

struct Transfer {
  char id[33]; /* unique for ever: the row that both banks write carries it */
  struct Account from, to;
  long long amount;
};

/* --- What the TX calls answer --------------------------------------------------------------- */

struct Meaning {
  int code;
  const char *name, *text;
  int exit_code;
};

static const struct Meaning meanings[] = {
    {TX_OK, "TX_OK", "both banks have booked it", COMMITTED},
    {TX_ROLLBACK, "TX_ROLLBACK", "nothing was booked at either bank", ROLLED_BACK},
    {TX_MIXED, "TX_MIXED", "one bank has booked it, the other has not", LOOK},
    {TX_HAZARD, "TX_HAZARD", "it is not known whether both banks have booked it", LOOK},
    {TX_COMMITTED, "TX_COMMITTED", "both banks have booked what was to be rolled back", LOOK},
    {TX_OUTSIDE, "TX_OUTSIDE", "work outside any transaction is open", FAILED},
    {TX_PROTOCOL_ERROR, "TX_PROTOCOL_ERROR", "the call does not fit here", FAILED},
    {TX_EINVAL, "TX_EINVAL", "an argument is wrong", FAILED},
    {TX_ERROR, "TX_ERROR", "a bank cannot be reached now, try again later", FAILED},
    {TX_FAIL, "TX_FAIL", "the configuration or the installation has to be repaired", FAILED},
};

/* Says what a TX code means; the exit code that goes with it. */
static int report(const char* call, int code) {
  const size_t count = sizeof meanings / sizeof meanings[0];
  size_t i = 0;
  while (i < count && meanings[i].code != code) ++i;
  if (i == count) {
    fprintf(stderr, "tx-transfer: %s answered %d\n", call, code);
    return LOOK;
  }
  if (code != TX_OK)
    fprintf(stderr, "tx-transfer: %s: %s: %s\ntx-transfer: %s\n", call, meanings[i].name,
            meanings[i].text, xabridge_tx_last_error());
  return meanings[i].exit_code;
}

/* --- The work at bank A: libpq on the connection of the transaction --------------------------- */

/* Runs a statement that changes rows: how many; -1: it failed, and that has been said. */
static long change_a(const char* sql, int count, const char* const* values) {
  PGconn* const connection = xabridge_postgresql_connection(BANK_A);
  if (connection == NULL) {
    fprintf(stderr, "tx-transfer: %s\n", xabridge_tx_last_error());
    return -1;
  }
  PGresult* const result = PQexecParams(connection, sql, count, NULL, values, NULL, NULL, 0);
  long changed = -1;
  if (PQresultStatus(result) == PGRES_COMMAND_OK)
    changed = strtol(PQcmdTuples(result), NULL, 10);
  else
    fprintf(stderr, "tx-transfer: bank A: %s", PQresultErrorMessage(result));
  PQclear(result);
  return changed;
}

static int post_a(long long number, long long change) {
  char by[32], account[32];
  snprintf(by, sizeof by, "%lld", change);
  snprintf(account, sizeof account, "%lld", number);
  const char* const values[] = {by, account};
  const long changed = change_a(
      "UPDATE account SET balance = balance + $1::bigint "
      "WHERE number = $2::bigint AND balance + $1::bigint >= 0",
      2, values);
  if (changed == 0)
    fprintf(stderr, "tx-transfer: account A-%lld is unknown or has not enough\n", number);
  return changed == 1 ? COMMITTED : changed == 0 ? REFUSED : ROLLED_BACK;
}

static int record_a(const struct Transfer* transfer, const char* from, const char* to) {
  char amount[32];
  snprintf(amount, sizeof amount, "%lld", transfer->amount);
  const char* const values[] = {transfer->id, from, to, amount};
  const long changed = change_a(
      "INSERT INTO transfer (id, from_account, to_account, amount) VALUES ($1, $2, $3, $4::bigint)",
      4, values);
  return changed == 1 ? COMMITTED : ROLLED_BACK;
}

/* --- The work at bank B: statements by the resource manager's name ---------------------------- */

static long long change_b(const char* sql, const xabridge_mysql_parameter* values, size_t count) {
  xabridge_mysql_result* const result = xabridge_mysql_execute(BANK_B, sql, values, count);
  long long changed = -1;
  if (xabridge_mysql_error(result) == 0)
    changed = xabridge_mysql_affected_rows(result);
  else
    fprintf(stderr, "tx-transfer: bank B: %s\n", xabridge_mysql_message(result));
  xabridge_mysql_free(result);
  return changed;
}

static int post_b(long long number, long long change) {
  const xabridge_mysql_parameter values[] = {xabridge_mysql_integer(change),
                                             xabridge_mysql_integer(number),
                                             xabridge_mysql_integer(change)};
  const long long changed = change_b(
      "UPDATE account SET balance = balance + ? WHERE number = ? AND balance + ? >= 0", values, 3);
  if (changed == 0)
    fprintf(stderr, "tx-transfer: account B-%lld is unknown or has not enough\n", number);
  return changed == 1 ? COMMITTED : changed == 0 ? REFUSED : ROLLED_BACK;
}

static int record_b(const struct Transfer* transfer, const char* from, const char* to) {
  const xabridge_mysql_parameter values[] = {xabridge_mysql_text(transfer->id),
                                             xabridge_mysql_text(from), xabridge_mysql_text(to),
                                             xabridge_mysql_integer(transfer->amount)};
  const long long changed = change_b(
      "INSERT INTO transfer (id, from_account, to_account, amount) VALUES (?, ?, ?, ?)", values, 4);
  return changed == 1 ? COMMITTED : ROLLED_BACK;
}

/* --- The transaction -------------------------------------------------------------------------- */

/* Bank A first, always: two transfers of the same accounts in opposite directions then wait for
 * each other instead of ending in a deadlock that neither bank can see. */
static int book(const struct Transfer* transfer) {
  const bool out_of_a = transfer->from.bank == 'A';
  const struct Account* const at_a = out_of_a ? &transfer->from : &transfer->to;
  const struct Account* const at_b = out_of_a ? &transfer->to : &transfer->from;
  const long long change = out_of_a ? -transfer->amount : transfer->amount;
  char a[32], b[32];
  snprintf(a, sizeof a, "A-%lld", at_a->number);
  snprintf(b, sizeof b, "B-%lld", at_b->number);
  const char* const from = out_of_a ? a : b;
  const char* const to = out_of_a ? b : a;

  int code = post_a(at_a->number, change);
  if (code == COMMITTED) code = post_b(at_b->number, -change);
  if (code == COMMITTED) code = record_a(transfer, from, to);
  if (code == COMMITTED) code = record_b(transfer, from, to);
  return code;
}

static int move(const struct Transfer* transfer) {
  const int begun = tx_begin();
  if (begun != TX_OK) return report("tx_begin", begun);
  const int booked = book(transfer);
  if (booked == COMMITTED) return report("tx_commit", tx_commit());
  const int undone = tx_rollback();
  return undone == TX_OK ? booked : report("tx_rollback", undone);
}

/* --- The program ------------------------------------------------------------------------------ */

struct Death {
  char event[32]; /* empty: not wanted */
  long left;
};

struct Arguments {
  TRANSACTION_TIMEOUT timeout;
  COMMIT_RETURN when_return;
  struct Death death;
  struct Transfer transfer;
};

static void die_at(void* context, const xabridge_tx_event* event) {
  struct Death* const death = context;
  if (strcmp(event->kind, death->event) == 0 && --death->left == 0) raise(SIGKILL);
}

static bool read_death(const char* text, struct Death* death) {
  const char* const colon = strchr(text, ':');
  const size_t length = colon == NULL ? strlen(text) : (size_t)(colon - text);
  if (length == 0 || length >= sizeof death->event) return false;
  memcpy(death->event, text, length);
  death->event[length] = '\0';
  death->left = colon == NULL ? 1 : strtol(colon + 1, NULL, 10);
  return death->left > 0;
}

/* A whole number from `least` on, and nothing after it. */
static bool read_number(const char* text, long long least, long long* number) {
  char* end = NULL;
  errno = 0;
  *number = strtoll(text, &end, 10);
  return errno == 0 && end != text && *end == '\0' && *number >= least;
}

static bool read_account(const char* text, struct Account* account) {
  account->bank = text[0];
  return (text[0] == 'A' || text[0] == 'B') && text[1] == '-' &&
         read_number(text + 2, 1, &account->number);
}

static int wrong(const char* what, const char* text) {
  fprintf(stderr, "tx-transfer: %s: '%s'; --help tells more\n", what, text);
  return FAILED;
}

/* COMMITTED: all is well. */
static int read_transfer(char** words, struct Transfer* transfer) {
  if (!read_account(words[0], &transfer->from)) return wrong("not an account", words[0]);
  if (!read_account(words[1], &transfer->to)) return wrong("not an account", words[1]);
  if (transfer->from.bank == transfer->to.bank)
    return wrong("one account has to be at bank A, the other at bank B", words[1]);
  if (!read_number(words[2], 1, &transfer->amount))
    return wrong("not an amount of whole cents above zero", words[2]);
  uint64_t id[2];
  if (getentropy(id, sizeof id) != 0) return wrong("no random number", strerror(errno));
  snprintf(transfer->id, sizeof transfer->id, "%016" PRIx64 "%016" PRIx64, id[0], id[1]);
  return COMMITTED;
}

static int read_arguments(int argc, char** argv, struct Arguments* arguments) {
  int i = 1;
  for (; i < argc && strncmp(argv[i], "--", 2) == 0; ++i) {
    long long seconds = 0;
    const bool has_value = i + 1 < argc;
    if (strcmp(argv[i], "--decision-logged") == 0) {
      arguments->when_return = TX_COMMIT_DECISION_LOGGED;
    } else if (strcmp(argv[i], "--kill-at") == 0 && has_value) {
      if (!read_death(argv[++i], &arguments->death)) return wrong("not EVENT[:N]", argv[i]);
    } else if (strcmp(argv[i], "--timeout") == 0 && has_value) {
      if (!read_number(argv[++i], 0, &seconds)) return wrong("not a number of seconds", argv[i]);
      arguments->timeout = (TRANSACTION_TIMEOUT)seconds;
    } else {
      return wrong("unknown option, or one without its value", argv[i]);
    }
  }
  if (argc - i != 3) return wrong("FROM, TO and AMOUNT are wanted", i < argc ? argv[i] : "");
  return read_transfer(argv + i, &arguments->transfer);
}

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "--help") == 0) {
    fputs(usage_text, stdout);
    return COMMITTED;
  }
  struct Arguments arguments = {30, TX_COMMIT_COMPLETED, {{0}, 0}, {{0}, {0, 0}, {0, 0}, 0}};
  int code = read_arguments(argc, argv, &arguments);
  if (code != COMMITTED) return code;
  if (arguments.death.left > 0) (void)xabridge_tx_observe(die_at, &arguments.death);

  const int opened = tx_open();
  if (opened != TX_OK) return report("tx_open", opened);
  /* Neither fails with these values after tx_open. */
  (void)tx_set_transaction_timeout(arguments.timeout);
  (void)tx_set_commit_return(arguments.when_return);
  code = move(&arguments.transfer);
  if (code == COMMITTED)
    printf("transfer %s: %lld cents moved\n", arguments.transfer.id, arguments.transfer.amount);
  const int closed = tx_close();
  if (closed != TX_OK) (void)report("tx_close", closed);
  if (arguments.death.left > 0)
    fprintf(stderr, "tx-transfer: there was no event %s to die at\n", arguments.death.event);
  return code;
}
