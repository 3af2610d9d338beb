// The manufacturing program on real servers: a release writes on both sides or, for a shortage, a
// taken machine or a constraint that only speaks up at prepare, on neither.
#include <cstdint>
#include <string>
#include <vector>

#include "../crash/support/program.hpp"
#include "../crash/support/scene.hpp"
#include "catch.hpp"
#include "example.hpp"

namespace {

constexpr int refused = 2;
constexpr int not_committed = 3;

class Factory {
 public:
  Factory() {
    const auto ran = run({"init", "--orders", "60"});
    INFO(ran.output);
    REQUIRE(ran.exit_code == 0);
    stock_ = stock();
  }

  [[nodiscard]] scene::Ran run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--config", scene_.config_file()});
    return scene::run_program("manufacturing", arguments);
  }
  [[nodiscard]] std::int64_t erp(const char* sql) const { return scene_.postgresql(sql); }
  [[nodiscard]] std::int64_t floor(const char* sql) const { return scene_.mysql(sql); }
  [[nodiscard]] std::int64_t stock() const {
    return floor("SELECT CAST(SUM(quantity) AS SIGNED) FROM stock_bin");
  }

  /// This many orders are released on both sides, and every part of them is there.
  void check_released(std::int64_t orders) const {
    CHECK(erp("SELECT count(*) FROM work_order WHERE state = 'released'") == orders);
    CHECK(erp("SELECT count(*) FROM cost_posting") == orders);
    CHECK(floor("SELECT COUNT(*) FROM machine_slot") == orders);
    CHECK(floor("SELECT COUNT(*) FROM production_lot") == orders);
    CHECK(erp("SELECT coalesce(sum(quantity), 0)::bigint FROM material_reservation") ==
          stock_ - stock());
    CHECK(erp("SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()") == 0);
    const auto reconciled = run({"reconcile"});
    INFO(reconciled.output);
    CHECK(reconciled.exit_code == 0);
  }

  void check_not_released(const char* order, int exit_code, const std::string& reason) const {
    const auto ran = run({"release", order});
    INFO(ran.output);
    CHECK(ran.exit_code == exit_code);
    CHECK(ran.says(reason));
  }

  void break_something(const char* sql) const { scene_.execute("shop_floor", sql); }

 private:
  scene::Scene scene_{"erp", "shop_floor"};
  std::int64_t stock_ = 0;
};

}  // namespace

TEST_CASE("a released work order has its reservations cost slot and lot") {
  const Factory factory;
  CHECK(factory.run({"release", "1"}).exit_code == 0);
  CHECK(factory.erp("SELECT count(*) FROM material_reservation WHERE work_order = 1") == 3);
  CHECK(factory.floor("SELECT slot FROM machine_slot WHERE work_order = 1") == 1);
  factory.check_released(1);
}

TEST_CASE("a shortage releases nothing on either side") {
  const Factory factory;
  factory.check_not_released("20", refused, "shortage of engine");
  factory.check_released(0);
}

TEST_CASE("a machine slot that is taken releases nothing on either side") {
  const Factory factory;
  CHECK(factory.run({"release", "9"}).exit_code == 0);
  factory.check_not_released("10", refused, "is taken in slot 9");
  factory.check_released(1);
}

TEST_CASE("a deferred constraint that fails at prepare releases nothing on either side") {
  const Factory factory;
  factory.check_not_released("30", not_committed, "rolled back");
  factory.check_not_released("30", not_committed, "cost_center");
  factory.check_released(0);
}

TEST_CASE("an order that does not exist or is released already is refused") {
  const Factory factory;
  factory.check_not_released("999", refused, "work order 999 does not exist");
  CHECK(factory.run({"release", "2"}).exit_code == 0);
  factory.check_not_released("2", refused, "work order 2 is released already");
  factory.check_released(1);
}

TEST_CASE("many clients releasing the whole plan leave both sides in agreement") {
  const Factory factory;
  const auto ran = factory.run({"run", "--clients", "8"});
  INFO(ran.output);
  REQUIRE(ran.exit_code == 0);
  CHECK(ran.number("asked") == 60);
  // Every tenth has a fault; of two that want one slot, one gets it.
  CHECK(ran.number("committed") == 54);
  factory.check_released(54);
}

TEST_CASE("the reconciliation finds what does not belong together") {
  const Factory factory;
  CHECK(factory.run({"release", "1"}).exit_code == 0);
  const char* damage = GENERATE(
      as<const char*>{}, "DELETE FROM machine_slot", "DELETE FROM production_lot",
      "UPDATE stock_bin SET quantity = quantity - 1 WHERE material = 'screw'",
      "INSERT INTO production_lot VALUES (5, 'bicycle', 1)", "UPDATE machine_slot SET slot = 77");
  INFO(damage);
  factory.break_something(damage);
  const auto reconciled = factory.run({"reconcile"});
  INFO(reconciled.output);
  CHECK(reconciled.exit_code == 4);
}

TEST_CASE("a release written by hand and killed between the commits has no machine and no lot") {
  const example::Example factory(
      "manufacturing", {{"erp", "postgresql", ""}, {"shop_floor", scene::server_under_test(), ""}});
  factory.expect_ok({"init", "--orders", "60"});
  factory.expect(example::failed, "commit at erp failed", {"release", "--ad-hoc", "30"});
  factory.expect(refused, "shortage of engine", {"release", "--ad-hoc", "20"});
  int order = 0;
  for (const auto& step : example::harmless_ad_hoc_steps(2)) {
    INFO("killed at " << step.name);
    factory.kill(step.name, {"release", "--ad-hoc", std::to_string(++order)});
  }
  factory.expect_ok({"reconcile"});
  factory.kill_and_recover("committed:1", {"release", "--ad-hoc", "6"});
  factory.expect(example::books_differ, "released order 6 has no machine slot", {"reconcile"});
}
