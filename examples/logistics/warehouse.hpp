// The warehouses' stock in MySQL. Every function but create_tables works in the transaction of the
// connection it is given and neither begins nor ends one.
#pragma once

#include <xabridge/mysql_connection.hpp>

#include "order.hpp"

namespace logistics::warehouse_side {

using Connection = xabridge::MysqlConnection;

/// Drops and creates the tables, with stock for about `orders` orders in two warehouses. MySQL
/// commits each of these statements.
void create_tables(const Connection& connection, std::int64_t orders);

/// Takes the pieces of one line out of the stock, from one warehouse after the other. Throws
/// Refused: shortage.
void pick(const Connection& connection, std::int64_t order, const Line& line);

/// Takes back every pick() of an order. Only the ad-hoc variant needs it.
void put_back(const Connection& connection, std::int64_t order);

}  // namespace logistics::warehouse_side
