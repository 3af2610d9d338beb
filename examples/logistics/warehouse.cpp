// The warehouses' SQL; see the header.
#include "warehouse.hpp"

#include <algorithm>

namespace logistics::warehouse_side {

namespace {

constexpr const char* tables[] = {
    "DROP TABLE IF EXISTS warehouse_stock, picking",
    "CREATE TABLE warehouse_stock (article VARCHAR(40), warehouse VARCHAR(40),"
    " received BIGINT NOT NULL, quantity BIGINT NOT NULL CHECK (quantity >= 0),"
    " PRIMARY KEY (article, warehouse)) ENGINE = InnoDB",
    "CREATE TABLE picking (order_number BIGINT, article VARCHAR(40), warehouse VARCHAR(40),"
    " quantity BIGINT NOT NULL CHECK (quantity > 0),"
    " PRIMARY KEY (order_number, article, warehouse)) ENGINE = InnoDB",
};

void receive(const Connection& connection, const char* article, std::int64_t quantity) {
  for (const char* warehouse : {"north", "south"}) {
    connection.execute("INSERT INTO warehouse_stock VALUES (?, ?, ?, ?)", article, warehouse,
                       quantity, quantity);
  }
}

}  // namespace

void create_tables(const Connection& connection, std::int64_t orders) {
  for (const char* sql : tables) connection.execute(sql);
  receive(connection, "pipe", orders * 5);
  receive(connection, "pump", orders * 2);
  receive(connection, "tank", std::max<std::int64_t>(1, orders / 2));  // too few: some must wait
  receive(connection, "valve", orders * 2);
}

void pick(const Connection& connection, std::int64_t order, const Line& line) {
  std::int64_t missing = line.quantity;
  std::vector<std::pair<std::string, std::int64_t>> parts;
  for (const xabridge::Row& stock :
       connection.query("SELECT warehouse, quantity FROM warehouse_stock WHERE article = ?"
                        " ORDER BY warehouse FOR UPDATE",
                        line.article)) {
    const std::int64_t quantity = std::min(missing, stock.get<std::int64_t>("quantity"));
    if (quantity == 0) continue;
    parts.emplace_back(stock.get<std::string>("warehouse"), quantity);
    missing -= quantity;
  }
  if (missing > 0) {
    throw Refused("shortage of " + line.article + ": " + std::to_string(missing) + " of " +
                  std::to_string(line.quantity) + " are missing");
  }
  for (const auto& [warehouse, quantity] : parts) {
    connection.execute(
        "UPDATE warehouse_stock SET quantity = quantity - ? WHERE article = ? AND warehouse = ?",
        quantity, line.article, warehouse);
    connection.execute("INSERT INTO picking VALUES (?, ?, ?, ?)", order, line.article, warehouse,
                       quantity);
  }
}

void put_back(const Connection& connection, std::int64_t order) {
  connection.execute(
      "UPDATE warehouse_stock s JOIN picking p ON p.article = s.article"
      " AND p.warehouse = s.warehouse SET s.quantity = s.quantity + p.quantity"
      " WHERE p.order_number = ?",
      order);
  connection.execute("DELETE FROM picking WHERE order_number = ?", order);
}

}  // namespace logistics::warehouse_side
