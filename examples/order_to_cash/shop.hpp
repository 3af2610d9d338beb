// The shop's side in PostgreSQL: offers, buyers, shelf, sales. Every function but create_tables
// works in the transaction of the connection it is given and neither begins nor ends one.
#pragma once

#include <libpq-fe.h>

#include "sale.hpp"

namespace order_to_cash::shop_side {

/// Drops and creates the tables; buyers are numbered from 1 and have `money` cents each, the shelf
/// holds enough for `sales` sales of each offer. Commits by itself.
void create_tables(PGconn* connection, std::int64_t buyers, std::int64_t money, std::int64_t sales);

/// Takes the article from the shelf and the money from the buyer. Throws Refused.
[[nodiscard]] Sale sell(PGconn* connection, const Order& order);

/// Takes back sell(). Only the ad-hoc variant needs it.
void take_back(PGconn* connection, const Sale& sale);

}  // namespace order_to_cash::shop_side
