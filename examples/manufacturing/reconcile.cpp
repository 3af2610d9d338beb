// The reconciliation; see the header.
#include "reconcile.hpp"

#include <map>
#include <set>
#include <utility>

#include "../common/direct_connection.hpp"
#include "../common/facts.hpp"
#include "work_order.hpp"

namespace manufacturing {
namespace {

using examples::number_in;
using xabridge::MysqlConnection;
using xabridge::PostgresqlConnection;
using xabridge::Row;
using Orders = std::set<std::int64_t>;
using Bins = std::map<std::pair<std::string, std::string>, std::int64_t>;

Orders orders_in(const xabridge::Rows& rows) {
  Orders orders;
  for (const Row& row : rows) orders.insert(row.get<std::int64_t>(0));
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
void check_reservations(const PostgresqlConnection& books, Reconciliation& result) {
  for (const Row& row :
       books.query("SELECT coalesce(n.number, r.work_order), coalesce(n.quantity, 0),"
                   " coalesce(n.material, r.material), coalesce(r.quantity, 0)"
                   " FROM (SELECT o.number, b.material, b.quantity * o.quantity AS quantity"
                   "       FROM work_order o JOIN bill_of_material b USING (product)"
                   "       WHERE o.state = 'released') n"
                   " FULL JOIN (SELECT work_order, material, sum(quantity)::bigint AS quantity"
                   "            FROM material_reservation GROUP BY work_order, material) r"
                   " ON r.work_order = n.number AND r.material = n.material"
                   " WHERE n.quantity IS DISTINCT FROM r.quantity")) {
    result.faults.push_back("order " + row.get<std::string>(0) + " needs " +
                            row.get<std::string>(1) + " of " + row.get<std::string>(2) +
                            " and has " + row.get<std::string>(3) + " reserved");
  }
}

/// What left the bins on the shop floor must be what the ERP reserved there.
void check_bins(const PostgresqlConnection& books, const MysqlConnection& floor,
                Reconciliation& result) {
  Bins reserved;
  for (const Row& row : books.query("SELECT material, bin, sum(quantity)::bigint"
                                    " FROM material_reservation GROUP BY material, bin")) {
    reserved[{row.get<std::string>(0), row.get<std::string>(1)}] = row.get<std::int64_t>(2);
  }
  for (const Row& row : floor.query("SELECT material, bin, received - quantity FROM stock_bin")) {
    const std::pair bin{row.get<std::string>(0), row.get<std::string>(1)};
    const auto left = row.get<std::int64_t>(2);
    const std::int64_t expected = reserved.contains(bin) ? reserved[bin] : 0;
    if (left != expected) {
      result.faults.push_back(std::to_string(left) + " of " + bin.first + " left bin " +
                              bin.second + ", " + std::to_string(expected) + " are reserved");
    }
    reserved.erase(bin);
  }
  for (const auto& [bin, quantity] : reserved) {
    result.faults.push_back(bin.first + " is reserved in bin " + bin.second +
                            ", which does not exist");
  }
}

/// "press-1/7 bicycle*2", of a row that has these after the number of the order.
std::string details_of(const Row& row) {
  return row.get<std::string>(1) + "/" + row.get<std::string>(2) + " " + row.get<std::string>(3) +
         "*" + row.get<std::string>(4);
}

/// Each slot and lot must be the one its order asked for.
void check_details(const PostgresqlConnection& books, const MysqlConnection& floor,
                   Reconciliation& result) {
  std::map<std::int64_t, std::string> wanted;
  for (const Row& row : books.query("SELECT number, machine, slot, product, quantity"
                                    " FROM work_order WHERE state = 'released'")) {
    wanted[row.get<std::int64_t>(0)] = details_of(row);
  }
  for (const Row& row :
       floor.query("SELECT l.work_order, s.machine, s.slot, l.product, l.quantity"
                   " FROM production_lot l JOIN machine_slot s ON s.work_order = l.work_order")) {
    const auto order = row.get<std::int64_t>(0);
    const std::string has = details_of(row);
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
      orders_in(books.query("SELECT number FROM work_order WHERE state = 'released'"));
  const Orders costs = orders_in(books.query("SELECT work_order FROM cost_posting"));
  const Orders slots = orders_in(floor.query("SELECT work_order FROM machine_slot"));
  const Orders lots = orders_in(floor.query("SELECT work_order FROM production_lot"));

  Reconciliation result;
  result.planned =
      number_in(books.query("SELECT count(*) FROM work_order WHERE state = 'planned'"));
  result.reservations = number_in(books.query("SELECT count(*) FROM material_reservation"));
  result.released = static_cast<long>(released.size());
  result.cost_postings = static_cast<long>(costs.size());
  result.slots = static_cast<long>(slots.size());
  result.lots = static_cast<long>(lots.size());
  expect_same(released, costs, "cost posting", result);
  expect_same(released, slots, "machine slot", result);
  expect_same(released, lots, "production lot", result);
  check_reservations(books, result);
  check_bins(books, floor, result);
  check_details(books, floor, result);
  return result;
}

}  // namespace manufacturing
