// The C++ example of the README: extracted and compiled by the build, run here.
#include "../crash/support/program.hpp"
#include "../crash/support/scene.hpp"
#include "catch.hpp"

TEST_CASE("the README example compiles and commits at both databases") {
  const scene::Scene scene("bank_a", "bank_b");
  REQUIRE(scene::run_program("bank-transfer", {"--config", scene.config_file(), "init",
                                               "--accounts", "1", "--balance", "10000"})
              .exit_code == 0);
  const auto ran = scene::run_program("readme-example", {scene.config_file()});
  INFO(ran.output);
  CHECK(ran.exit_code == 0);
  CHECK(scene.postgresql("SELECT balance FROM account WHERE number = 1") == 7500);
  CHECK(scene.mysql("SELECT balance FROM account WHERE number = 1") == 12500);
}

TEST_CASE("the README example books nothing when the money is not there") {
  const scene::Scene scene("bank_a", "bank_b");
  REQUIRE(scene::run_program("bank-transfer", {"--config", scene.config_file(), "init",
                                               "--accounts", "1", "--balance", "100"})
              .exit_code == 0);
  const auto ran = scene::run_program("readme-example", {scene.config_file()});
  INFO(ran.output);
  CHECK(ran.exit_code != 0);
  CHECK(scene.postgresql("SELECT balance FROM account WHERE number = 1") == 100);
  CHECK(scene.mysql("SELECT balance FROM account WHERE number = 1") == 100);
}
