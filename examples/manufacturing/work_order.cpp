// The release; see the header.
#include "work_order.hpp"

#include <xabridge/mysql.hpp>
#include <xabridge/postgresql.hpp>

#include "erp.hpp"
#include "shop_floor.hpp"

namespace manufacturing {

void release_in(xabridge::Transaction& tx, std::int64_t number) {
  PGconn* orders = xabridge::postgresql_connection(tx, erp);
  const WorkOrder order = erp_side::planned_order(orders, number);
  const std::vector<Need> needs = erp_side::needs_of(orders, order);

  sql::Connection& floor = xabridge::mysql_connection(tx, shop_floor);
  for (const Need& need : needs) {
    erp_side::reserve(orders, order, shop_floor_side::take_from_stock(floor, need));
  }
  shop_floor_side::occupy_slot(floor, order);
  shop_floor_side::open_lot(floor, order);

  erp_side::post_cost(orders, order);
  erp_side::mark_released(orders, order);
}

xabridge::Outcome release(xabridge::TransactionManager& tm, std::int64_t number) {
  return tm.run([&](xabridge::Transaction& tx) { release_in(tx, number); });
}

}  // namespace manufacturing
