// The application is killed at each step of a commit over both databases and started again. Both
// sides must agree, and the decision tells how: durable before the kill means committed, otherwise
// rolled back.
#include <csignal>
#include <string>

#include "catch.hpp"
#include "support/program.hpp"
#include "support/scene.hpp"

namespace {

struct Step {
  const char* name;
  bool committed;  // what both sides must show afterwards
};

constexpr Step steps[] = {
    {"begun:1", false},          {"enlisted:1", false},   {"enlisted:2", false},
    {"before_end:1", false},     {"before_end:2", false}, {"before_prepare:1", false},
    {"before_prepare:2", false}, {"prepared:1", false},   {"prepared:2", false},
    {"before_decide:1", false},  {"decided:1", true},     {"before_commit:1", true},
    {"before_commit:2", true},   {"committed:1", true},   {"committed:2", true},
    {"before_done:1", true},     {"done:1", true},
};

constexpr Step one_branch_steps[] = {
    {"before_end:1", false},
    {"before_commit:1", false},
    {"committed:1", true},
};

std::int64_t in_doubt(const scene::Scene& scene) {
  return scene.postgresql(
      "SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()");
}

void kill_and_restart(const scene::Scene& scene, const Step& step, const char* to) {
  INFO("killed at " << step.name);
  const auto killed = scene::run_program(
      "bank-transfer",
      {"--config", scene.config_file(), "--kill-at", step.name, "transfer", "A-1", to, "10"});
  INFO(killed.output);
  REQUIRE(killed.signal == SIGKILL);
  const auto restarted =
      scene::run_program("bank-transfer", {"--config", scene.config_file(), "recover"});
  INFO(restarted.output);
  REQUIRE(restarted.exit_code == 0);
  CHECK(in_doubt(scene) == 0);
}

}  // namespace

TEST_CASE("killed at any step of commit and restarted both databases agree with the decision") {
  const scene::Scene scene("bank_a", "bank_b");
  REQUIRE(scene::run_program("bank-transfer",
                             {"--config", scene.config_file(), "init", "--accounts", "2"})
              .exit_code == 0);
  std::int64_t expected = 0;
  for (const Step& step : steps) {
    INFO("killed at " << step.name);
    kill_and_restart(scene, step, "B-1");
    if (step.committed) ++expected;
    // The next transfer changes the same two accounts: it would wait for ever for a lock left
    // behind.
    CHECK(scene.postgresql("SELECT count(*) FROM transfer") == expected);
    CHECK(scene.mysql("SELECT count(*) FROM transfer") == expected);
    CHECK(scene.postgresql("SELECT balance FROM account WHERE number = 1") ==
          100000 - 10 * expected);
    CHECK(scene.mysql("SELECT balance FROM account WHERE number = 1") == 100000 + 10 * expected);
  }
}

TEST_CASE(
    "killed around a commit in one phase the database alone knows and nothing is left in doubt") {
  const scene::Scene scene("bank_a", "bank_b");
  REQUIRE(scene::run_program("bank-transfer",
                             {"--config", scene.config_file(), "init", "--accounts", "2"})
              .exit_code == 0);
  std::int64_t expected = 0;
  for (const Step& step : one_branch_steps) {
    INFO("killed at " << step.name);
    kill_and_restart(scene, step, "A-2");
    if (step.committed) ++expected;
    CHECK(scene.postgresql("SELECT count(*) FROM transfer") == expected);
    CHECK(scene.postgresql("SELECT balance FROM account WHERE number = 2") ==
          100000 + 10 * expected);
    CHECK(scene.mysql("SELECT count(*) FROM transfer") == 0);
  }
}
