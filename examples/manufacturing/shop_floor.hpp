// The shop floor's side in MySQL or MariaDB: stock, machines, lots. Every function but
// create_tables works in the transaction of the connection it is given and neither begins nor ends
// one.
#pragma once

#include <vector>

#include "work_order.hpp"

namespace manufacturing::shop_floor_side {

using Connection = xabridge::MysqlConnection;

/// Drops and creates the tables, with stock for about `orders` orders. MySQL commits each of these
/// statements.
void create_tables(const Connection& connection, std::int64_t orders);

/// Takes the quantity out of the bins, emptying one after the other. Throws NotReleased: shortage.
[[nodiscard]] std::vector<Reservation> take_from_stock(const Connection& connection,
                                                       const Need& need);
/// Throws NotReleased: the machine is taken at that time.
void occupy_slot(const Connection& connection, const WorkOrder& order);
void open_lot(const Connection& connection, const WorkOrder& order);

}  // namespace manufacturing::shop_floor_side
