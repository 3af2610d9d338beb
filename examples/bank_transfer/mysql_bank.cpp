// Bank B's SQL; see the header.
#include "mysql_bank.hpp"

#include "../common/facts.hpp"

namespace bank::mysql {

using examples::number_in;

void create_tables(const Connection& connection, std::int64_t accounts, Amount opening_balance) {
  connection.execute("DROP TABLE IF EXISTS account, transfer, opening");
  connection.execute(
      "CREATE TABLE account (number BIGINT PRIMARY KEY,"
      " balance BIGINT NOT NULL CHECK (balance >= 0)) ENGINE = InnoDB");
  connection.execute(
      "CREATE TABLE transfer (id VARCHAR(64) PRIMARY KEY, from_account VARCHAR(32) NOT NULL,"
      " to_account VARCHAR(32) NOT NULL, amount BIGINT NOT NULL CHECK (amount > 0),"
      " booked_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP) ENGINE = InnoDB");
  connection.execute("CREATE TABLE opening (total BIGINT NOT NULL) ENGINE = InnoDB");
  for (std::int64_t number = 1; number <= accounts; ++number) {
    connection.execute("INSERT INTO account VALUES (?, ?)", number, opening_balance);
  }
  connection.execute("INSERT INTO opening SELECT COALESCE(SUM(balance), 0) FROM account");
}

void post(const Connection& connection, const Entry& entry) {
  const Bounds bounds = bounds_for(entry.change);
  const auto changed = connection.execute(
      "UPDATE account SET balance = balance + ? WHERE number = ? AND balance BETWEEN ? AND ?",
      entry.change, entry.account.number, bounds.lowest, bounds.highest);
  if (changed == 0) refuse_change(entry, balance(connection, entry.account));
}

void record(const Connection& connection, const Transfer& transfer) {
  connection.execute(
      "INSERT INTO transfer (id, from_account, to_account, amount) VALUES (?, ?, ?, ?)",
      transfer.id, to_string(transfer.from), to_string(transfer.to), transfer.amount);
}

Amount balance(const Connection& connection, const Account& account) {
  const auto row =
      connection.query_row("SELECT balance FROM account WHERE number = ?", account.number);
  if (!row) refuse_unknown(account);
  return row->get<Amount>("balance");
}

Amount total(const Connection& connection) {
  return number_in(
      connection.query("SELECT CAST(COALESCE(SUM(balance), 0) AS SIGNED) FROM account"));
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

}  // namespace bank::mysql
