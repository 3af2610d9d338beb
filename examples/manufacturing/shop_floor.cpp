// The shop floor's SQL; see the header.
#include "shop_floor.hpp"

#include <algorithm>

namespace manufacturing::shop_floor_side {

namespace {

constexpr int duplicate_key = 1062;

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

void fill_bin(const Connection& connection, const char* material, const char* bin,
              std::int64_t quantity) {
  connection.execute("INSERT INTO stock_bin VALUES (?, ?, ?, ?)", material, bin, quantity,
                     quantity);
}

}  // namespace

void create_tables(const Connection& connection, std::int64_t orders) {
  for (const char* sql : tables) connection.execute(sql);
  // Orders are for one to three pieces: two on average. Two bins a material, so that an order may
  // need both.
  fill_bin(connection, "frame", "north", orders);
  fill_bin(connection, "frame", "south", orders);
  fill_bin(connection, "wheel", "north", orders * 2);
  fill_bin(connection, "wheel", "south", orders * 2);
  fill_bin(connection, "screw", "north", orders * 40);
}

std::vector<Reservation> take_from_stock(const Connection& connection, const Need& need) {
  std::vector<Reservation> taken;
  std::int64_t missing = need.quantity;
  for (const xabridge::Row& bin : connection.query(
           "SELECT bin, quantity FROM stock_bin WHERE material = ? ORDER BY bin FOR UPDATE",
           need.material)) {
    const std::int64_t quantity = std::min(missing, bin.get<std::int64_t>("quantity"));
    if (quantity == 0) continue;
    taken.push_back({need.material, bin.get<std::string>("bin"), quantity});
    missing -= quantity;
  }
  if (missing > 0) {
    throw NotReleased("shortage of " + need.material + ": " + std::to_string(missing) + " of " +
                      std::to_string(need.quantity) + " are missing");
  }
  for (const Reservation& part : taken) {
    connection.execute(
        "UPDATE stock_bin SET quantity = quantity - ? WHERE material = ? AND bin = ?",
        part.quantity, part.material, part.bin);
  }
  return taken;
}

void occupy_slot(const Connection& connection, const WorkOrder& order) {
  try {
    connection.execute("INSERT INTO machine_slot VALUES (?, ?, ?)", order.machine, order.slot,
                       order.number);
  } catch (const xabridge::StatementError& failure) {
    if (failure.vendor_code() != duplicate_key) throw;
    throw NotReleased("machine " + order.machine + " is taken in slot " +
                      std::to_string(order.slot));
  }
}

void open_lot(const Connection& connection, const WorkOrder& order) {
  connection.execute("INSERT INTO production_lot VALUES (?, ?, ?)", order.number, order.product,
                     order.quantity);
}

}  // namespace manufacturing::shop_floor_side
