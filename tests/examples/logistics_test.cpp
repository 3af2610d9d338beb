// The logistics program over PostgreSQL, MySQL and MariaDB in one transaction: an order is written
// in all three or, for a refused customer, a shortage, a full vehicle or a kill before the
// decision, in none. Written by hand, the same kill leaves half an order.
#include <csignal>
#include <string>

#include "example.hpp"

namespace {

using example::Words;

class Logistics : public example::Example {
 public:
  Logistics()
      : Example("logistics", {{"order_book", "postgresql", ""},
                              {"warehouse", "mysql", ""},
                              {"carrier", "mariadb", ""}}) {
    init();
  }
  void init() const {
    const auto ran = run({"init", "--orders", "100"});
    INFO(ran.output);
    REQUIRE(ran.exit_code == 0);
  }

  /// This many orders are in all three databases, each with what belongs to it.
  void check_orders(std::int64_t orders) const {
    check_counts(orders);
    CHECK(scene().number("order_book",
                         "SELECT count(*) FROM pg_prepared_xacts"
                         " WHERE database = current_database()") == 0);
    expect_ok({"reconcile"});
  }
  void check_counts(std::int64_t orders) const {
    CHECK(scene().number("order_book", "SELECT count(*) FROM customer_order") == orders);
    CHECK(scene().number("warehouse", "SELECT COUNT(DISTINCT order_number) FROM picking") ==
          orders);
    CHECK(scene().number("carrier", "SELECT COUNT(*) FROM transport_booking") == orders);
  }
};

}  // namespace

TEST_CASE("an accepted order is written in all three databases") {
  const Logistics logistics;
  logistics.expect(0, "committed", {"order", "1", "pump:2", "pipe:10"});
  logistics.expect(0, "committed", {"order", "2", "valve:1"});
  CHECK(logistics.scene().number("order_book", "SELECT owes FROM customer WHERE number = 1") ==
        200000);
  CHECK(logistics.scene().number("warehouse",
                                 "SELECT CAST(SUM(received - quantity) AS SIGNED)"
                                 " FROM warehouse_stock") == 13);
  CHECK(logistics.scene().number(
            "carrier", "SELECT CAST(SUM(capacity - free) AS SIGNED) FROM departure") == 203);
  logistics.check_orders(2);
  // One warehouse alone has not that many.
  logistics.expect(0, "committed", {"order", "1", "tank:1", "pump:30"});
  logistics.expect(0, "committed", {"order", "2", "valve:300"});
  CHECK(logistics.scene().number("warehouse",
                                 "SELECT COUNT(*) FROM picking WHERE article = 'valve'") == 3);
  logistics.check_orders(4);
}

TEST_CASE("a refused customer a shortage and a full vehicle write nothing in any database") {
  const Logistics logistics;
  logistics.expect(example::refused, "customer 10 is refused", {"order", "10", "pump:1"});
  logistics.expect(example::refused, "unknown customer 999", {"order", "999", "pump:1"});
  logistics.expect(example::refused, "unknown article sofa", {"order", "1", "pump:1", "sofa:1"});
  logistics.expect(example::refused, "shortage of tank: 200 of 300 are missing",
                   {"order", "1", "pump:1", "tank:300"});
  logistics.expect(example::refused, "no vehicle to Kassel has a stop and 3600 kg left",
                   {"order", "1", "pipe:300"});
  logistics.check_orders(0);
  CHECK(logistics.scene().number("order_book", "SELECT sum(owes)::bigint FROM customer") == 0);
}

TEST_CASE("an order that cannot be read and a wrong configuration are named") {
  const auto says = [](const Words& words, const std::string& text, int exit_code) {
    const auto ran = scene::run_program("logistics", words);
    INFO(ran.output);
    CHECK(ran.exit_code == exit_code);
    CHECK(ran.says(text));
  };
  const std::string config = "/nonexistent/logistics.toml";
  for (const char* line : {"pump", "pump:", ":1", "pump:0", "pump:-1", "pump:1.5", "pump:1000001",
                           "pump:99999999999999999999", ""}) {
    says({"--config", config, "order", "1", line}, "is no order line", example::refused);
  }
  says({"--config", config, "order", "1", "pump:1", "pump:2"}, "article pump is there twice",
       example::refused);
  says({"--config", config, "order", "1", "pump:1"}, config, example::failed);
  says({"--config", config, "order", "one", "pump:1"}, "CUSTOMER", example::failed);
  says({"--config", config}, "a command is missing", example::failed);

  const scene::Scene pair("order_book", "stock");
  says({"--config", pair.config_file(), "init"},
       "no resource manager with name = \"warehouse\" and driver = \"mysql\"", example::failed);
  says({"--config", pair.config_file(), "--kill-at", "decided", "order", "--ad-hoc", "1", "pump:1"},
       "no event 'decided' here", example::failed);
}

