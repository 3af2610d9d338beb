// The supplier's SQL; see the header.
#include "supplier.hpp"

namespace order_to_cash::supplier_side {

namespace {

constexpr const char* tables[] = {
    "DROP TABLE IF EXISTS supplier_stock, shipment, remittance",
    "CREATE TABLE supplier_stock (article VARCHAR(40) PRIMARY KEY, received BIGINT NOT NULL,"
    " quantity BIGINT NOT NULL CHECK (quantity >= 0)) ENGINE = InnoDB",
    "CREATE TABLE shipment (sale BIGINT PRIMARY KEY, article VARCHAR(40) NOT NULL,"
    " quantity BIGINT NOT NULL CHECK (quantity > 0)) ENGINE = InnoDB",
    "CREATE TABLE remittance (sale BIGINT PRIMARY KEY, amount BIGINT NOT NULL CHECK (amount > 0))"
    " ENGINE = InnoDB",
};

}  // namespace

void create_tables(const Connection& connection, std::int64_t sales) {
  for (const char* sql : tables) connection.execute(sql);
  for (const char* article : {"child seat", "panniers", "tent"}) {
    connection.execute("INSERT INTO supplier_stock VALUES (?, ?, ?)", article, sales, sales);
  }
}

void deliver(const Connection& connection, const Sale& sale) {
  const auto taken = connection.execute(
      "UPDATE supplier_stock SET quantity = quantity - ? WHERE article = ? AND quantity >= ?",
      sale.quantity, sale.supplier_article, sale.quantity);
  if (taken == 0) throw Refused(sale.supplier_article + " is sold out at the supplier");
  connection.execute("INSERT INTO shipment VALUES (?, ?, ?)", sale.number, sale.supplier_article,
                     sale.quantity);
  connection.execute("INSERT INTO remittance VALUES (?, ?)", sale.number, sale.supplier_part);
}

}  // namespace order_to_cash::supplier_side
