// Three local commits, one after the other; see the header.
#include "ad_hoc.hpp"

#include <memory>

#include "../common/ad_hoc.hpp"
#include "../common/direct_connection.hpp"
#include "order_book.hpp"
#include "warehouse.hpp"

namespace logistics {
namespace {

struct Connections {
  examples::PlainPostgresql order_book;
  examples::PlainMysql warehouse;
  examples::PlainMysql carrier;
};

std::int64_t accept_ad_hoc(const Connections& connections, const Order& order,
                           xabridge::Observer* steps) {
  const xabridge::PostgresqlConnection& book = connections.order_book;
  const xabridge::MysqlConnection& stock = connections.warehouse;
  const xabridge::MysqlConnection& transport = connections.carrier;
  std::int64_t number = 0;
  examples::AdHoc work(steps);
  work.begin(order_book, book, [&] { order_book_side::withdraw(book, number); });
  work.begin(warehouse, stock, [&] { warehouse_side::put_back(stock, number); });
  work.begin(carrier, transport);
  number = write_order({book, stock, transport}, order);
  work.commit();
  return number;
}

}  // namespace

Desk open_ad_hoc_desk(const xabridge::Config& config, xabridge::Observer* steps) {
  const auto connections = std::make_shared<Connections>(Connections{
      examples::connect_postgresql(config, order_book), examples::connect_mysql(config, warehouse),
      examples::connect_mysql(config, carrier)});
  return [connections, steps](const Order& order) {
    Accepted accepted;
    examples::repeat_after_deadlock(
        [&] { accepted.number = accept_ad_hoc(*connections, order, steps); });
    accepted.outcome.kind = xabridge::OutcomeKind::committed;
    return accepted;
  };
}

}  // namespace logistics
