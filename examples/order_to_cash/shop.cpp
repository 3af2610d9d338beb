// The shop's SQL; see the header.
#include "shop.hpp"

namespace order_to_cash::shop_side {

namespace {

constexpr const char* tables[] = {
    "SET client_min_messages = warning",
    "DROP TABLE IF EXISTS sale, offer, buyer, shelf",
    "CREATE TABLE shelf (article text PRIMARY KEY, received bigint NOT NULL,"
    " quantity bigint NOT NULL CHECK (quantity >= 0))",
    "CREATE TABLE offer (name text PRIMARY KEY, shelf_article text NOT NULL REFERENCES shelf,"
    " supplier_article text NOT NULL, price bigint NOT NULL,"
    " supplier_part bigint NOT NULL CHECK (supplier_part BETWEEN 1 AND price))",
    "CREATE TABLE buyer (number bigint PRIMARY KEY, opening bigint NOT NULL,"
    " money bigint NOT NULL CHECK (money >= 0))",
    "CREATE TABLE sale (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " buyer bigint NOT NULL REFERENCES buyer, offer text NOT NULL REFERENCES offer,"
    " quantity bigint NOT NULL CHECK (quantity > 0), paid bigint NOT NULL,"
    " supplier_part bigint NOT NULL)",
};

constexpr const char* offers[] = {
    "INSERT INTO offer VALUES ('commuter', 'city bicycle', 'panniers', 89900, 7900)",
    "INSERT INTO offer VALUES ('family', 'cargo bicycle', 'child seat', 249900, 11900)",
    "INSERT INTO offer VALUES ('tourer', 'touring bicycle', 'tent', 159900, 32900)",
};

/// What is wrong when the buyer's money did not change.
[[noreturn]] void refuse_buyer(const Connection& connection, std::int64_t buyer,
                               std::int64_t price) {
  const std::string name = "buyer " + std::to_string(buyer);
  const auto found = connection.query_row("SELECT money FROM buyer WHERE number = $1", buyer);
  if (!found) throw Refused("unknown " + name);
  throw Refused(name + " has " + found->get<std::string>("money") + ", " + std::to_string(price) +
                " are to pay");
}

}  // namespace

void create_tables(const Connection& connection, std::int64_t buyers, std::int64_t money,
                   std::int64_t sales) {
  for (const char* sql : tables) connection.execute(sql);
  for (const char* article : {"cargo bicycle", "city bicycle", "touring bicycle"}) {
    connection.execute("INSERT INTO shelf VALUES ($1, $2, $2)", article, sales);
  }
  for (const char* sql : offers) connection.execute(sql);
  connection.execute(
      "INSERT INTO buyer SELECT n, $2::bigint, $2::bigint FROM generate_series(1, $1::bigint) n",
      buyers, money);
}

Sale sell(const Connection& connection, const Order& order) {
  const auto offer = connection.query_row(
      "SELECT shelf_article, supplier_article, price * $2::bigint AS price,"
      " supplier_part * $2::bigint AS supplier_part FROM offer WHERE name = $1",
      order.offer, order.quantity);
  if (!offer) throw Refused("unknown offer " + order.offer);
  const auto article = offer->get<std::string>("shelf_article");
  Sale sale{0, offer->get<std::string>("supplier_article"), order.quantity,
            offer->get<std::int64_t>("price"), offer->get<std::int64_t>("supplier_part")};

  const auto paid = connection.execute(
      "UPDATE buyer SET money = money - $2::bigint WHERE number = $1 AND money >= $2", order.buyer,
      sale.paid);
  if (paid == 0) refuse_buyer(connection, order.buyer, sale.paid);

  const auto taken = connection.execute(
      "UPDATE shelf SET quantity = quantity - $2::bigint WHERE article = $1 AND quantity >= $2",
      article, order.quantity);
  if (taken == 0) throw Refused(article + " is sold out in the shop");

  const auto sold = connection.query(
      "INSERT INTO sale (buyer, offer, quantity, paid, supplier_part)"
      " VALUES ($1, $2, $3, $4, $5) RETURNING number",
      order.buyer, order.offer, order.quantity, sale.paid, sale.supplier_part);
  sale.number = sold[0].get<std::int64_t>("number");
  return sale;
}

void take_back(const Connection& connection, const Sale& sale) {
  connection.execute(
      "UPDATE buyer SET money = money + s.paid FROM sale s"
      " WHERE s.number = $1 AND buyer.number = s.buyer",
      sale.number);
  connection.execute(
      "UPDATE shelf SET quantity = shelf.quantity + s.quantity FROM sale s, offer o"
      " WHERE s.number = $1 AND o.name = s.offer AND shelf.article = o.shelf_article",
      sale.number);
  connection.execute("DELETE FROM sale WHERE number = $1", sale.number);
}

}  // namespace order_to_cash::shop_side
