// The transfer program in C on real servers: sound transfers, refused ones, and death at the
// moments of the commit that matter. Tables and audit are those of the bank transfer program.
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "../crash/support/program.hpp"
#include "../crash/support/scene.hpp"
#include "catch.hpp"

namespace {

enum ExitCode { committed = 0, failed = 1, refused = 2, rolled_back = 3 };

class Banks {
 public:
  Banks() {
    ::setenv("XABRIDGE_CONFIG", scene_.config_file().c_str(), 1);
    const auto ran = bank({"init", "--accounts", "2", "--balance", "1000"});
    INFO(ran.output);
    REQUIRE(ran.exit_code == 0);
  }

  [[nodiscard]] static scene::Ran transfer(const std::vector<std::string>& arguments) {
    return scene::run_program("tx-transfer", arguments);
  }
  [[nodiscard]] scene::Ran bank(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--config", scene_.config_file()});
    return scene::run_program("bank-transfer", arguments);
  }
  [[nodiscard]] std::int64_t at_a(const char* sql) const { return scene_.postgresql(sql); }
  [[nodiscard]] std::int64_t at_b(const char* sql) const { return scene_.mysql(sql); }
  [[nodiscard]] std::int64_t in_doubt_at_a() const {
    return at_a("SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()");
  }

  /// This many transfers of 10 from A-1 to B-1 are in both books, and the books agree.
  void check_moved(std::int64_t transfers) const {
    CHECK(at_a("SELECT balance FROM account WHERE number = 1") == 1000 - 10 * transfers);
    CHECK(at_b("SELECT balance FROM account WHERE number = 1") == 1000 + 10 * transfers);
    const auto audit = bank({"check"});
    INFO(audit.output);
    CHECK(audit.exit_code == 0);
    CHECK(audit.number("transfers") == transfers);
  }

  void check_refused(const std::vector<std::string>& arguments, int code,
                     const std::string& reason) const {
    const auto ran = transfer(arguments);
    INFO(ran.output);
    CHECK(ran.exit_code == code);
    CHECK(ran.says(reason));
  }

 private:
  scene::Scene scene_{"bank_a", "bank_b"};
};

}  // namespace

TEST_CASE("the program in C moves money in either direction") {
  const Banks banks;
  CHECK(banks.transfer({"A-1", "B-1", "300"}).exit_code == committed);
  CHECK(banks.transfer({"--timeout", "0", "B-1", "A-2", "1300"}).exit_code == committed);
  CHECK(banks.transfer({"--decision-logged", "A-2", "B-2", "1"}).exit_code == committed);
  CHECK(banks.at_a("SELECT balance FROM account WHERE number = 1") == 700);
  CHECK(banks.at_a("SELECT balance FROM account WHERE number = 2") == 2299);
  CHECK(banks.at_b("SELECT balance FROM account WHERE number = 1") == 0);
  CHECK(banks.at_b("SELECT balance FROM account WHERE number = 2") == 1001);
  CHECK(banks.bank({"check"}).exit_code == 0);
}

TEST_CASE("what the program in C refuses is booked at neither bank") {
  const Banks banks;
  banks.check_refused({"A-1", "B-1", "1001"}, refused, "A-1 is unknown or has not enough");
  banks.check_refused({"B-1", "A-1", "1001"}, refused, "B-1 is unknown or has not enough");
  banks.check_refused({"A-1", "B-99", "10"}, refused, "B-99 is unknown");
  banks.check_refused({"A-99", "B-1", "10"}, refused, "A-99 is unknown");
  banks.check_refused({"A-1", "A-2", "10"}, failed, "has to be at bank A, the other at bank B");
  banks.check_refused({"A-1", "B-1", "1.5"}, failed, "not an amount");
  banks.check_refused({"C-1", "B-1", "1"}, failed, "not an account");
  banks.check_refused({"A-1", "B-1"}, failed, "FROM, TO and AMOUNT");
  banks.check_refused({"--timeout", "soon", "A-1", "B-1", "1"}, failed, "number of seconds");
  banks.check_moved(0);
  CHECK(banks.in_doubt_at_a() == 0);
  CHECK(banks.transfer({"--help"}).exit_code == 0);
}

TEST_CASE("the program in C says what is wrong with the configuration") {
  const Banks banks;
  ::setenv("XABRIDGE_CONFIG", "/nonexistent/bank.toml", 1);
  banks.check_refused({"A-1", "B-1", "1"}, failed, "/nonexistent/bank.toml");
  ::unsetenv("XABRIDGE_CONFIG");
  banks.check_refused({"A-1", "B-1", "1"}, failed, "XABRIDGE_CONFIG is not set");
}

TEST_CASE("killed around the decision the program in C leaves what recovery finishes") {
  struct Step {
    const char* event;
    bool decided;
  };
  constexpr Step steps[] = {{"prepared:2", false},
                            {"before_decide", false},
                            {"decided", true},
                            {"before_commit:2", true},
                            {"committed:1", true}};
  const Banks banks;
  std::int64_t moved = 0;
  bool by_next_open = false;
  for (const Step& step : steps) {
    INFO("killed at " << step.event);
    const auto killed = banks.transfer({"--kill-at", step.event, "A-1", "B-1", "10"});
    INFO(killed.output);
    REQUIRE(killed.signal == SIGKILL);
    if (step.decided) ++moved;
    if (by_next_open) {
      // Its own transfer needs the rows that the dead one still holds.
      const auto next = banks.transfer({"A-1", "B-1", "10"});
      INFO(next.output);
      REQUIRE(next.exit_code == committed);
      ++moved;
    } else {
      const auto recovered = scene::run_program("xabridge", {"recover"});
      INFO(recovered.output);
      REQUIRE(recovered.exit_code == 0);
    }
    CHECK(banks.in_doubt_at_a() == 0);
    banks.check_moved(moved);
    by_next_open = !by_next_open;
  }
}

TEST_CASE("killed in the background completion of a logged decision the transfer is booked") {
  const Banks banks;
  const auto killed =
      banks.transfer({"--decision-logged", "--kill-at", "before_commit", "A-1", "B-1", "10"});
  INFO(killed.output);
  REQUIRE(killed.signal == SIGKILL);
  const auto recovered = scene::run_program("xabridge", {"recover"});
  INFO(recovered.output);
  CHECK(recovered.exit_code == 0);
  banks.check_moved(1);
}
