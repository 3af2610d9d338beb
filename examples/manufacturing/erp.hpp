// The ERP side in PostgreSQL: orders, reservations, costs. Every function but create_tables works
// in the transaction of the connection it is given and neither begins nor ends one.
#pragma once

#include <cstdint>
#include <vector>

#include "work_order.hpp"

namespace manufacturing::erp_side {

using Connection = xabridge::PostgresqlConnection;

/// Drops and creates the tables, with the master data and `orders` planned orders. Commits by
/// itself.
void create_tables(const Connection& connection, const std::vector<WorkOrder>& orders);

/// Locks the order. Throws NotReleased: unknown or released already.
[[nodiscard]] WorkOrder planned_order(const Connection& connection, std::int64_t number);
/// What the order needs, sorted by material: every release locks stock in this order.
[[nodiscard]] std::vector<Need> needs_of(const Connection& connection, const WorkOrder& order);
void reserve(const Connection& connection, const WorkOrder& order,
             const std::vector<Reservation>& reservations);
void post_cost(const Connection& connection, const WorkOrder& order);
void mark_released(const Connection& connection, const WorkOrder& order);

/// Takes back the release of an order. Only the ad-hoc variant needs it.
void plan_again(const Connection& connection, std::int64_t number);

[[nodiscard]] std::vector<std::int64_t> planned_orders(const Connection& connection);

}  // namespace manufacturing::erp_side
