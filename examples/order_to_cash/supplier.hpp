// The supplier's side in MySQL or MariaDB: stock, shipments, what it was paid. Every function but
// create_tables works in the transaction of the connection it is given and neither begins nor ends
// one.
#pragma once

#include "sale.hpp"

namespace order_to_cash::supplier_side {

using Connection = xabridge::MysqlConnection;

/// Drops and creates the tables, with stock for `sales` sales of each offer. MySQL commits each of
/// these statements.
void create_tables(const Connection& connection, std::int64_t sales);

/// Takes the article from the stock, writes the shipment and the money. Throws Refused: sold out.
void deliver(const Connection& connection, const Sale& sale);

}  // namespace order_to_cash::supplier_side
