// The order book's SQL; see the header.
#include "order_book.hpp"

namespace logistics::order_book_side {

namespace {

constexpr const char* tables[] = {
    "SET client_min_messages = warning",
    "DROP TABLE IF EXISTS order_line, customer_order, customer, product",
    "CREATE TABLE product (article text PRIMARY KEY, weight bigint NOT NULL CHECK (weight > 0),"
    " price bigint NOT NULL CHECK (price > 0))",
    "CREATE TABLE customer (number bigint PRIMARY KEY, town text NOT NULL,"
    " credit_limit bigint NOT NULL, owes bigint NOT NULL DEFAULT 0, CHECK (owes <= credit_limit))",
    "CREATE TABLE customer_order (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " customer bigint NOT NULL REFERENCES customer, weight bigint NOT NULL, amount bigint NOT "
    "NULL)",
    "CREATE TABLE order_line (order_number bigint REFERENCES customer_order,"
    " article text REFERENCES product, quantity bigint NOT NULL CHECK (quantity > 0),"
    " PRIMARY KEY (order_number, article))",
    "INSERT INTO product VALUES ('pipe', 12, 2000), ('pump', 40, 90000), ('tank', 400, 150000),"
    " ('valve', 3, 4500)",
};

struct Totals {
  std::int64_t weight = 0;
  std::int64_t amount = 0;
};

Totals totals_of(const Connection& connection, const Order& order) {
  Totals totals;
  for (const Line& line : order.lines) {
    const auto product =
        connection.query_row("SELECT weight, price FROM product WHERE article = $1", line.article);
    if (!product) throw Refused("unknown article " + line.article);
    totals.weight += line.quantity * product->get<std::int64_t>("weight");
    totals.amount += line.quantity * product->get<std::int64_t>("price");
  }
  return totals;
}

/// Adds to what the customer owes; returns the customer's town.
std::string charge(const Connection& connection, std::int64_t customer, std::int64_t amount) {
  const auto found = connection.query_row(
      "SELECT town, credit_limit - owes AS credit FROM customer WHERE number = $1 FOR UPDATE",
      customer);
  const std::string name = "customer " + std::to_string(customer);
  if (!found) throw Refused("unknown " + name);
  const auto credit = found->get<std::int64_t>("credit");
  if (amount > credit) {
    throw Refused(name + " is refused: the order is for " + std::to_string(amount) +
                  ", credit for " + std::to_string(credit) + " is left");
  }
  connection.execute("UPDATE customer SET owes = owes + $2 WHERE number = $1", customer, amount);
  return found->get<std::string>("town");
}

}  // namespace

void create_tables(const Connection& connection, std::int64_t customers) {
  for (const char* sql : tables) connection.execute(sql);
  connection.execute(
      "INSERT INTO customer SELECT n, (ARRAY['Bremen', 'Kassel', 'Ulm'])[1 + n % 3],"
      " CASE WHEN n % 10 = 0 THEN 0 ELSE 1000000000 END FROM generate_series(1, $1::bigint) n",
      customers);
}

Entered enter(const Connection& connection, const Order& order) {
  const Totals totals = totals_of(connection, order);
  const std::string town = charge(connection, order.customer, totals.amount);
  const auto entered = connection.query(
      "INSERT INTO customer_order (customer, weight, amount) VALUES ($1, $2, $3) RETURNING number",
      order.customer, totals.weight, totals.amount);
  const auto number = entered[0].get<std::int64_t>("number");
  for (const Line& line : order.lines) {
    connection.execute("INSERT INTO order_line VALUES ($1, $2, $3)", number, line.article,
                       line.quantity);
  }
  return {number, town, totals.weight};
}

void withdraw(const Connection& connection, std::int64_t number) {
  connection.execute(
      "UPDATE customer SET owes = owes - amount FROM customer_order o"
      " WHERE o.number = $1 AND customer.number = o.customer",
      number);
  connection.execute("DELETE FROM order_line WHERE order_number = $1", number);
  connection.execute("DELETE FROM customer_order WHERE number = $1", number);
}

}  // namespace logistics::order_book_side
