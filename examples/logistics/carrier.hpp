// The carrier's departures in MariaDB (or MySQL). Every function but create_tables works in the
// transaction of the connection it is given and neither begins nor ends one.
#pragma once

#include <xabridge/mysql_connection.hpp>

#include "order.hpp"

namespace logistics::carrier_side {

using Connection = xabridge::MysqlConnection;

/// Drops and creates the tables, with vehicles for about `orders` orders. Each statement is
/// committed by itself.
void create_tables(const Connection& connection, std::int64_t orders);

/// Books the order on the first vehicle to its town that has the weight and a stop left. Throws
/// Refused: there is none.
void book(const Connection& connection, const Entered& order);

}  // namespace logistics::carrier_side
