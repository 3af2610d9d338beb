// Bank B's SQL; see the header.
#include "mysql_bank.hpp"

namespace bank::mysql {

using examples::mysql::execute;
using examples::mysql::query;

void create_tables(sql::Connection& connection, std::int64_t accounts, Amount opening_balance) {
  execute(connection, "DROP TABLE IF EXISTS account, transfer, opening");
  execute(connection,
          "CREATE TABLE account (number BIGINT PRIMARY KEY, balance BIGINT NOT NULL CHECK (balance "
          ">= 0))"
          " ENGINE = InnoDB");
  execute(connection,
          "CREATE TABLE transfer (id VARCHAR(64) PRIMARY KEY, from_account VARCHAR(32) NOT NULL,"
          " to_account VARCHAR(32) NOT NULL, amount BIGINT NOT NULL CHECK (amount > 0),"
          " booked_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP) ENGINE = InnoDB");
  execute(connection, "CREATE TABLE opening (total BIGINT NOT NULL) ENGINE = InnoDB");
  for (std::int64_t number = 1; number <= accounts; ++number) {
    execute(connection, "INSERT INTO account VALUES (?, ?)", {number, opening_balance});
  }
  execute(connection, "INSERT INTO opening SELECT COALESCE(SUM(balance), 0) FROM account");
}

void post(sql::Connection& connection, const Entry& entry) {
  const Bounds bounds = bounds_for(entry.change);
  const auto changed = execute(
      connection,
      "UPDATE account SET balance = balance + ? WHERE number = ? AND balance BETWEEN ? AND ?",
      {entry.change, entry.account.number, bounds.lowest, bounds.highest});
  if (changed == 0) refuse_change(entry, balance(connection, entry.account));
}

void record(sql::Connection& connection, const Transfer& transfer) {
  execute(connection,
          "INSERT INTO transfer (id, from_account, to_account, amount) VALUES (?, ?, ?, ?)",
          {transfer.id, to_string(transfer.from), to_string(transfer.to), transfer.amount});
}

Amount balance(sql::Connection& connection, const Account& account) {
  auto rows = query(connection, "SELECT balance FROM account WHERE number = ?", {account.number});
  if (!rows.next()) refuse_unknown(account);
  return rows.number(1);
}

Amount total(sql::Connection& connection) {
  auto rows = query(connection, "SELECT CAST(COALESCE(SUM(balance), 0) AS SIGNED) FROM account");
  return rows.next() ? rows.number(1) : 0;
}

Amount opening_total(sql::Connection& connection) {
  auto rows = query(connection, "SELECT total FROM opening");
  return rows.next() ? rows.number(1) : 0;
}

std::map<std::string, Transfer> transfers(sql::Connection& connection) {
  std::map<std::string, Transfer> found;
  auto rows = query(connection, "SELECT id, from_account, to_account, amount FROM transfer");
  while (rows.next()) {
    const std::string id = rows.text(1);
    found[id] = {id, parse_account(rows.text(2)), parse_account(rows.text(3)), rows.number(4)};
  }
  return found;
}

}  // namespace bank::mysql
