// The bank transfer program on real servers: what it does with sound transfers and with bad ones.
// Nothing of a refused transfer may be seen at either bank.
#include <cstdint>
#include <string>
#include <vector>

#include "../crash/support/program.hpp"
#include "../crash/support/scene.hpp"
#include "catch.hpp"
#include "example.hpp"

namespace {

constexpr int refused = 2;

class Banks {
 public:
  Banks() {
    const auto ran = run({"init", "--accounts", "3", "--balance", "1000"});
    INFO(ran.output);
    REQUIRE(ran.exit_code == 0);
  }

  [[nodiscard]] scene::Ran run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--config", scene_.config_file()});
    return scene::run_program("bank-transfer", arguments);
  }
  [[nodiscard]] std::int64_t at_a(const char* sql) const { return scene_.postgresql(sql); }
  [[nodiscard]] std::int64_t at_b(const char* sql) const { return scene_.mysql(sql); }

  void check_untouched() const {
    CHECK(at_a("SELECT count(*) FROM transfer") == 0);
    CHECK(at_b("SELECT count(*) FROM transfer") == 0);
    CHECK(at_a("SELECT count(*) FROM account WHERE balance = 1000") == 3);
    CHECK(at_b("SELECT count(*) FROM account WHERE balance = 1000") == 3);
    CHECK(at_a("SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()") == 0);
  }

  void check_refused(const std::vector<std::string>& transfer, const std::string& reason) const {
    std::vector<std::string> arguments{"transfer"};
    arguments.insert(arguments.end(), transfer.begin(), transfer.end());
    const auto ran = run(arguments);
    INFO(ran.output);
    CHECK(ran.exit_code == refused);
    CHECK(ran.says(reason));
  }

 private:
  scene::Scene scene_{"bank_a", "bank_b"};
};

}  // namespace

TEST_CASE("a transfer in either direction moves money at both banks and leaves a row at each") {
  const Banks banks;
  CHECK(banks.run({"transfer", "A-1", "B-2", "300"}).exit_code == 0);
  CHECK(banks.run({"transfer", "B-2", "A-3", "1300"}).exit_code == 0);
  CHECK(banks.at_a("SELECT balance FROM account WHERE number = 1") == 700);
  CHECK(banks.at_a("SELECT balance FROM account WHERE number = 3") == 2300);
  CHECK(banks.at_b("SELECT balance FROM account WHERE number = 2") == 0);
  CHECK(banks.at_a("SELECT count(*) FROM transfer") == 2);
  CHECK(banks.at_b("SELECT count(*) FROM transfer") == 2);
  CHECK(banks.run({"balance", "B-2"}).output == "0\n");
  CHECK(banks.run({"check"}).exit_code == 0);
}

TEST_CASE("a transfer within one bank does not touch the other") {
  const Banks banks;
  CHECK(banks.run({"transfer", "A-2", "A-1", "100"}).exit_code == 0);
  CHECK(banks.run({"transfer", "B-1", "B-2", "1000"}).exit_code == 0);
  CHECK(banks.at_a("SELECT balance FROM account WHERE number = 1") == 1100);
  CHECK(banks.at_b("SELECT balance FROM account WHERE number = 1") == 0);
  CHECK(banks.at_a("SELECT count(*) FROM transfer") == 1);
  CHECK(banks.at_b("SELECT count(*) FROM transfer") == 1);
  CHECK(banks.run({"check"}).exit_code == 0);
}

TEST_CASE("an unknown account at either bank changes nothing at both") {
  const Banks banks;
  banks.check_refused({"A-1", "B-99", "10"}, "unknown account B-99");
  banks.check_refused({"A-99", "B-1", "10"}, "unknown account A-99");
  banks.check_refused({"B-99", "A-1", "10"}, "unknown account B-99");
  banks.check_untouched();
  banks.check_refused({"C-1", "B-1", "10"}, "is no account");
  banks.check_refused({"A-0", "B-1", "10"}, "is no account");
  banks.check_refused({"A-1; DROP TABLE account", "B-1", "10"}, "is no account");
  banks.check_untouched();
}

TEST_CASE("insufficient funds at either bank change nothing at both") {
  const Banks banks;
  banks.check_refused({"A-1", "B-1", "1001"}, "insufficient funds: account A-1 has 1000");
  banks.check_refused({"B-1", "A-1", "1001"}, "insufficient funds: account B-1 has 1000");
  banks.check_untouched();
}

TEST_CASE("amounts that are no whole number above zero and an account paying itself are refused") {
  const Banks banks;
  for (const char* amount : {"0", "1.50", "9223372036854775808", "ten", ""}) {
    banks.check_refused({"A-1", "B-1", amount}, "is no amount");
  }
  CHECK(banks.run({"transfer", "--", "A-1", "B-1", "-5"}).exit_code == refused);
  banks.check_refused({"A-1", "A-1", "5"}, "cannot pay itself");
  banks.check_untouched();
}

TEST_CASE("a balance that would exceed the largest number there is is refused") {
  scene::Scene scene("bank_a", "bank_b");
  const auto run = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--config", scene.config_file()});
    return scene::run_program("bank-transfer", arguments);
  };
  REQUIRE(run({"init", "--accounts", "1", "--balance", "4611686018427387903"}).exit_code == 0);
  REQUIRE(run({"transfer", "A-1", "B-1", "4611686018427387903"}).exit_code == 0);
  REQUIRE(scene.mysql("SELECT balance FROM account") == 9223372036854775806);
  CHECK(run({"init", "--accounts", "3", "--balance", "4611686018427387903"}).exit_code == refused);
  CHECK(run({"transfer", "B-1", "A-1", "1"}).exit_code == 0);
  CHECK(scene.postgresql("SELECT balance FROM account") == 1);
}

TEST_CASE("the bank program names a configuration it cannot use") {
  const auto missing =
      scene::run_program("bank-transfer", {"--config", "/nonexistent/bank.toml", "balance", "A-1"});
  CHECK(missing.exit_code == 1);
  CHECK(missing.says("/nonexistent/bank.toml"));
}

TEST_CASE("the bank program knows the events it can be killed at") {
  const scene::Scene scene("bank_a", "bank_b");
  const auto ran = scene::run_program(
      "bank-transfer", {"--config", scene.config_file(), "--kill-at", "lunch", "balance", "A-1"});
  CHECK(ran.exit_code == 1);
  CHECK(ran.says("no event 'lunch'"));
  CHECK(ran.says("before_commit"));
}

TEST_CASE("a transfer written by hand and killed between the commits loses the money") {
  const example::Example banks(
      "bank-transfer", {{"bank_a", "postgresql", ""}, {"bank_b", scene::server_under_test(), ""}});
  const example::Words transfer{"transfer", "--ad-hoc", "A-1", "B-2", "10"};
  banks.expect_ok({"init", "--accounts", "2"});
  banks.expect(refused, "insufficient funds", {"transfer", "--ad-hoc", "B-1", "A-1", "100001"});
  // Many at once: some may find too little, and then book nothing.
  banks.expect(0, "asked 30",
               {"run", "--ad-hoc", "--transfers", "30", "--accounts", "2", "--rollbacks", "0",
                "--seed", "3"});
  for (const auto& step : example::harmless_ad_hoc_steps(2)) {
    INFO("killed at " << step.name);
    banks.kill(step.name, transfer);
  }
  banks.expect_ok({"check"});
  banks.kill_and_recover("committed:1", transfer);
  banks.expect(example::books_differ, "is missing at bank B", {"check"});
  banks.expect(example::books_differ, "money is not conserved: 400000 before, 399990 now",
               {"check"});
}
