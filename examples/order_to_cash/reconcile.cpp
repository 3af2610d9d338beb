// The reconciliation; see the header.
#include "reconcile.hpp"

#include "../common/direct_connection.hpp"
#include "../common/facts.hpp"
#include "sale.hpp"

namespace order_to_cash {
namespace {

using examples::add_faults;
using examples::compare;
using examples::facts_in;
using examples::number_in;

constexpr auto sold =
    "SELECT 'sale ' || s.number, s.quantity || ' ' || o.supplier_article"
    " FROM sale s JOIN offer o ON o.name = s.offer";
constexpr auto shipped =
    "SELECT CONCAT('sale ', sale), CONCAT(quantity, ' ', article) FROM shipment";
constexpr auto owed_to_supplier = "SELECT 'sale ' || number, supplier_part FROM sale";
constexpr auto remitted = "SELECT CONCAT('sale ', sale), amount FROM remittance";

constexpr auto wrong_money =
    "SELECT 'buyer ' || b.number, (b.opening - b.money) || ' less in the purse, '"
    " || coalesce(sum(s.paid), 0) || ' paid in sales' FROM buyer b LEFT JOIN sale s"
    " ON s.buyer = b.number GROUP BY b.number"
    " HAVING b.opening - b.money <> coalesce(sum(s.paid), 0)";
constexpr auto wrong_shelf =
    "SELECT h.article, (h.received - h.quantity) || ' left the shelf, '"
    " || coalesce(sum(s.quantity), 0) || ' sold' FROM shelf h"
    " LEFT JOIN offer o ON o.shelf_article = h.article LEFT JOIN sale s ON s.offer = o.name"
    " GROUP BY h.article HAVING h.received - h.quantity <> coalesce(sum(s.quantity), 0)";
constexpr auto wrong_stock =
    "SELECT t.article, CONCAT(t.received - t.quantity, ' left the stock, ',"
    " COALESCE(SUM(h.quantity), 0), ' shipped') FROM supplier_stock t"
    " LEFT JOIN shipment h ON h.article = t.article GROUP BY t.article, t.received, t.quantity"
    " HAVING t.received - t.quantity <> COALESCE(SUM(h.quantity), 0)";

}  // namespace

Reconciliation reconcile(const xabridge::Config& config) {
  const auto at_shop = examples::connect_postgresql(config, shop);
  const auto at_supplier = examples::connect_mysql(config, supplier);

  Reconciliation result;
  result.sales = number_in(at_shop.query("SELECT count(*) FROM sale"));
  result.shipments = number_in(at_supplier.query("SELECT COUNT(*) FROM shipment"));
  result.paid_by_buyers =
      number_in(at_shop.query("SELECT coalesce(sum(opening - money), 0)::bigint FROM buyer"));
  result.kept_by_shop =
      number_in(at_shop.query("SELECT coalesce(sum(paid - supplier_part), 0)::bigint FROM sale"));
  result.got_by_supplier = number_in(
      at_supplier.query("SELECT CAST(COALESCE(SUM(amount), 0) AS SIGNED) FROM remittance"));

  compare({facts_in(at_shop.query(sold)), "sold"},
          {facts_in(at_supplier.query(shipped)), "shipped"}, result.faults);
  compare({facts_in(at_shop.query(owed_to_supplier)), "due to the supplier"},
          {facts_in(at_supplier.query(remitted)), "remitted"}, result.faults);
  add_faults(facts_in(at_shop.query(wrong_money)), result.faults);
  add_faults(facts_in(at_shop.query(wrong_shelf)), result.faults);
  add_faults(facts_in(at_supplier.query(wrong_stock)), result.faults);
  if (result.paid_by_buyers != result.kept_by_shop + result.got_by_supplier) {
    result.faults.push_back("the buyers paid " + std::to_string(result.paid_by_buyers) +
                            ", shop and supplier together got " +
                            std::to_string(result.kept_by_shop + result.got_by_supplier));
  }
  return result;
}

}  // namespace order_to_cash
