// A foreign resource manager in one transaction with PostgreSQL and MySQL or MariaDB.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "catch.hpp"
#include "foreign_config.hpp"
#include "killing.hpp"
#include "observers.hpp"
#include "real_servers.hpp"

using foreign::committed;
using xabridge::Config;
using xabridge::OutcomeKind;
using xabridge::Transaction;
using xabridge::TransactionManager;

namespace {

namespace fs = std::filesystem;

struct Scene {
  TemporaryDirectory directory;
  RealServers servers;
  foreign::Passes passes;
  fs::path files = directory.path() / "files";
  std::string config_file = directory.path() / "config.toml";

  Scene() {
    fs::create_directory(files);
    std::ofstream out(config_file);
    out << foreign::common_sections(directory.path() / "log");
    for (const auto& rm : servers.config().resource_managers) {
      out << "[[resource_manager]]\nname = \"" << rm.name << "\"\ndriver = \"" << rm.driver
          << "\"\nopen = \"" << rm.open << "\"\n";
    }
    out << foreign::file_section("files", files);
  }
  [[nodiscard]] Config config() {
    Config c = Config::load(config_file);
    c.observers = {&passes};
    return c;
  }
  void work(Transaction& tx, const std::string& id) const {
    const std::string insert = "INSERT INTO " + servers.transfer + " VALUES ('" + id + "')";
    RealServers::pg(tx.postgresql("accounts"), insert);
    RealServers::my(tx.mysql("ledger"), insert);
    tx.enlist("files");
    REQUIRE(foreign::put(files, id, id) == FILE_RM_OK);
  }
  /// "110": PostgreSQL and the other database have it, the files have not.
  [[nodiscard]] std::string where(const std::string& id) {
    const std::string count =
        "SELECT COUNT(*) FROM " + servers.transfer + " WHERE id = '" + id + "'";
    return std::to_string(servers.pg_number(count)) + std::to_string(servers.my_number(count)) +
           (committed(files, id).empty() ? "0" : "1");
  }
  /// What the three show once recovery has brought them there, or after many passes.
  [[nodiscard]] std::string settled(const std::string& id, const std::string& wanted) {
    const auto now = [&] {
      return where(id) + (file_rm_prepared(files.c_str()) == 0 ? "" : " prepared");
    };
    for (int i = 0; i < 100 && now() != wanted && passes.wait_for_next(); ++i) {
    }
    return now();
  }
};

}  // namespace

TEST_CASE("files and both databases commit and roll back as one") {
  Scene scene;
  TransactionManager tm(scene.config());
  {
    Transaction tx = tm.begin();
    scene.work(tx, "one");
    CHECK(tx.rollback().kind == OutcomeKind::rolled_back);
  }
  CHECK(scene.where("one") == "000");
  {
    Transaction tx = tm.begin();
    scene.work(tx, "one");
    REQUIRE(foreign::put(scene.files, "positive.balance", "-1") == FILE_RM_OK);
    CHECK(tx.commit().kind == OutcomeKind::rolled_back);
  }
  CHECK(scene.where("one") == "000");
  Transaction tx = tm.begin();
  scene.work(tx, "one");
  CHECK(tx.commit().kind == OutcomeKind::committed);
  CHECK(scene.where("one") == "111");
}

TEST_CASE("files that were only read take no part while both databases commit") {
  Scene scene;
  TransactionManager tm(scene.config());
  Transaction tx = tm.begin();
  tx.enlist("files");
  char value[8];
  CHECK(file_rm_get(file_rm_rmid(scene.files.c_str()), "one", value, sizeof value) ==
        FILE_RM_NOT_FOUND);
  const std::string insert = "INSERT INTO " + scene.servers.transfer + " VALUES ('one')";
  RealServers::pg(tx.postgresql("accounts"), insert);
  RealServers::my(tx.mysql("ledger"), insert);
  const auto outcome = tx.commit();
  CHECK(outcome.kind == OutcomeKind::committed);
  CHECK(outcome.branches[0].state == xabridge::BranchState::read_only);
  CHECK(scene.where("one") == "110");
}

TEST_CASE("files that are away in phase two follow when they are back") {
  Scene scene;
  const fs::path away = scene.files.string() + ".away";
  foreign::At leave("before_commit:1", [&] { fs::rename(scene.files, away); });
  Config config = scene.config();
  config.observers.push_back(&leave);
  TransactionManager tm(config);
  Transaction tx = tm.begin();
  scene.work(tx, "one");
  CHECK(tx.commit().kind == OutcomeKind::committed_pending);
  CHECK(scene.where("one") == "110");
  fs::rename(away, scene.files);
  CHECK(scene.settled("one", "111") == "111");
}

TEST_CASE("killed at every event files and both databases show the decision after recovery") {
  Scene scene;
  const auto victim = [&](const std::string& event, const std::string& id) {
    return foreign::run(
        {FOREIGN_DATABASE_VICTIM, scene.config_file, event, id, scene.servers.transfer});
  };
  // Somebody else's branch, which is there in the first run only.
  const std::string pid = std::to_string(::getpid());
  const std::string gid = "'99_c29tZWJvZHkx_" + std::string(12 - pid.size(), '0') + pid + "'";
  scene.servers.pg_admin("BEGIN");
  scene.servers.pg_admin("PREPARE TRANSACTION " + gid);
  const foreign::Ended whole = victim("list", "whole");
  scene.servers.pg_admin("ROLLBACK PREPARED " + gid);
  REQUIRE(whole.exit_code == 0);
  REQUIRE(scene.where("whole") == "111");
  for (const std::string& event : whole.lines) {
    INFO("killed at " << event);
    REQUIRE(victim(event, event).signal == SIGKILL);
    const TransactionManager recovering(scene.config());
    const std::string wanted = foreign::decided(event) ? "111" : "000";
    CHECK(scene.settled(event, wanted) == wanted);
  }
}
