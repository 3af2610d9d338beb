// Accepting an order, as one global transaction over three databases: the part to copy from.
//
// An order is accepted only when the customer has the credit, the warehouses have the goods and a
// vehicle has room. Otherwise nothing is written anywhere.
#pragma once

#include <functional>
#include <xabridge/mysql.hpp>
#include <xabridge/postgresql.hpp>

#include "order.hpp"

namespace logistics {

/// One connection at each database, each with a transaction open.
struct Databases {
  xabridge::PostgresqlConnection order_book;
  xabridge::MysqlConnection warehouse;
  xabridge::MysqlConnection carrier;
};

/// What is written at each of them, in the transactions of the given connections. Returns the
/// order's number. Throws Refused.
[[nodiscard]] std::int64_t write_order(const Databases& databases, const Order& order);

struct Accepted {
  std::int64_t number = 0;
  xabridge::Outcome outcome;
};

/// Begins, writes, commits; repeats after a deadlock. Throws Refused, and xabridge::Exception when
/// a database cannot be used: in both cases nothing is written.
[[nodiscard]] Accepted accept(xabridge::TransactionManager& tm, const Order& order);

/// How a client has its orders accepted.
using Desk = std::function<Accepted(const Order&)>;

}  // namespace logistics