TEST_CASE("many clients ordering until nothing is left keep the three databases in agreement") {
  const Logistics logistics;
  for (const Words& how : {Words{"run"}, Words{"run", "--ad-hoc"}}) {
    Words words = how;
    words.insert(words.end(), {"--clients", "8", "--orders", "150"});
    logistics.init();
    const auto ran = logistics.run(words);
    INFO(ran.output);
    REQUIRE(ran.exit_code == 0);
    CHECK(ran.number("asked") == 150);
    CHECK(ran.number("committed") > 50);
    CHECK(ran.number("rolled_back") > 10);
    logistics.check_orders(ran.number("committed"));
  }
}

TEST_CASE("a signal ends the run after what was begun and the databases agree") {
  const Logistics logistics;
  const auto ran = logistics.run_and_signal({"run", "--orders", "10000000"}, "answered", SIGINT);
  INFO(ran.output);
  CHECK(ran.exit_code == 128 + SIGINT);
  CHECK(ran.says("stopped by a signal"));
  logistics.check_orders(ran.number("committed"));
}

TEST_CASE("killed at any step over three databases all of them agree with the decision") {
  const Logistics logistics;
  std::int64_t expected = 0;
  for (const auto& step : example::steps_of_commit(3)) {
    INFO("killed at " << step.name);
    logistics.kill_and_recover(step.name, {"order", "1", "pump:1", "valve:2"});
    if (step.written) ++expected;
    logistics.check_counts(expected);
  }
  logistics.check_orders(expected);
}

TEST_CASE("an order written by hand and killed between two commits is half there for ever") {
  const Logistics logistics;
  const Words order{"order", "--ad-hoc", "1", "pump:1", "valve:2"};
  std::int64_t expected = 0;
  for (const auto& step : example::harmless_ad_hoc_steps(3)) {
    INFO("killed at " << step.name);
    logistics.kill(step.name, order);
    if (step.written) ++expected;
  }
  logistics.check_orders(expected);
  for (const std::string step : {"committed:1", "committed:2"}) {
    INFO("killed at " << step);
    logistics.kill_and_recover(step, order);
    ++expected;
    CHECK(logistics.scene().number("order_book", "SELECT count(*) FROM customer_order") ==
          expected);
    const bool two = step == "committed:2";
    logistics.expect(example::books_differ,
                     two ? "transport: 46 kg to Kassel ordered, nothing booked"
                         : "pump: 1 ordered, nothing picked",
                     {"reconcile"});
    logistics.init();
    expected = 0;
  }
}

TEST_CASE("the reconciliation of logistics finds what does not belong together") {
  const Logistics logistics;
  REQUIRE(logistics.run({"order", "1", "pump:2"}).exit_code == 0);
  struct Damage {
    const char* where;
    const char* sql;
    const char* said;
  };
  for (const Damage& damage : {
           Damage{"order_book", "UPDATE customer SET owes = owes - 1 WHERE number = 1",
                  "customer 1: owes 179999, the orders are for 180000"},
           Damage{"warehouse", "UPDATE warehouse_stock SET quantity = 0 WHERE article = 'tank'",
                  "warehouse north, tank: 50 left the stock, 0 are picked"},
           Damage{"warehouse", "UPDATE picking SET quantity = 1", "pump: 2 ordered, 1 picked"},
           Damage{"warehouse", "INSERT INTO picking VALUES (77, 'pipe', 'north', 3)",
                  "order 77, pipe: 3 picked, nothing ordered"},
           Damage{"carrier", "UPDATE departure SET free_stops = 0 WHERE town = 'Ulm'",
                  "to Ulm: 0 kg and 8 stops taken, 0 kg and 0 stops booked"},
           Damage{"carrier", "DELETE FROM transport_booking",
                  "transport: 80 kg to Kassel ordered, nothing booked"},
       }) {
    logistics.scene().execute(damage.where, damage.sql);
    logistics.expect(example::books_differ, damage.said, {"reconcile"});
  }
}
