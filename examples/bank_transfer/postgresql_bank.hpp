// Bank A: its tables in PostgreSQL and the statements of a transfer. Every function works in the
// transaction of the connection it is given and neither begins nor ends one.
#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <map>
#include <string>

#include "bank.hpp"

namespace bank::postgresql {

/// Drops and creates the tables; accounts are numbered from 1. Commits by itself.
void create_tables(PGconn* connection, std::int64_t accounts, Amount opening_balance);

/// Changes one balance. Throws Refused: unknown account, insufficient funds, overflow.
void post(PGconn* connection, const Entry& entry);
void record(PGconn* connection, const Transfer& transfer);
/// Takes back record(). Only the ad-hoc variant needs it.
void forget(PGconn* connection, const Transfer& transfer);

/// Throws Refused: unknown account.
[[nodiscard]] Amount balance(PGconn* connection, const Account& account);
[[nodiscard]] Amount total(PGconn* connection);
[[nodiscard]] Amount opening_total(PGconn* connection);
[[nodiscard]] std::map<std::string, Transfer> transfers(PGconn* connection);

}  // namespace bank::postgresql
