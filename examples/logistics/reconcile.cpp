// The reconciliation; see the header.
#include "reconcile.hpp"

#include "../common/direct_connection.hpp"
#include "../common/facts.hpp"
#include "order.hpp"

namespace logistics {
namespace {

using examples::add_faults;
using examples::compare;
using examples::facts_in;
using examples::number_in;

constexpr auto lines_ordered =
    "SELECT 'order ' || order_number || ', ' || article, quantity FROM order_line";
constexpr auto lines_picked =
    "SELECT CONCAT('order ', order_number, ', ', article), CAST(SUM(quantity) AS SIGNED)"
    " FROM picking GROUP BY order_number, article";
constexpr auto transports_ordered =
    "SELECT 'order ' || o.number || ', transport', o.weight || ' kg to ' || c.town"
    " FROM customer_order o JOIN customer c ON c.number = o.customer";
constexpr auto transports_booked =
    "SELECT CONCAT('order ', order_number, ', transport'), CONCAT(weight, ' kg to ', town)"
    " FROM transport_booking";

constexpr auto wrong_debts =
    "SELECT 'customer ' || c.number, 'owes ' || c.owes || ', the orders are for '"
    " || coalesce(sum(o.amount), 0) FROM customer c LEFT JOIN customer_order o"
    " ON o.customer = c.number GROUP BY c.number HAVING c.owes <> coalesce(sum(o.amount), 0)";
constexpr auto wrong_stock =
    "SELECT CONCAT('warehouse ', s.warehouse, ', ', s.article),"
    " CONCAT(s.received - s.quantity, ' left the stock, ', COALESCE(SUM(p.quantity), 0),"
    " ' are picked') FROM warehouse_stock s LEFT JOIN picking p ON p.article = s.article"
    " AND p.warehouse = s.warehouse GROUP BY s.article, s.warehouse, s.received, s.quantity"
    " HAVING s.received - s.quantity <> COALESCE(SUM(p.quantity), 0)";
constexpr auto wrong_vehicles =
    "SELECT CONCAT('vehicle ', d.number, ' to ', d.town),"
    " CONCAT(d.capacity - d.free, ' kg and ', d.stops - d.free_stops, ' stops taken, ',"
    " COALESCE(SUM(b.weight), 0), ' kg and ', COUNT(b.order_number), ' stops booked')"
    " FROM departure d LEFT JOIN transport_booking b ON b.town = d.town"
    " AND b.departure = d.number GROUP BY d.town, d.number, d.capacity, d.free, d.stops,"
    " d.free_stops HAVING d.capacity - d.free <> COALESCE(SUM(b.weight), 0)"
    " OR d.stops - d.free_stops <> COUNT(b.order_number)";

}  // namespace

Reconciliation reconcile(const xabridge::Config& config) {
  const auto book = examples::connect_postgresql(config, order_book);
  const auto stock = examples::connect_mysql(config, warehouse);
  const auto transport = examples::connect_mysql(config, carrier);

  Reconciliation result;
  result.orders = number_in(book.query("SELECT count(*) FROM customer_order"));
  result.pieces_ordered =
      number_in(book.query("SELECT coalesce(sum(quantity), 0)::bigint FROM order_line"));
  result.pieces_picked =
      number_in(stock.query("SELECT CAST(COALESCE(SUM(quantity), 0) AS SIGNED) FROM picking"));
  result.bookings = number_in(transport.query("SELECT COUNT(*) FROM transport_booking"));
  result.weight_ordered =
      number_in(book.query("SELECT coalesce(sum(weight), 0)::bigint FROM customer_order"));
  result.weight_booked = number_in(
      transport.query("SELECT CAST(COALESCE(SUM(weight), 0) AS SIGNED) FROM transport_booking"));

  compare({facts_in(book.query(lines_ordered)), "ordered"},
          {facts_in(stock.query(lines_picked)), "picked"}, result.faults);
  compare({facts_in(book.query(transports_ordered)), "ordered"},
          {facts_in(transport.query(transports_booked)), "booked"}, result.faults);
  add_faults(facts_in(book.query(wrong_debts)), result.faults);
  add_faults(facts_in(stock.query(wrong_stock)), result.faults);
  add_faults(facts_in(transport.query(wrong_vehicles)), result.faults);
  return result;
}

}  // namespace logistics
