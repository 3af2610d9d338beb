// The shop floor's SQL; see the header.
#include "shop_floor.hpp"

#include <algorithm>

namespace manufacturing::shop_floor_side {

using examples::mysql::execute;
using examples::mysql::query;

namespace {

constexpr const char* tables[] = {
    "DROP TABLE IF EXISTS stock_bin, machine_slot, production_lot",
    "CREATE TABLE stock_bin (material VARCHAR(40), bin VARCHAR(40), received BIGINT NOT NULL,"
    " quantity BIGINT NOT NULL CHECK (quantity >= 0), PRIMARY KEY (material, bin)) ENGINE = InnoDB",
    "CREATE TABLE machine_slot (machine VARCHAR(40), slot BIGINT, work_order BIGINT NOT NULL "
    "UNIQUE,"
    " PRIMARY KEY (machine, slot)) ENGINE = InnoDB",
    "CREATE TABLE production_lot (work_order BIGINT PRIMARY KEY, product VARCHAR(40) NOT NULL,"
    " quantity BIGINT NOT NULL) ENGINE = InnoDB",
};

void fill_bin(sql::Connection& connection, const char* material, const char* bin,
              std::int64_t quantity) {
  execute(connection, "INSERT INTO stock_bin VALUES (?, ?, ?, ?)",
          {std::string(material), std::string(bin), quantity, quantity});
}

}  // namespace

void create_tables(sql::Connection& connection, std::int64_t orders) {
  for (const char* sql : tables) execute(connection, sql);
  // Orders are for one to three pieces: two on average. Two bins a material, so that an order may
  // need both.
  fill_bin(connection, "frame", "north", orders);
  fill_bin(connection, "frame", "south", orders);
  fill_bin(connection, "wheel", "north", orders * 2);
  fill_bin(connection, "wheel", "south", orders * 2);
  fill_bin(connection, "screw", "north", orders * 40);
}

std::vector<Reservation> take_from_stock(sql::Connection& connection, const Need& need) {
  std::vector<Reservation> taken;
  std::int64_t missing = need.quantity;
  auto bins = query(
      connection, "SELECT bin, quantity FROM stock_bin WHERE material = ? ORDER BY bin FOR UPDATE",
      {need.material});
  while (missing > 0 && bins.next()) {
    const std::int64_t quantity = std::min(missing, bins.number(2));
    if (quantity == 0) continue;
    taken.push_back({need.material, bins.text(1), quantity});
    missing -= quantity;
  }
  if (missing > 0) {
    throw NotReleased("shortage of " + need.material + ": " + std::to_string(missing) + " of " +
                      std::to_string(need.quantity) + " are missing");
  }
  for (const Reservation& part : taken) {
    execute(connection,
            "UPDATE stock_bin SET quantity = quantity - ? WHERE material = ? AND bin = ?",
            {part.quantity, part.material, part.bin});
  }
  return taken;
}

void occupy_slot(sql::Connection& connection, const WorkOrder& order) {
  try {
    execute(connection, "INSERT INTO machine_slot VALUES (?, ?, ?)",
            {order.machine, order.slot, order.number});
  } catch (const sql::SQLException& error) {
    if (error.getErrorCode() != examples::mysql::duplicate_key) throw;
    throw NotReleased("machine " + order.machine + " is taken in slot " +
                      std::to_string(order.slot));
  }
}

void open_lot(sql::Connection& connection, const WorkOrder& order) {
  execute(connection, "INSERT INTO production_lot VALUES (?, ?, ?)",
          {order.number, order.product, order.quantity});
}

}  // namespace manufacturing::shop_floor_side
