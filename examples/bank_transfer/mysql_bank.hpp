// Bank B: its tables in MySQL or MariaDB and the statements of a transfer. Every function works in
// the transaction of the connection it is given and neither begins nor ends one.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "../common/mysql_query.hpp"
#include "bank.hpp"

namespace bank::mysql {

/// Drops and creates the tables; accounts are numbered from 1. MySQL commits each of these
/// statements.
void create_tables(sql::Connection& connection, std::int64_t accounts, Amount opening_balance);

/// Changes one balance. Throws Refused: unknown account, insufficient funds, overflow.
void post(sql::Connection& connection, const Entry& entry);
void record(sql::Connection& connection, const Transfer& transfer);

/// Throws Refused: unknown account.
[[nodiscard]] Amount balance(sql::Connection& connection, const Account& account);
[[nodiscard]] Amount total(sql::Connection& connection);
[[nodiscard]] Amount opening_total(sql::Connection& connection);
[[nodiscard]] std::map<std::string, Transfer> transfers(sql::Connection& connection);

}  // namespace bank::mysql
