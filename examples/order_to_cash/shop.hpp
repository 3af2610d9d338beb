// The shop's side in PostgreSQL: offers, buyers, shelf, sales. Every function but create_tables
// works in the transaction of the connection it is given and neither begins nor ends one.
#pragma once

#include "sale.hpp"

namespace order_to_cash::shop_side {

using Connection = xabridge::PostgresqlConnection;

/// Drops and creates the tables; buyers are numbered from 1 and have `money` cents each, the shelf
/// holds enough for `sales` sales of each offer. Commits by itself.
void create_tables(const Connection& connection, std::int64_t buyers, std::int64_t money,
                   std::int64_t sales);

/// Takes the article from the shelf and the money from the buyer. Throws Refused.
[[nodiscard]] Sale sell(const Connection& connection, const Order& order);

/// Takes back sell(). Only the ad-hoc variant needs it.
void take_back(const Connection& connection, const Sale& sale);

}  // namespace order_to_cash::shop_side
