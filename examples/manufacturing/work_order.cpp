// The release; see the header.
#include "work_order.hpp"

#include "erp.hpp"
#include "shop_floor.hpp"

namespace manufacturing {

void write_release(const xabridge::PostgresqlConnection& books,
                   const xabridge::MysqlConnection& floor, std::int64_t number) {
  const WorkOrder order = erp_side::planned_order(books, number);
  for (const Need& need : erp_side::needs_of(books, order)) {
    erp_side::reserve(books, order, shop_floor_side::take_from_stock(floor, need));
  }
  shop_floor_side::occupy_slot(floor, order);
  shop_floor_side::open_lot(floor, order);

  erp_side::post_cost(books, order);
  erp_side::mark_released(books, order);
}

xabridge::Outcome release(xabridge::TransactionManager& tm, std::int64_t number) {
  return tm.run([&](xabridge::Transaction& tx) {
    const auto books = tx.postgresql(erp);
    const auto floor = tx.mysql(shop_floor);
    write_release(books, floor, number);
  });
}

}  // namespace manufacturing
