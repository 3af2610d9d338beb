// Eight clients move money in both directions, with cancellations and refusals among them; then the
// same while the program is killed again and again. Money is conserved over both sides and every
// answer the program gave is true.
#include <csignal>
#include <random>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/program.hpp"
#include "support/scene.hpp"

namespace {

constexpr std::int64_t opening = 20 * 1000;  // at each bank

scene::Ran bank(const scene::Scene& scene, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"--config", scene.config_file()});
  return scene::run_program("bank-transfer", arguments);
}

void create_banks(const scene::Scene& scene) {
  const auto ran = bank(scene, {"init", "--accounts", "20", "--balance", "1000"});
  INFO(ran.output);
  REQUIRE(ran.exit_code == 0);
}

/// Twice: by the program's own audit with the report, and by sums asked for here.
void check_books(const scene::Scene& scene, const std::string& report) {
  const auto audit = bank(scene, {"check", "--report", report});
  INFO(audit.output);
  CHECK(audit.exit_code == 0);
  const std::int64_t at_a = scene.postgresql("SELECT sum(balance)::bigint FROM account");
  const std::int64_t at_b = scene.mysql("SELECT CAST(SUM(balance) AS SIGNED) FROM account");
  CHECK(at_a + at_b == 2 * opening);
  CHECK(scene.postgresql("SELECT count(*) FROM transfer") ==
        scene.mysql("SELECT count(*) FROM transfer"));
  CHECK(scene.postgresql(
            "SELECT coalesce(sum(CASE WHEN from_account LIKE 'A-%' THEN -amount ELSE amount END),"
            " 0)::bigint FROM transfer") == at_a - opening);
  CHECK(audit.number("rolled_back") > 0);
  CHECK(audit.number("asked") == audit.number("committed") + audit.number("rolled_back") +
                                     audit.number("finished_by_recovery") +
                                     audit.number("rolled_back_by_recovery"));
  CHECK(audit.number("committed") + audit.number("finished_by_recovery") ==
        scene.mysql("SELECT count(*) FROM transfer"));
}

}  // namespace

TEST_CASE("eight clients with random rollbacks conserve money and get only true answers") {
  const scene::Scene scene("bank_a", "bank_b");
  create_banks(scene);
  const std::string report = scene.directory() / "report";
  const auto ran = bank(scene, {"run", "--clients", "8", "--transfers", "2000", "--accounts", "20",
                                "--rollbacks", "20", "--report", report});
  INFO(ran.output);
  REQUIRE(ran.exit_code == 0);
  CHECK(ran.number("asked") == 2000);
  CHECK(ran.number("committed") + ran.number("rolled_back") == 2000);
  CHECK(ran.number("rolled_back") > 200);
  CHECK(ran.number("pending") == 0);
  check_books(scene, report);
}

TEST_CASE("killed again and again while eight clients transfer money is conserved") {
  const scene::Scene scene("bank_a", "bank_b");
  create_banks(scene);
  const std::string report = scene.directory() / "report";
  std::mt19937 random(20240229);
  const std::vector<std::string> events{
      "enlisted",      "before_prepare", "prepared",        "before_decide", "decided",
      "before_commit", "committed",      "before_rollback", "rolled_back",   "done"};
  for (const std::string& event : events) {
    const std::string step = event + ":" + std::to_string(1 + random() % 60);
    INFO("killed at " << step);
    const auto ran =
        bank(scene, {"--kill-at", step, "run", "--clients", "8", "--transfers", "100000",
                     "--accounts", "20", "--rollbacks", "20", "--report", report});
    INFO(ran.output);
    REQUIRE(ran.signal == SIGKILL);
  }
  const auto recovered = bank(scene, {"recover"});
  INFO(recovered.output);
  REQUIRE(recovered.exit_code == 0);
  check_books(scene, report);
}
