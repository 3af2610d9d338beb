// The order-to-cash program over a shop's PostgreSQL and a supplier's MySQL or MariaDB: a sale
// takes goods at both and pays both, or does nothing at either.
#include <csignal>
#include <string>

#include "example.hpp"

namespace {

using example::Words;

class Shop : public example::Example {
 public:
  Shop()
      : Example("order-to-cash",
                {{"shop", "postgresql", ""}, {"supplier", scene::server_under_test(), ""}}) {
    init();
  }
  void init() const {
    const auto ran = run({"init", "--stock", "40"});
    INFO(ran.output);
    REQUIRE(ran.exit_code == 0);
  }

  void check_sales(std::int64_t sales) const {
    check_counts(sales);
    CHECK(scene().number("shop",
                         "SELECT count(*) FROM pg_prepared_xacts"
                         " WHERE database = current_database()") == 0);
    expect_ok({"reconcile"});
  }
  void check_counts(std::int64_t sales) const {
    CHECK(scene().number("shop", "SELECT count(*) FROM sale") == sales);
    CHECK(scene().number("supplier", "SELECT COUNT(*) FROM shipment") == sales);
    CHECK(scene().number("supplier", "SELECT COUNT(*) FROM remittance") == sales);
  }
};

}  // namespace

TEST_CASE("a sale takes goods at shop and supplier and one payment pays both") {
  const Shop shop;
  shop.expect(0, "sale 1, 89900 cents: committed", {"sell", "1", "commuter"});
  shop.expect(0, "sale 2, 499800 cents: committed", {"sell", "2", "family", "--quantity", "2"});
  CHECK(shop.scene().number("shop", "SELECT money FROM buyer WHERE number = 2") ==
        2500000 - 499800);
  CHECK(shop.scene().number("shop", "SELECT quantity FROM shelf WHERE article = 'cargo bicycle'") ==
        38);
  CHECK(shop.scene().number(
            "supplier", "SELECT quantity FROM supplier_stock WHERE article = 'child seat'") == 38);
  const auto ran = shop.run({"reconcile"});
  CHECK(ran.number("paid_by_buyers") == 589700);
  CHECK(ran.number("kept_by_shop") == 82000 + 476000);
  CHECK(ran.number("got_by_supplier") == 7900 + 23800);
  shop.check_sales(2);
}

TEST_CASE("a refused sale changes nothing at the shop and nothing at the supplier") {
  const Shop shop;
  shop.expect(example::refused, "unknown buyer 999", {"sell", "999", "commuter"});
  shop.expect(example::refused, "unknown offer moon", {"sell", "1", "moon"});
  shop.expect(example::refused, "buyer 1 has 2500000, 2748900 are to pay",
              {"sell", "1", "family", "--quantity", "11"});
  shop.expect(example::failed, "quantity", {"sell", "1", "family", "--quantity", "0"});
  shop.scene().execute("supplier",
                       "UPDATE supplier_stock SET quantity = 0, received = 0"
                       " WHERE article = 'panniers'");
  shop.expect(example::refused, "panniers is sold out at the supplier", {"sell", "1", "commuter"});
  shop.scene().execute("shop",
                       "UPDATE shelf SET quantity = 0, received = 0"
                       " WHERE article = 'touring bicycle'");
  shop.expect(example::refused, "touring bicycle is sold out in the shop", {"sell", "1", "tourer"});
  shop.check_sales(0);
  CHECK(shop.scene().number("shop", "SELECT count(*) FROM buyer WHERE money = 2500000") == 20);
}

TEST_CASE("many clients buying until it is sold out keep shop and supplier in agreement") {
  const Shop shop;
  for (const Words& how : {Words{"run"}, Words{"run", "--ad-hoc"}}) {
    Words words = how;
    words.insert(words.end(), {"--clients", "8", "--sales", "150"});
    shop.init();
    const auto ran = shop.run(words);
    INFO(ran.output);
    REQUIRE(ran.exit_code == 0);
    CHECK(ran.number("asked") == 150);
    CHECK(ran.number("committed") > 60);
    CHECK(ran.number("rolled_back") > 10);
    shop.check_sales(ran.number("committed"));
  }
}

TEST_CASE("killed at any step of a sale shop and supplier agree with the decision") {
  const Shop shop;
  std::int64_t expected = 0;
  for (const auto& step : example::steps_of_commit(2)) {
    INFO("killed at " << step.name);
    shop.kill_and_recover(step.name, {"sell", "1", "commuter"});
    if (step.written) ++expected;
    shop.check_counts(expected);
  }
  shop.check_sales(expected);
}

TEST_CASE("a sale written by hand and killed between the commits is paid and never shipped") {
  const Shop shop;
  const Words sell{"sell", "--ad-hoc", "1", "commuter"};
  std::int64_t expected = 0;
  for (const auto& step : example::harmless_ad_hoc_steps(2)) {
    INFO("killed at " << step.name);
    shop.kill(step.name, sell);
    if (step.written) ++expected;
  }
  shop.check_sales(expected);
  shop.kill_and_recover("committed:1", sell);
  const auto ran = shop.run({"reconcile"});
  INFO(ran.output);
  CHECK(ran.exit_code == example::books_differ);
  CHECK(ran.says("1 panniers sold, nothing shipped"));
  CHECK(ran.says("7900 due to the supplier, nothing remitted"));
  CHECK(ran.says("the buyers paid 269700, shop and supplier together got 261800"));
}
