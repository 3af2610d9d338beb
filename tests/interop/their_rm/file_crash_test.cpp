// A program with two resource managers of files is killed at every event of its transaction;
// another process recovers, and both directories must show what the log decided.
#include <filesystem>
#include <fstream>
#include <xabridge/transaction_manager.hpp>

#include "catch.hpp"
#include "foreign_config.hpp"
#include "killing.hpp"

namespace {

namespace fs = std::filesystem;

struct Scene {
  TemporaryDirectory directory;
  fs::path a = directory.path() / "a";
  fs::path b = directory.path() / "b";
  std::string config_file = directory.path() / "config.toml";

  Scene() {
    fs::create_directory(a);
    fs::create_directory(b);
    std::ofstream(config_file) << foreign::common_sections(directory.path() / "log")
                               << foreign::file_section("a", a)
                               << foreign::file_section("b", b, "file_rm_get_switch");
  }
  [[nodiscard]] foreign::Ended victim(const std::string& event, const std::string& id) const {
    return foreign::run({FOREIGN_FILE_VICTIM, config_file, event, id});
  }
  [[nodiscard]] xabridge::Config config() const {
    xabridge::Config c = xabridge::Config::load(config_file);
    c.recovery_background = false;
    return c;
  }
  void check(const std::string& id, bool committed) const {
    const std::string wanted = committed ? id : "";
    CHECK(foreign::committed(a, id) == wanted);
    CHECK(foreign::committed(b, id) == wanted);
    CHECK(file_rm_prepared(a.c_str()) == 0);
    CHECK(file_rm_prepared(b.c_str()) == 0);
  }
};

}  // namespace

TEST_CASE("killed at every event foreign resource managers follow the decision after recovery") {
  const Scene scene;
  const foreign::Ended whole = scene.victim("list", "whole");
  REQUIRE(whole.exit_code == 0);
  REQUIRE(whole.lines.size() > 10);
  for (const std::string& event : whole.lines) {
    INFO("killed at " << event);
    const std::string id = "at " + event;
    REQUIRE(scene.victim(event, id).signal == SIGKILL);
    { const xabridge::TransactionManager recovering(scene.config()); }
    scene.check(id, foreign::decided(event));
  }
}

TEST_CASE("recovery finishes what it can and waits for a directory that is away") {
  const Scene scene;
  const fs::path away = scene.b.string() + ".away";
  for (const std::string event : {"before_decide:1", "before_commit:1", "before_commit:2"}) {
    INFO("killed at " << event);
    const std::string id = "at " + event;
    REQUIRE(scene.victim(event, id).signal == SIGKILL);
    fs::rename(scene.b, away);
    {
      const xabridge::TransactionManager recovering(scene.config());
      CHECK(foreign::committed(scene.a, id) == (foreign::decided(event) ? id : ""));
      CHECK(file_rm_prepared(scene.a.c_str()) == 0);
    }
    fs::rename(away, scene.b);
    CHECK(file_rm_prepared(scene.b.c_str()) == 1);
    { const xabridge::TransactionManager recovering(scene.config()); }
    scene.check(id, foreign::decided(event));
  }
}
