// Bank A's SQL; see the header.
#include "postgresql_bank.hpp"

#include "../common/postgresql_query.hpp"

namespace bank::postgresql {

using examples::postgresql::execute;

void create_tables(PGconn* connection, std::int64_t accounts, Amount opening_balance) {
  execute(connection, "SET client_min_messages = warning");
  execute(connection, "DROP TABLE IF EXISTS account, transfer, opening");
  execute(connection,
          "CREATE TABLE account (number bigint PRIMARY KEY, balance bigint NOT NULL CHECK (balance "
          ">= 0))");
  execute(
      connection,
      "CREATE TABLE transfer (id text PRIMARY KEY, from_account text NOT NULL, to_account text NOT "
      "NULL,"
      " amount bigint NOT NULL CHECK (amount > 0), booked_at timestamptz NOT NULL DEFAULT now())");
  execute(connection, "CREATE TABLE opening (total bigint NOT NULL)");
  execute(connection,
          "INSERT INTO account SELECT n, $2::bigint FROM generate_series(1, $1::bigint) n",
          {accounts, opening_balance});
  execute(connection, "INSERT INTO opening VALUES ($1::bigint * $2::bigint)",
          {accounts, opening_balance});
}

void post(PGconn* connection, const Entry& entry) {
  const Bounds bounds = bounds_for(entry.change);
  const auto changed = execute(connection,
                               "UPDATE account SET balance = balance + $1::bigint"
                               " WHERE number = $2 AND balance BETWEEN $3 AND $4",
                               {entry.change, entry.account.number, bounds.lowest, bounds.highest})
                           .affected();
  if (changed == 0) refuse_change(entry, balance(connection, entry.account));
}

void record(PGconn* connection, const Transfer& transfer) {
  execute(connection,
          "INSERT INTO transfer (id, from_account, to_account, amount) VALUES ($1, $2, $3, $4)",
          {transfer.id, to_string(transfer.from), to_string(transfer.to), transfer.amount});
}

void forget(PGconn* connection, const Transfer& transfer) {
  execute(connection, "DELETE FROM transfer WHERE id = $1", {transfer.id});
}

Amount balance(PGconn* connection, const Account& account) {
  const auto rows =
      execute(connection, "SELECT balance FROM account WHERE number = $1", {account.number});
  if (rows.count() == 0) refuse_unknown(account);
  return rows.number(0, 0);
}

Amount total(PGconn* connection) {
  return execute(connection, "SELECT coalesce(sum(balance), 0)::bigint FROM account").number(0, 0);
}

Amount opening_total(PGconn* connection) {
  return execute(connection, "SELECT total FROM opening").number(0, 0);
}

std::map<std::string, Transfer> transfers(PGconn* connection) {
  std::map<std::string, Transfer> found;
  const auto rows =
      execute(connection, "SELECT id, from_account, to_account, amount FROM transfer");
  for (int row = 0; row < rows.count(); ++row) {
    const std::string id = rows.text(row, 0);
    found[id] = {id, parse_account(rows.text(row, 1)), parse_account(rows.text(row, 2)),
                 rows.number(row, 3)};
  }
  return found;
}

}  // namespace bank::postgresql
