// The order book in PostgreSQL: customers, products, orders. Every function but create_tables works
// in the transaction of the connection it is given and neither begins nor ends one.
#pragma once

#include <xabridge/postgresql_connection.hpp>

#include "order.hpp"

namespace logistics::order_book_side {

using Connection = xabridge::PostgresqlConnection;

/// Drops and creates the tables; customers are numbered from 1, every tenth has no credit. Commits
/// by itself.
void create_tables(const Connection& connection, std::int64_t customers);

/// Writes the order and its lines and charges the customer. Throws Refused: unknown customer or
/// article, more than the customer's credit allows.
[[nodiscard]] Entered enter(const Connection& connection, const Order& order);

/// Takes back what enter() wrote. Only the ad-hoc variant needs it.
void withdraw(const Connection& connection, std::int64_t number);

}  // namespace logistics::order_book_side
