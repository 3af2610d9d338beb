// The hand-written variant the examples are compared with is written fairly: when the second commit
// fails and the program lives, the first one is undone, and an undo that fails is reported.
#include "../../examples/common/ad_hoc.hpp"

#include <string>

#include "../../examples/common/facts.hpp"
#include "../crash/support/scene.hpp"
#include "catch.hpp"

namespace {

using examples::number_in;

/// Two tables, and a commit at the second database that fails: its session was killed.
class TwoCommits {
 public:
  TwoCommits() {
    a_.execute("CREATE TABLE t (n bigint PRIMARY KEY)");
    b_.execute("CREATE TABLE t (n BIGINT PRIMARY KEY) ENGINE = InnoDB");
  }

  /// What commit() threw.
  std::string fail(const char* undo) {
    examples::AdHoc work(nullptr);
    work.begin("a", a_, [&] { a_.execute(undo); });
    work.begin("b", b_);
    a_.execute("INSERT INTO t VALUES (1)");
    b_.execute("INSERT INTO t VALUES (1)");
    const auto session = number_in(b_.query("SELECT CONNECTION_ID()"));
    scene_.execute("b", ("KILL " + std::to_string(session)).c_str());
    try {
      work.commit();
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "committed";
  }

  [[nodiscard]] std::int64_t rows_at_a() const {
    return scene_.number("a", "SELECT count(*) FROM t");
  }
  [[nodiscard]] std::int64_t rows_at_b() const {
    return scene_.number("b", "SELECT COUNT(*) FROM t");
  }

 private:
  scene::Scene scene_{"a", "b"};
  xabridge::Config config_ = xabridge::Config::load(scene_.config_file());
  examples::PlainPostgresql a_ = examples::connect_postgresql(config_, "a");
  examples::PlainMysql b_ = examples::connect_mysql(config_, "b");
};

/// How often work is done whose statement fails the first two times.
template <class Connection>
int times_done(const Connection& connection, const std::string& failing_statement) {
  int times = 0;
  try {
    examples::repeat_after_deadlock([&] {
      if (++times <= 2) connection.execute(failing_statement);
    });
  } catch (const xabridge::StatementError&) {
    CHECK(times == 1);
  }
  return times;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("written by hand a failed second commit undoes the first") {
  TwoCommits commits;
  const std::string error = commits.fail("DELETE FROM t");
  INFO(error);
  CHECK(contains(error, "commit at b failed: "));
  CHECK(contains(error, "; undone at a"));
  CHECK(commits.rows_at_a() == 0);
  CHECK(commits.rows_at_b() == 0);
}

TEST_CASE("written by hand an undo that fails is reported and the first commit stays") {
  TwoCommits commits;
  const std::string error = commits.fail("DELETE FROM nowhere");
  INFO(error);
  CHECK(contains(error, "commit at b failed: "));
  CHECK(contains(error, "; NOT undone at a, which stays committed: "));
  CHECK(commits.rows_at_a() == 1);
  CHECK(commits.rows_at_b() == 0);
}

TEST_CASE("written by hand work is repeated where the server says that it may succeed then") {
  const scene::Scene scene("a", "b");
  const auto config = xabridge::Config::load(scene.config_file());
  const auto a = examples::connect_postgresql(config, "a");
  const auto at_a = [&](const std::string& sqlstate) {
    return times_done(a, "DO $$ BEGIN RAISE SQLSTATE '" + sqlstate + "'; END $$");
  };
  CHECK(at_a("40P01") == 3);
  CHECK(at_a("40001") == 3);
  CHECK(at_a("23505") == 1);
  const auto b = examples::connect_mysql(config, "b");
  const auto at_b = [&](const std::string& number) {
    return times_done(b, "SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = " + number);
  };
  CHECK(at_b("1213") == 3);
  CHECK(at_b("1205") == 3);
  CHECK(at_b("1062") == 1);
}
