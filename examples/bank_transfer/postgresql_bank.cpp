// Bank A's SQL; see the header.
#include "postgresql_bank.hpp"

#include "../common/facts.hpp"

namespace bank::postgresql {

using examples::number_in;

void create_tables(const Connection& connection, std::int64_t accounts, Amount opening_balance) {
  connection.execute("SET client_min_messages = warning");
  connection.execute("DROP TABLE IF EXISTS account, transfer, opening");
  connection.execute(
      "CREATE TABLE account (number bigint PRIMARY KEY,"
      " balance bigint NOT NULL CHECK (balance >= 0))");
  connection.execute(
      "CREATE TABLE transfer (id text PRIMARY KEY, from_account text NOT NULL,"
      " to_account text NOT NULL, amount bigint NOT NULL CHECK (amount > 0),"
      " booked_at timestamptz NOT NULL DEFAULT now())");
  connection.execute("CREATE TABLE opening (total bigint NOT NULL)");
  connection.execute(
      "INSERT INTO account SELECT n, $2::bigint FROM generate_series(1, $1::bigint) n", accounts,
      opening_balance);
  connection.execute("INSERT INTO opening VALUES ($1::bigint * $2::bigint)", accounts,
                     opening_balance);
}

void post(const Connection& connection, const Entry& entry) {
  const Bounds bounds = bounds_for(entry.change);
  const auto changed = connection.execute(
      "UPDATE account SET balance = balance + $1::bigint"
      " WHERE number = $2 AND balance BETWEEN $3 AND $4",
      entry.change, entry.account.number, bounds.lowest, bounds.highest);
  if (changed == 0) refuse_change(entry, balance(connection, entry.account));
}

void record(const Connection& connection, const Transfer& transfer) {
  connection.execute(
      "INSERT INTO transfer (id, from_account, to_account, amount) VALUES ($1, $2, $3, $4)",
      transfer.id, to_string(transfer.from), to_string(transfer.to), transfer.amount);
}

void forget(const Connection& connection, const Transfer& transfer) {
  connection.execute("DELETE FROM transfer WHERE id = $1", transfer.id);
}

Amount balance(const Connection& connection, const Account& account) {
  const auto row =
      connection.query_row("SELECT balance FROM account WHERE number = $1", account.number);
  if (!row) refuse_unknown(account);
  return row->get<Amount>("balance");
}

Amount total(const Connection& connection) {
  return number_in(connection.query("SELECT coalesce(sum(balance), 0)::bigint FROM account"));
}

Amount opening_total(const Connection& connection) {
  return number_in(connection.query("SELECT total FROM opening"));
}

std::map<std::string, Transfer> transfers(const Connection& connection) {
  std::map<std::string, Transfer> found;
  for (const xabridge::Row& row :
       connection.query("SELECT id, from_account, to_account, amount FROM transfer")) {
    const auto id = row.get<std::string>("id");
    found[id] = {id, parse_account(row.get<std::string>("from_account")),
                 parse_account(row.get<std::string>("to_account")), row.get<Amount>("amount")};
  }
  return found;
}

}  // namespace bank::postgresql
