// The ERP side's SQL; see the header.
#include "erp.hpp"

#include "../common/postgresql_query.hpp"

namespace manufacturing::erp_side {

using examples::postgresql::execute;

namespace {

constexpr const char* tables[] = {
    "SET client_min_messages = warning",
    "DROP TABLE IF EXISTS cost_posting, cost_center, material_reservation, work_order, "
    "bill_of_material",
    "CREATE TABLE bill_of_material (product text, material text, quantity bigint NOT NULL CHECK "
    "(quantity > 0),"
    " PRIMARY KEY (product, material))",
    "CREATE TABLE cost_center (name text PRIMARY KEY)",
    "CREATE TABLE work_order (number bigint PRIMARY KEY, product text NOT NULL,"
    " quantity bigint NOT NULL CHECK (quantity > 0), machine text NOT NULL, slot bigint NOT NULL,"
    " cost_center text NOT NULL, cost bigint NOT NULL,"
    " state text NOT NULL DEFAULT 'planned' CHECK (state IN ('planned', 'released')))",
    "CREATE TABLE material_reservation (work_order bigint REFERENCES work_order, material text, "
    "bin text,"
    " quantity bigint NOT NULL CHECK (quantity > 0), PRIMARY KEY (work_order, material, bin))",
    // Deferred, because an import may bring postings before their cost center. So a wrong one is
    // found when the transaction ends: in a global transaction, when PostgreSQL is asked to
    // prepare.
    "CREATE TABLE cost_posting (work_order bigint PRIMARY KEY REFERENCES work_order,"
    " cost_center text NOT NULL REFERENCES cost_center DEFERRABLE INITIALLY DEFERRED, amount "
    "bigint NOT NULL)",
    "INSERT INTO cost_center VALUES ('assembly'), ('paint')",
    "INSERT INTO bill_of_material VALUES ('bicycle', 'frame', 1), ('bicycle', 'wheel', 2), "
    "('bicycle', 'screw', 12),"
    " ('trailer', 'frame', 1), ('trailer', 'wheel', 2), ('trailer', 'screw', 20), ('ship', "
    "'engine', 1)",
};

}  // namespace

void create_tables(PGconn* connection, const std::vector<WorkOrder>& orders) {
  for (const char* sql : tables) execute(connection, sql);
  for (const WorkOrder& order : orders) {
    execute(connection, "INSERT INTO work_order VALUES ($1, $2, $3, $4, $5, $6, $7)",
            {order.number, order.product, order.quantity, order.machine, order.slot,
             order.cost_center, order.cost});
  }
}

WorkOrder planned_order(PGconn* connection, std::int64_t number) {
  const auto rows =
      execute(connection,
              "SELECT product, quantity, machine, slot, cost_center, cost, state FROM work_order"
              " WHERE number = $1 FOR UPDATE",
              {number});
  const std::string name = "work order " + std::to_string(number);
  if (rows.count() == 0) throw NotReleased(name + " does not exist");
  if (rows.text(0, 6) != "planned") throw NotReleased(name + " is released already");
  return {number,          rows.text(0, 0),  rows.number(0, 1), rows.text(0, 2), rows.number(0, 3),
          rows.text(0, 4), rows.number(0, 5)};
}

std::vector<Need> needs_of(PGconn* connection, const WorkOrder& order) {
  const auto rows =
      execute(connection,
              "SELECT material, quantity * $2::bigint FROM bill_of_material WHERE product = $1"
              " ORDER BY material COLLATE \"C\"",
              {order.product, order.quantity});
  std::vector<Need> needs;
  for (int row = 0; row < rows.count(); ++row)
    needs.push_back({rows.text(row, 0), rows.number(row, 1)});
  if (needs.empty()) throw NotReleased("product " + order.product + " has no bill of material");
  return needs;
}

void reserve(PGconn* connection, const WorkOrder& order,
             const std::vector<Reservation>& reservations) {
  for (const Reservation& reservation : reservations) {
    execute(connection, "INSERT INTO material_reservation VALUES ($1, $2, $3, $4)",
            {order.number, reservation.material, reservation.bin, reservation.quantity});
  }
}

void post_cost(PGconn* connection, const WorkOrder& order) {
  execute(connection, "INSERT INTO cost_posting VALUES ($1, $2, $3)",
          {order.number, order.cost_center, order.cost});
}

void mark_released(PGconn* connection, const WorkOrder& order) {
  execute(connection, "UPDATE work_order SET state = 'released' WHERE number = $1", {order.number});
}

void plan_again(PGconn* connection, std::int64_t number) {
  execute(connection, "DELETE FROM material_reservation WHERE work_order = $1", {number});
  execute(connection, "DELETE FROM cost_posting WHERE work_order = $1", {number});
  execute(connection, "UPDATE work_order SET state = 'planned' WHERE number = $1", {number});
}

std::vector<std::int64_t> planned_orders(PGconn* connection) {
  const auto rows =
      execute(connection, "SELECT number FROM work_order WHERE state = 'planned' ORDER BY number");
  std::vector<std::int64_t> numbers;
  for (int row = 0; row < rows.count(); ++row) numbers.push_back(rows.number(row, 0));
  return numbers;
}

}  // namespace manufacturing::erp_side
