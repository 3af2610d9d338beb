// The words of the forwarding trade: who orders what, and where each part of it is kept.
//
//   order book (PostgreSQL)  product            what a piece weighs and costs
//                            customer           where to, how much credit, how much is owed
//                            customer_order     one row per accepted order
//                            order_line         what was ordered
//   warehouse (MySQL)        warehouse_stock    what lies in which warehouse
//                            picking            what an order takes from where
//   carrier (MariaDB)        departure          a vehicle to a town: weight and stops left
//                            transport_booking  one per accepted order
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../common/refused.hpp"

namespace logistics {

/// The names of the resource managers in the configuration.
inline constexpr auto order_book = "order_book";
inline constexpr auto warehouse = "warehouse";
inline constexpr auto carrier = "carrier";

using examples::Refused;

struct Line {
  std::string article;
  std::int64_t quantity = 0;
};

/// What a customer asks for.
struct Order {
  std::int64_t customer = 0;
  std::vector<Line> lines;  // sorted by article, each once: every order locks stock in this order
};

/// What the order book makes of it.
struct Entered {
  std::int64_t number = 0;
  std::string town;
  std::int64_t weight = 0;  // kg, of all lines
};

/// From "pump:2" and so on. Throws Refused: not of this form, an article twice, no lines.
[[nodiscard]] Order parse_order(std::int64_t customer, const std::vector<std::string>& lines);

}  // namespace logistics
