// A sale, as one global transaction over the shop's database (PostgreSQL) and its supplier's (MySQL
// or MariaDB): the part to copy from.
//
// An offer is two articles for one price: one stands in the shop, the other is sent by the
// supplier. The buyer pays once; the supplier gets its part of it at the same moment. Either the
// buyer gets both articles and both sellers get their money, or nothing happens.
//
//   shop      offer           what goes together, its price, the supplier's part of it
//             buyer           what the buyer has to spend
//             shelf           what stands in the shop
//             sale            one row per sale: what was paid, and how much of it is the supplier's
//   supplier  supplier_stock  what lies at the supplier
//             shipment        one per sale
//             remittance      one per sale: what the supplier got
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <xabridge/mysql.hpp>
#include <xabridge/postgresql.hpp>

#include "../common/refused.hpp"

namespace order_to_cash {

/// The names of the resource managers in the configuration.
inline constexpr auto shop = "shop";
inline constexpr auto supplier = "supplier";

using examples::Refused;

/// What a buyer asks for.
struct Order {
  std::int64_t buyer = 0;
  std::string offer;
  std::int64_t quantity = 0;
};

/// What the shop makes of it.
struct Sale {
  std::int64_t number = 0;
  std::string supplier_article;
  std::int64_t quantity = 0;
  std::int64_t paid = 0;           // in cents
  std::int64_t supplier_part = 0;  // of that
};

/// What a sale writes at both, in the transactions of the given connections. Throws Refused:
/// unknown buyer or offer, too little money, sold out here or there.
[[nodiscard]] Sale write_sale(const xabridge::PostgresqlConnection& at_shop,
                              const xabridge::MysqlConnection& at_supplier, const Order& order);

struct Sold {
  Sale sale;
  xabridge::Outcome outcome;
};

/// Begins, writes, commits; repeats after a deadlock. Throws Refused, and xabridge::Exception when
/// a database cannot be used: in both cases nothing is written.
[[nodiscard]] Sold sell(xabridge::TransactionManager& tm, const Order& order);

/// How a client sells.
using Till = std::function<Sold(const Order&)>;

}  // namespace order_to_cash
