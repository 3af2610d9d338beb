// The ERP side's SQL; see the header.
#include "erp.hpp"

namespace manufacturing::erp_side {

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

void create_tables(const Connection& connection, const std::vector<WorkOrder>& orders) {
  for (const char* sql : tables) connection.execute(sql);
  for (const WorkOrder& order : orders) {
    connection.execute("INSERT INTO work_order VALUES ($1, $2, $3, $4, $5, $6, $7)", order.number,
                       order.product, order.quantity, order.machine, order.slot, order.cost_center,
                       order.cost);
  }
}

WorkOrder planned_order(const Connection& connection, std::int64_t number) {
  const auto found = connection.query_row(
      "SELECT product, quantity, machine, slot, cost_center, cost, state FROM work_order"
      " WHERE number = $1 FOR UPDATE",
      number);
  const std::string name = "work order " + std::to_string(number);
  if (!found) throw NotReleased(name + " does not exist");
  if (found->get<std::string>("state") != "planned")
    throw NotReleased(name + " is released already");
  return {number,
          found->get<std::string>("product"),
          found->get<std::int64_t>("quantity"),
          found->get<std::string>("machine"),
          found->get<std::int64_t>("slot"),
          found->get<std::string>("cost_center"),
          found->get<std::int64_t>("cost")};
}

std::vector<Need> needs_of(const Connection& connection, const WorkOrder& order) {
  std::vector<Need> needs;
  for (const xabridge::Row& row :
       connection.query("SELECT material, quantity * $2::bigint AS quantity FROM bill_of_material"
                        " WHERE product = $1 ORDER BY material COLLATE \"C\"",
                        order.product, order.quantity)) {
    needs.push_back({row.get<std::string>("material"), row.get<std::int64_t>("quantity")});
  }
  if (needs.empty()) throw NotReleased("product " + order.product + " has no bill of material");
  return needs;
}

void reserve(const Connection& connection, const WorkOrder& order,
             const std::vector<Reservation>& reservations) {
  for (const Reservation& reservation : reservations) {
    connection.execute("INSERT INTO material_reservation VALUES ($1, $2, $3, $4)", order.number,
                       reservation.material, reservation.bin, reservation.quantity);
  }
}

void post_cost(const Connection& connection, const WorkOrder& order) {
  connection.execute("INSERT INTO cost_posting VALUES ($1, $2, $3)", order.number,
                     order.cost_center, order.cost);
}

void mark_released(const Connection& connection, const WorkOrder& order) {
  connection.execute("UPDATE work_order SET state = 'released' WHERE number = $1", order.number);
}

void plan_again(const Connection& connection, std::int64_t number) {
  connection.execute("DELETE FROM material_reservation WHERE work_order = $1", number);
  connection.execute("DELETE FROM cost_posting WHERE work_order = $1", number);
  connection.execute("UPDATE work_order SET state = 'planned' WHERE number = $1", number);
}

std::vector<std::int64_t> planned_orders(const Connection& connection) {
  std::vector<std::int64_t> numbers;
  for (const xabridge::Row& row :
       connection.query("SELECT number FROM work_order WHERE state = 'planned' ORDER BY number")) {
    numbers.push_back(row.get<std::int64_t>("number"));
  }
  return numbers;
}

}  // namespace manufacturing::erp_side
