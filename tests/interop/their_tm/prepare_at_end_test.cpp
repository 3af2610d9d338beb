// A transaction manager of two processes: the application works in one, the other one prepares and
// completes; each has loaded the accessor library and opened it with prepare_at_end=1.
#include <xabridge/xa.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "catch.hpp"
#include "child.hpp"

using namespace foreign_tm;

namespace {

const std::string success = " 1 " + std::to_string(TMSUCCESS);

/// A worker, a completer, and a table (id, v) of their own with the row 1, 0.
struct Scene {
  Manager worker;
  Manager completer;
  const std::string table = unique_name();
  const std::string x = table + "_x";

  Scene() {
    const std::string engine = server() == "postgresql" ? "" : " ENGINE=InnoDB";
    outside("CREATE TABLE " + table + " (id INT PRIMARY KEY, v INT NOT NULL)" + engine);
    outside("INSERT INTO " + table + " VALUES (1, 0)");
  }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;
  ~Scene() {
    completer.say("rollback " + x + " 1 0");
    completer.say("outside DROP TABLE " + table);
  }

  void outside(const std::string& sql) {
    const std::string said = completer.say("outside " + sql);
    INFO(sql << ": " << said);
    REQUIRE(said.starts_with("0"));
  }
  std::string value() {
    return completer.say("outside SELECT v FROM " + table + " WHERE id = 1").substr(2);
  }
  /// The worker's part, up to its xa_end.
  void work(const std::string& xid) {
    REQUIRE(worker.code("start " + xid + " 1 0") == XA_OK);
    REQUIRE(worker.say("work 1 UPDATE " + table + " SET v = v + 1 WHERE id = 1") == "0 ");
    REQUIRE(worker.code("end " + xid + success) == XA_OK);
  }
  std::string listed(Child& by) { return by.say("recover 1 " + table); }
};

bool eventually(const std::function<bool()>& condition) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace

TEST_CASE("one process works, another prepares and completes") {
  Scene s;
  s.work(s.x);
  CHECK(s.listed(s.completer) == "listed " + s.x);
  CHECK(s.completer.code("prepare " + s.x + " 1 0") == XA_OK);
  CHECK(s.worker.code("prepare " + s.x + " 1 0") == XA_OK);
  CHECK(s.value() == "0");
  SECTION("commit") {
    CHECK(s.completer.code("commit " + s.x + " 1 0") == XA_OK);
    CHECK(s.value() == "1");
  }
  SECTION("roll back") {
    CHECK(s.completer.code("rollback " + s.x + " 1 0") == XA_OK);
    CHECK(s.value() == "0");
  }
  SECTION("commit in one phase") {
    CHECK(s.completer.code("commit " + s.x + " 1 " + std::to_string(TMONEPHASE)) == XA_OK);
    CHECK(s.value() == "1");
  }
  SECTION("commit by the process that did the work") {
    CHECK(s.worker.code("commit " + s.x + " 1 0") == XA_OK);
    CHECK(s.value() == "1");
  }
  CHECK(s.listed(s.completer) == "listed");
  CHECK(s.completer.code("prepare " + s.x + " 1 0") == XAER_NOTA);
  CHECK(s.worker.code("prepare " + s.x + " 1 0") == XAER_NOTA);
  CHECK(s.completer.code("commit " + s.x + " 1 " + std::to_string(TMONEPHASE)) == XAER_NOTA);
}

// MariaDB answers XA COMMIT with success, and commits nothing, while it is still letting go of the
// session that prepared the branch: then the next round waits for the row, and the sum is wrong.
TEST_CASE("a commit at once after xa_end is one") {
  Scene s;
  for (int i = 0; i < 20; ++i) {
    const std::string xid = s.x + std::to_string(i);
    s.work(xid);
    CHECK(s.completer.code("commit " + xid + " 1 0") == XA_OK);
  }
  CHECK(s.value() == "20");
}

TEST_CASE("a worker killed after xa_end has voted") {
  Scene s;
  s.work(s.x);
  s.worker.kill();
  CHECK(s.completer.code("prepare " + s.x + " 1 0") == XA_OK);
  CHECK(s.completer.code("commit " + s.x + " 1 0") == XA_OK);
  CHECK(s.value() == "1");
}

TEST_CASE("a worker killed before xa_end has not") {
  Scene s;
  REQUIRE(s.worker.code("start " + s.x + " 1 0") == XA_OK);
  REQUIRE(s.worker.say("work 1 UPDATE " + s.table + " SET v = v + 1 WHERE id = 1") == "0 ");
  s.worker.kill();
  CHECK(s.completer.code("prepare " + s.x + " 1 0") == XAER_NOTA);
  CHECK(s.completer.code("rollback " + s.x + " 1 0") == XAER_NOTA);
  CHECK(s.value() == "0");
  // The server lets go of the row once it has noticed; the branch may be begun anew.
  Manager second;
  CHECK(eventually([&] { return second.code("start " + s.x + " 1 0") == XA_OK; }));
  CHECK(second.say("work 1 UPDATE " + s.table + " SET v = v + 5 WHERE id = 1") == "0 ");
  CHECK(second.code("end " + s.x + success) == XA_OK);
  CHECK(s.completer.code("commit " + s.x + " 1 0") == XA_OK);
  CHECK(s.value() == "5");
}

TEST_CASE("a third process recovers what both others left") {
  Scene s;
  s.work(s.x);
  REQUIRE(s.completer.code("prepare " + s.x + " 1 0") == XA_OK);
  s.worker.kill();
  s.completer.kill();
  Manager third;
  CHECK(s.listed(third) == "listed " + s.x);
  const bool commit = GENERATE(true, false);
  CHECK(third.code((commit ? "commit " : "rollback ") + s.x + " 1 0") == XA_OK);
  CHECK(s.listed(third) == "listed");
  const std::string sum = third.say("outside SELECT v FROM " + s.table + " WHERE id = 1");
  CHECK(sum == (commit ? "0 1" : "0 0"));
  third.say("outside DROP TABLE " + s.table);
}

TEST_CASE("a branch that only reads, or does nothing, is prepared and completed like the others") {
  Scene s;
  const bool reads = GENERATE(true, false);
  const bool commit = GENERATE(true, false);
  REQUIRE(s.worker.code("start " + s.x + " 1 0") == XA_OK);
  if (reads) REQUIRE(s.worker.say("work 1 SELECT v FROM " + s.table) == "0 0");
  REQUIRE(s.worker.code("end " + s.x + success) == XA_OK);
  CHECK(s.listed(s.completer) == "listed " + s.x);
  CHECK(s.completer.code("prepare " + s.x + " 1 0") == XA_OK);
  CHECK(s.completer.code((commit ? "commit " : "rollback ") + s.x + " 1 0") == XA_OK);
  CHECK(s.listed(s.completer) == "listed");
  CHECK(s.completer.code("prepare " + s.x + " 1 0") == XAER_NOTA);
}

TEST_CASE("work that failed is rolled back at xa_end and nobody can vote for it") {
  Scene s;
  REQUIRE(s.worker.code("start " + s.x + " 1 0") == XA_OK);
  REQUIRE(s.worker.say("work 1 UPDATE " + s.table + " SET v = 7 WHERE id = 1") == "0 ");
  int code = 0;
  SECTION("the transaction manager says so") {
    code = s.worker.code("end " + s.x + " 1 " + std::to_string(TMFAIL));
  }
  SECTION("a statement failed, and the application went on") {
    const std::string said = s.worker.say("work 1 INSERT INTO " + s.table + " VALUES (1, 1)");
    CHECK(said == (server() == "postgresql" ? "1 23505" : "1 1062"));
    code = s.worker.code("end " + s.x + success);
    if (server() != "postgresql") {
      // There it is one statement that is undone, and the application's decision to go on.
      CHECK(code == XA_OK);
      CHECK(s.completer.code("rollback " + s.x + " 1 0") == XA_OK);
      code = XA_RBROLLBACK;
    }
  }
  CHECK(code >= XA_RBBASE);
  CHECK(code <= XA_RBEND);
  CHECK(s.completer.code("prepare " + s.x + " 1 0") == XAER_NOTA);
  CHECK(s.completer.code("rollback " + s.x + " 1 0") == XAER_NOTA);
  CHECK(s.worker.code("rollback " + s.x + " 1 0") == XAER_NOTA);
  CHECK(s.value() == "0");
  s.work(s.x);  // the name is free, the connection clean
  CHECK(s.completer.code("commit " + s.x + " 1 0") == XA_OK);
  CHECK(s.value() == "1");
}

TEST_CASE("what the server refuses to prepare is a rollback at xa_end") {
  if (server() != "postgresql") return;  // neither other server has a check that waits that long
  Scene s;
  s.outside("ALTER TABLE " + s.table +
            " ADD CONSTRAINT u UNIQUE (v) DEFERRABLE INITIALLY DEFERRED");
  REQUIRE(s.worker.code("start " + s.x + " 1 0") == XA_OK);
  REQUIRE(s.worker.say("work 1 INSERT INTO " + s.table + " VALUES (2, 0)") == "0 ");
  CHECK(s.worker.code("end " + s.x + success) == XA_RBINTEGRITY);
  CHECK(s.completer.code("prepare " + s.x + " 1 0") == XAER_NOTA);
}

TEST_CASE("work goes on after TMSUSPEND, and not after the vote") {
  Scene s;
  REQUIRE(s.worker.code("start " + s.x + " 1 0") == XA_OK);
  REQUIRE(s.worker.say("work 1 UPDATE " + s.table + " SET v = 1 WHERE id = 1") == "0 ");
  REQUIRE(s.worker.code("end " + s.x + " 1 " + std::to_string(TMSUSPEND)) == XA_OK);
  CHECK(s.completer.code("prepare " + s.x + " 1 0") == XAER_NOTA);
  REQUIRE(s.worker.code("start " + s.x + " 1 " + std::to_string(TMRESUME)) == XA_OK);
  REQUIRE(s.worker.say("work 1 UPDATE " + s.table + " SET v = v + 1 WHERE id = 1") == "0 ");
  REQUIRE(s.worker.code("end " + s.x + success) == XA_OK);
  for (Child* by : {static_cast<Child*>(&s.worker), static_cast<Child*>(&s.completer)}) {
    CHECK(by->code("start " + s.x + " 1 " + std::to_string(TMJOIN)) == XAER_PROTO);
    CHECK(by->code("start " + s.x + " 1 " + std::to_string(TMRESUME)) == XAER_PROTO);
    CHECK(by->code("end " + s.x + success) == XAER_PROTO);
    CHECK(by->code("start " + s.x + " 1 0") == XAER_DUPID);
  }
  CHECK(s.completer.code("commit " + s.x + " 1 0") == XA_OK);
  CHECK(s.value() == "2");
  CHECK(s.completer.code("start " + s.x + " 1 " + std::to_string(TMJOIN)) == XAER_NOTA);
}

TEST_CASE("an asynchronous xa_end votes before it completes") {
  Scene s;
  REQUIRE(s.worker.code("start " + s.x + " 1 0") == XA_OK);
  REQUIRE(s.worker.say("work 1 UPDATE " + s.table + " SET v = v + 1 WHERE id = 1") == "0 ");
  REQUIRE(s.worker.code("end " + s.x + " 1 " + std::to_string(TMSUCCESS | TMASYNC)) > 0);
  CHECK(s.worker.code("complete 1") == XA_OK);
  CHECK(s.completer.code("commit " + s.x + " 1 0") == XA_OK);
  CHECK(s.value() == "1");
}

TEST_CASE("many threads work in one process and as many complete in another") {
  constexpr int threads = 4, rounds = 6;
  Scene s;
  const std::string how_many = std::to_string(threads) + " " + std::to_string(rounds);
  const std::string all = std::to_string(threads * rounds);
  const std::string insert =
      "INSERT INTO " + s.table +
      (server() == "postgresql" ? " SELECT 2 + floor(random() * 2000000000)::int, 1"
                                : " SELECT 2 + FLOOR(RAND() * 2000000000), 1");
  CHECK(s.worker.say("storm work 1 " + s.table + " " + how_many + " " + insert) == all);
  CHECK(s.completer.say("storm finish 1 " + s.table + " " + how_many + " -") == all);
  CHECK(s.completer.say("outside SELECT SUM(v) FROM " + s.table).substr(2) == all);
}

TEST_CASE("the switch that registers itself prepares at its end too") {
  Scene s;
  Manager worker("_dynamic");
  worker.say("registers " + s.x);
  CHECK(worker.say("work 1 UPDATE " + s.table + " SET v = v + 1 WHERE id = 1") == "0 ");
  REQUIRE(worker.code("end " + s.x + success) == XA_OK);
  worker.kill();
  CHECK(s.completer.code("prepare " + s.x + " 1 0") == XA_OK);
  CHECK(s.completer.code("commit " + s.x + " 1 0") == XA_OK);
  CHECK(s.value() == "1");
}

TEST_CASE("MariaDB without the privilege to see what it lets go of is refused, with the grant") {
  if (server() != "mariadb") return;
  Loaded child;
  CHECK(child.code("open 1 " + open_string("prepare_at_end=1", "_limited")) == XAER_RMERR);
  const std::string said = child.say("work 1 SELECT 1");
  CHECK(said.find("GRANT PROCESS ON *.* TO 'xabridge_limited'@'%'") != std::string::npos);
  CHECK(child.code("open 1 " + open_string()) == XA_OK);
}
