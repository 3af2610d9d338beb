// The shop's SQL; see the header.
#include "shop.hpp"

#include "../common/postgresql_query.hpp"

namespace order_to_cash::shop_side {

using examples::postgresql::execute;

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
[[noreturn]] void refuse_buyer(PGconn* connection, std::int64_t buyer, std::int64_t price) {
  const std::string name = "buyer " + std::to_string(buyer);
  const auto rows = execute(connection, "SELECT money FROM buyer WHERE number = $1", {buyer});
  if (rows.count() == 0) throw Refused("unknown " + name);
  throw Refused(name + " has " + rows.text(0, 0) + ", " + std::to_string(price) + " are to pay");
}

}  // namespace

void create_tables(PGconn* connection, std::int64_t buyers, std::int64_t money,
                   std::int64_t sales) {
  for (const char* sql : tables) execute(connection, sql);
  for (const char* article : {"cargo bicycle", "city bicycle", "touring bicycle"}) {
    execute(connection, "INSERT INTO shelf VALUES ($1, $2, $2)", {std::string(article), sales});
  }
  for (const char* sql : offers) execute(connection, sql);
  execute(
      connection,
      "INSERT INTO buyer SELECT n, $2::bigint, $2::bigint FROM generate_series(1, $1::bigint) n",
      {buyers, money});
}

Sale sell(PGconn* connection, const Order& order) {
  const auto offer = execute(connection,
                             "SELECT shelf_article, supplier_article, price * $2::bigint,"
                             " supplier_part * $2::bigint FROM offer WHERE name = $1",
                             {order.offer, order.quantity});
  if (offer.count() == 0) throw Refused("unknown offer " + order.offer);
  Sale sale{0, offer.text(0, 1), order.quantity, offer.number(0, 2), offer.number(0, 3)};

  const auto paid = execute(
      connection, "UPDATE buyer SET money = money - $2::bigint WHERE number = $1 AND money >= $2",
      {order.buyer, sale.paid});
  if (paid.affected() == 0) refuse_buyer(connection, order.buyer, sale.paid);

  const auto taken = execute(connection,
                             "UPDATE shelf SET quantity = quantity - $2::bigint"
                             " WHERE article = $1 AND quantity >= $2",
                             {offer.text(0, 0), order.quantity});
  if (taken.affected() == 0) throw Refused(offer.text(0, 0) + " is sold out in the shop");

  sale.number = execute(connection,
                        "INSERT INTO sale (buyer, offer, quantity, paid, supplier_part)"
                        " VALUES ($1, $2, $3, $4, $5) RETURNING number",
                        {order.buyer, order.offer, order.quantity, sale.paid, sale.supplier_part})
                    .number(0, 0);
  return sale;
}

void take_back(PGconn* connection, const Sale& sale) {
  execute(connection,
          "UPDATE buyer SET money = money + s.paid FROM sale s"
          " WHERE s.number = $1 AND buyer.number = s.buyer",
          {sale.number});
  execute(connection,
          "UPDATE shelf SET quantity = shelf.quantity + s.quantity FROM sale s, offer o"
          " WHERE s.number = $1 AND o.name = s.offer AND shelf.article = o.shelf_article",
          {sale.number});
  execute(connection, "DELETE FROM sale WHERE number = $1", {sale.number});
}

}  // namespace order_to_cash::shop_side
