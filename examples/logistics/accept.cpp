// Accepting an order; see the header.
#include "accept.hpp"

#include "carrier.hpp"
#include "order_book.hpp"
#include "warehouse.hpp"

namespace logistics {

std::int64_t write_order(const Databases& databases, const Order& order) {
  const Entered entered = order_book_side::enter(databases.order_book, order);
  for (const Line& line : order.lines) {
    warehouse_side::pick(databases.warehouse, entered.number, line);
  }
  carrier_side::book(databases.carrier, entered);
  return entered.number;
}

Accepted accept(xabridge::TransactionManager& tm, const Order& order) {
  Accepted accepted;
  accepted.outcome = tm.run([&](xabridge::Transaction& tx) {
    const auto book = tx.postgresql(order_book);
    const auto stock = tx.mysql(warehouse);
    const auto transport = tx.mysql(carrier);
    accepted.number = write_order({book, stock, transport}, order);
  });
  return accepted;
}

}  // namespace logistics
