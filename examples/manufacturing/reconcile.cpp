// The reconciliation; see the header.
#include "reconcile.hpp"

#include <map>
#include <set>
#include <utility>

#include "../common/direct_connection.hpp"
#include "../common/postgresql_query.hpp"
#include "work_order.hpp"

namespace manufacturing {
namespace {

using examples::mysql::query;
using examples::postgresql::execute;
using Orders = std::set<std::int64_t>;
using Bins = std::map<std::pair<std::string, std::string>, std::int64_t>;

Orders orders_in(PGconn* books, const char* sql) {
  Orders orders;
  const auto rows = execute(books, sql);
  for (int row = 0; row < rows.count(); ++row) orders.insert(rows.number(row, 0));
  return orders;
}

Orders orders_in(sql::Connection& floor, const char* sql) {
  Orders orders;
  auto rows = query(floor, sql);
  while (rows.next()) orders.insert(rows.number(1));
  return orders;
}

void expect_same(const Orders& released, const Orders& found, const char* what,
                 Reconciliation& result) {
  for (const std::int64_t order : released) {
    if (!found.contains(order)) {
      result.faults.push_back("released order " + std::to_string(order) + " has no " + what);
    }
  }
  for (const std::int64_t order : found) {
    if (!released.contains(order)) {
      result.faults.push_back("order " + std::to_string(order) + " is not released and has a " +
                              what);
    }
  }
}

/// Reserved material must be the bill of material times the quantity, for released orders and no
/// others.
void check_reservations(PGconn* books, Reconciliation& result) {
  const auto rows = execute(
      books,
      "SELECT coalesce(n.number, r.work_order), coalesce(n.material, r.material), "
      "coalesce(n.quantity, 0),"
      " coalesce(r.quantity, 0)"
      " FROM (SELECT o.number, b.material, b.quantity * o.quantity AS quantity FROM work_order o"
      "       JOIN bill_of_material b USING (product) WHERE o.state = 'released') n"
      " FULL JOIN (SELECT work_order, material, sum(quantity)::bigint AS quantity FROM "
      "material_reservation"
      "       GROUP BY work_order, material) r ON r.work_order = n.number AND r.material = "
      "n.material"
      " WHERE n.quantity IS DISTINCT FROM r.quantity");
  for (int row = 0; row < rows.count(); ++row) {
    result.faults.push_back("order " + rows.text(row, 0) + " needs " + rows.text(row, 2) + " of " +
                            rows.text(row, 1) + " and has " + rows.text(row, 3) + " reserved");
  }
}

/// What left the bins on the shop floor must be what the ERP reserved there.
void check_bins(PGconn* books, sql::Connection& floor, Reconciliation& result) {
  Bins reserved;
  const auto rows = execute(books,
                            "SELECT material, bin, sum(quantity)::bigint FROM material_reservation "
                            "GROUP BY material, bin");
  for (int row = 0; row < rows.count(); ++row) {
    reserved[{rows.text(row, 0), rows.text(row, 1)}] = rows.number(row, 2);
  }
  auto bins = query(floor, "SELECT material, bin, received - quantity FROM stock_bin");
  while (bins.next()) {
    const std::pair bin{bins.text(1), bins.text(2)};
    const std::int64_t expected = reserved.contains(bin) ? reserved[bin] : 0;
    if (bins.number(3) != expected) {
      result.faults.push_back(std::to_string(bins.number(3)) + " of " + bin.first + " left bin " +
                              bin.second + ", " + std::to_string(expected) + " are reserved");
    }
    reserved.erase(bin);
  }
  for (const auto& [bin, quantity] : reserved) {
    result.faults.push_back(bin.first + " is reserved in bin " + bin.second +
                            ", which does not exist");
  }
}

/// Each slot and lot must be the one its order asked for.
void check_details(PGconn* books, sql::Connection& floor, Reconciliation& result) {
  const auto rows = execute(
      books,
      "SELECT number, machine, slot, product, quantity FROM work_order WHERE state = 'released'");
  std::map<std::int64_t, std::string> wanted;
  for (int row = 0; row < rows.count(); ++row) {
    wanted[rows.number(row, 0)] = rows.text(row, 1) + "/" + rows.text(row, 2) + " " +
                                  rows.text(row, 3) + "*" + rows.text(row, 4);
  }
  auto found = query(floor,
                     "SELECT l.work_order, s.machine, s.slot, l.product, l.quantity"
                     " FROM production_lot l JOIN machine_slot s ON s.work_order = l.work_order");
  while (found.next()) {
    const std::int64_t order = found.number(1);
    const std::string has =
        found.text(2) + "/" + found.text(3) + " " + found.text(4) + "*" + found.text(5);
    if (wanted.contains(order) && wanted[order] != has) {
      result.faults.push_back("order " + std::to_string(order) + " wants " + wanted[order] +
                              " and has " + has);
    }
  }
}

}  // namespace

Reconciliation reconcile(const xabridge::Config& config) {
  const auto books = examples::connect_postgresql(config, erp);
  const auto floor = examples::connect_mysql(config, shop_floor);
  const Orders released =
      orders_in(books.get(), "SELECT number FROM work_order WHERE state = 'released'");
  const Orders costs = orders_in(books.get(), "SELECT work_order FROM cost_posting");
  const Orders slots = orders_in(*floor, "SELECT work_order FROM machine_slot");
  const Orders lots = orders_in(*floor, "SELECT work_order FROM production_lot");

  Reconciliation result;
  result.planned =
      execute(books.get(), "SELECT count(*) FROM work_order WHERE state = 'planned'").number(0, 0);
  result.reservations =
      execute(books.get(), "SELECT count(*) FROM material_reservation").number(0, 0);
  result.released = static_cast<long>(released.size());
  result.cost_postings = static_cast<long>(costs.size());
  result.slots = static_cast<long>(slots.size());
  result.lots = static_cast<long>(lots.size());
  expect_same(released, costs, "cost posting", result);
  expect_same(released, slots, "machine slot", result);
  expect_same(released, lots, "production lot", result);
  check_reservations(books.get(), result);
  check_bins(books.get(), *floor, result);
  check_details(books.get(), *floor, result);
  return result;
}

}  // namespace manufacturing
