// The carrier's SQL; see the header.
#include "carrier.hpp"

namespace logistics::carrier_side {

namespace {

constexpr std::int64_t capacity = 3000;  // kg
constexpr std::int64_t stops = 8;

constexpr const char* tables[] = {
    "DROP TABLE IF EXISTS departure, transport_booking",
    "CREATE TABLE departure (town VARCHAR(40), number BIGINT, capacity BIGINT NOT NULL,"
    " free BIGINT NOT NULL CHECK (free >= 0), stops BIGINT NOT NULL,"
    " free_stops BIGINT NOT NULL CHECK (free_stops >= 0), PRIMARY KEY (town, number))"
    " ENGINE = InnoDB",
    "CREATE TABLE transport_booking (order_number BIGINT PRIMARY KEY, town VARCHAR(40) NOT NULL,"
    " departure BIGINT NOT NULL, weight BIGINT NOT NULL CHECK (weight > 0)) ENGINE = InnoDB",
};

}  // namespace

void create_tables(const Connection& connection, std::int64_t orders) {
  for (const char* sql : tables) connection.execute(sql);
  for (const char* town : {"Bremen", "Kassel", "Ulm"}) {
    for (std::int64_t number = 1; number <= 1 + orders / (3 * stops); ++number) {
      connection.execute("INSERT INTO departure VALUES (?, ?, ?, ?, ?, ?)", town, number, capacity,
                         capacity, stops, stops);
    }
  }
}

void book(const Connection& connection, const Entered& order) {
  const auto found = connection.query_row(
      "SELECT number FROM departure WHERE town = ? AND free >= ? AND free_stops > 0"
      " ORDER BY number LIMIT 1 FOR UPDATE",
      order.town, order.weight);
  if (!found) {
    throw Refused("no vehicle to " + order.town + " has a stop and " +
                  std::to_string(order.weight) + " kg left");
  }
  const auto departure = found->get<std::int64_t>("number");
  connection.execute(
      "UPDATE departure SET free = free - ?, free_stops = free_stops - 1"
      " WHERE town = ? AND number = ?",
      order.weight, order.town, departure);
  connection.execute("INSERT INTO transport_booking VALUES (?, ?, ?, ?)", order.number, order.town,
                     departure, order.weight);
}

}  // namespace logistics::carrier_side
