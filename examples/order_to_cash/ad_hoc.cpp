// Two local commits, one after the other; see the header.
#include "ad_hoc.hpp"

#include <memory>

#include "../common/ad_hoc.hpp"
#include "../common/direct_connection.hpp"
#include "shop.hpp"

namespace order_to_cash {
namespace {

struct Connections {
  examples::PlainPostgresql shop;
  examples::PlainMysql supplier;
};

Sale sell_ad_hoc(const Connections& connections, const Order& order, xabridge::Observer* steps) {
  const xabridge::PostgresqlConnection& at_shop = connections.shop;
  const xabridge::MysqlConnection& at_supplier = connections.supplier;
  Sale sale;
  examples::AdHoc work(steps);
  work.begin(shop, at_shop, [&] { shop_side::take_back(at_shop, sale); });
  work.begin(supplier, at_supplier);
  sale = write_sale(at_shop, at_supplier, order);
  work.commit();
  return sale;
}

}  // namespace

Till open_ad_hoc_till(const xabridge::Config& config, xabridge::Observer* steps) {
  const auto connections = std::make_shared<Connections>(Connections{
      examples::connect_postgresql(config, shop), examples::connect_mysql(config, supplier)});
  return [connections, steps](const Order& order) {
    Sold sold;
    examples::repeat_after_deadlock([&] { sold.sale = sell_ad_hoc(*connections, order, steps); });
    sold.outcome.kind = xabridge::OutcomeKind::committed;
    return sold;
  };
}

}  // namespace order_to_cash
