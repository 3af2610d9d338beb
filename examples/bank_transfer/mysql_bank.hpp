// Bank B: its tables in MySQL or MariaDB and the statements of a transfer. Every function works in
// the transaction of the connection it is given and neither begins nor ends one.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <xabridge/mysql_connection.hpp>

#include "bank.hpp"

namespace bank::mysql {

using Connection = xabridge::MysqlConnection;

/// Drops and creates the tables; accounts are numbered from 1. MySQL commits each of these
/// statements.
void create_tables(const Connection& connection, std::int64_t accounts, Amount opening_balance);

/// Changes one balance. Throws Refused: unknown account, insufficient funds, overflow.
void post(const Connection& connection, const Entry& entry);
void record(const Connection& connection, const Transfer& transfer);

/// Throws Refused: unknown account.
[[nodiscard]] Amount balance(const Connection& connection, const Account& account);
[[nodiscard]] Amount total(const Connection& connection);
[[nodiscard]] Amount opening_total(const Connection& connection);
[[nodiscard]] std::map<std::string, Transfer> transfers(const Connection& connection);

}  // namespace bank::mysql
