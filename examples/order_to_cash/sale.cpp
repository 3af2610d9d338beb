// The sale; see the header.
#include "sale.hpp"

#include "shop.hpp"
#include "supplier.hpp"

namespace order_to_cash {

Sale write_sale(const xabridge::PostgresqlConnection& at_shop,
                const xabridge::MysqlConnection& at_supplier, const Order& order) {
  const Sale sale = shop_side::sell(at_shop, order);
  supplier_side::deliver(at_supplier, sale);
  return sale;
}

Sold sell(xabridge::TransactionManager& tm, const Order& order) {
  Sold sold;
  sold.outcome = tm.run([&](xabridge::Transaction& tx) {
    const auto at_shop = tx.postgresql(shop);
    const auto at_supplier = tx.mysql(supplier);
    sold.sale = write_sale(at_shop, at_supplier, order);
  });
  return sold;
}

}  // namespace order_to_cash
