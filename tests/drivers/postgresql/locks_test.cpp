// A lock that a branch takes covers it until phase two, however little else the branch did.

#include <xabridge/codes.hpp>

#include "fixture.hpp"

using namespace xabridge;
using namespace xabridge::test;

namespace {

struct Begun {
  Corner corner;
  SessionPtr session = corner.connect();
  Xid xid = corner.xid();
  /// Keys that no other test uses; negative ones are as good as others.
  std::string number = std::to_string(-0x7862000000000000L - std::stol(session->server_id()));
  std::string pair = session->server_id() + ", -2";

  Begun() { REQUIRE(session->begin(xid).code == XA_OK); }

  bool lock_is_free(const std::string& key) {
    return sql(corner.admin(), "SELECT pg_try_advisory_xact_lock(" + key + ")").value == "t";
  }
  bool table_is_free(const std::string& mode) {
    sql(corner.admin(), "BEGIN");
    const bool free =
        sql(corner.admin(), "LOCK TABLE " + corner.table() + " IN " + mode + " MODE NOWAIT").ok;
    sql(corner.admin(), "ROLLBACK");
    return free;
  }
  /// Prepares; the lock is held until phase two and not an instant longer.
  void check_covered(const std::function<bool()>& is_free) {
    CHECK_FALSE(is_free());
    CHECK_ANSWER(session->end(xid), XA_OK);
    CHECK_ANSWER(session->prepare(xid), XA_OK);
    CHECK(corner.listed(xid));
    CHECK_FALSE(is_free());
    CHECK(session->reusable());
    // The session serves another branch meanwhile, and has let go of its own part.
    CHECK(sql(corner.admin(), "SELECT count(*) FROM pg_locks WHERE pid = " + session->server_id())
              .value == "0");
    CHECK_ANSWER(session->commit_prepared(xid), XA_OK);
    CHECK(is_free());
  }
};

/// A function that runs what it is told: no command tag and no column name tells of it.
class Hiding {
 public:
  explicit Hiding(PGconn* admin) : admin_(admin) {
    REQUIRE(sql(admin_, "CREATE FUNCTION " + name_ +
                            "(what text) RETURNS int LANGUAGE plpgsql AS $$BEGIN EXECUTE what; "
                            "RETURN 1; END$$")
                .ok);
  }
  Hiding(const Hiding&) = delete;
  Hiding& operator=(const Hiding&) = delete;
  ~Hiding() { sql(admin_, "DROP FUNCTION " + name_ + "(text)"); }
  [[nodiscard]] std::string call(const std::string& statement) const {
    return "SELECT " + name_ + "($$" + statement + "$$)";
  }

 private:
  PGconn* admin_;
  const std::string name_ = unique_name("hide");
};

}  // namespace

TEST_CASE("a transaction's advisory lock lasts until phase two") {
  Begun b;
  const Hiding hiding(b.corner.admin());
  std::string key = b.number;
  SECTION("waited for") { CHECK(sql(*b.session, "SELECT pg_advisory_xact_lock(" + key + ")").ok); }
  SECTION("tried") {
    CHECK(sql(*b.session, "SELECT pg_try_advisory_xact_lock(" + key + ")").value == "t");
  }
  SECTION("tried in a FROM clause") {
    CHECK(sql(*b.session, "SELECT 1 FROM pg_advisory_xact_lock(" + key + ")").ok);
  }
  SECTION("shared") {
    CHECK(sql(*b.session, "SELECT pg_try_advisory_xact_lock_shared(" + key + ")").value == "t");
  }
  SECTION("of two numbers") {
    key = b.pair;
    CHECK(sql(*b.session, "SELECT pg_try_advisory_xact_lock(" + key + ")").value == "t");
  }
  SECTION("in a function") {
    CHECK(sql(*b.session, hiding.call("SELECT pg_advisory_xact_lock(" + key + ")")).ok);
  }
  SECTION("under a savepoint") {
    CHECK(sql(*b.session, "SAVEPOINT s; SELECT pg_try_advisory_xact_lock(" + key + "); RELEASE s")
              .ok);
  }
  SECTION("beside a write") {
    CHECK(sql(*b.session, "SELECT pg_try_advisory_xact_lock(" + key + ")").value == "t");
    CHECK(sql(*b.session, b.corner.add(1, 1)).ok);
  }
  b.check_covered([&] { return b.lock_is_free(key); });
}

TEST_CASE("a session's advisory lock lasts until phase two") {
  Begun b;
  const Hiding hiding(b.corner.admin());
  std::string key = b.number;
  SECTION("waited for") { CHECK(sql(*b.session, "SELECT pg_advisory_lock(" + key + ")").ok); }
  SECTION("tried") {
    CHECK(sql(*b.session, "SELECT pg_try_advisory_lock(" + key + ")").value == "t");
  }
  SECTION("twice") {
    CHECK(
        sql(*b.session, "SELECT pg_advisory_lock(" + key + "), pg_advisory_lock(" + key + ")").ok);
  }
  SECTION("shared") { CHECK(sql(*b.session, "SELECT pg_advisory_lock_shared(" + key + ")").ok); }
  SECTION("shared and not shared") {
    CHECK(sql(*b.session, "SELECT pg_advisory_lock_shared(" + key + ")").ok);
    CHECK(sql(*b.session, "SELECT pg_advisory_lock(" + key + ")").ok);
  }
  SECTION("of two numbers") {
    key = b.pair;
    CHECK(sql(*b.session, "SELECT pg_try_advisory_lock(" + key + ")").value == "t");
  }
  SECTION("of two numbers, shared") {
    key = "-1, " + b.session->server_id();
    CHECK(sql(*b.session, "SELECT pg_advisory_lock_shared(" + key + ")").ok);
  }
  SECTION("in a function") {
    CHECK(sql(*b.session, hiding.call("SELECT pg_advisory_lock(" + key + ")")).ok);
  }
  SECTION("in a function that writes") {
    CHECK(sql(*b.session, hiding.call("SELECT pg_advisory_lock(" + key + ")")).ok);
    CHECK(sql(*b.session, hiding.call(b.corner.add(1, 1))).ok);
  }
  SECTION("beside a write") {
    CHECK(sql(*b.session, "SELECT pg_try_advisory_lock(" + key + ")").value == "t");
    CHECK(sql(*b.session, b.corner.add(1, 1)).ok);
  }
  // PREPARE TRANSACTION alone refuses this: "while holding both".
  SECTION("beside a transaction's of the same key") {
    CHECK(sql(*b.session, "SELECT pg_advisory_lock(" + key + ")").ok);
    CHECK(sql(*b.session, "SELECT pg_advisory_xact_lock(" + key + ")").ok);
  }
  b.check_covered([&] { return b.lock_is_free(key); });
}

// What the driver does not see, and does not ask for where it has seen a write: see README.md.
TEST_CASE("a session's advisory lock hidden in a function beside a write ends at the vote") {
  Begun b;
  const Hiding hiding(b.corner.admin());
  CHECK(sql(*b.session, hiding.call("SELECT pg_advisory_lock(" + b.number + ")")).ok);
  CHECK(sql(*b.session, b.corner.add(1, 1)).ok);
  SECTION("alone") {
    CHECK_ANSWER(b.session->prepare(b.xid), XA_OK);
    CHECK(b.lock_is_free(b.number));
    CHECK(b.session->reusable());
  }
  SECTION("beside a transaction's of the same key it makes the branch vote no") {
    CHECK(sql(*b.session, "SELECT pg_advisory_xact_lock(" + b.number + ")").ok);
    const rm::Answer answer = b.session->prepare(b.xid);
    CHECK_ANSWER(answer, XA_RBOTHER);
    REQUIRE(answer.error.has_value());
    CHECK(answer.error->sqlstate == "0A000");
    CHECK(b.lock_is_free(b.number));
  }
}

TEST_CASE("a table lock lasts until phase two") {
  Begun b;
  const Hiding hiding(b.corner.admin());
  std::string other = "ACCESS EXCLUSIVE";
  SECTION("exclusive") {
    other = "ACCESS SHARE";
    CHECK(sql(*b.session, "LOCK TABLE " + b.corner.table()).ok);
  }
  SECTION("of every mode") {
    for (const char* const mode :
         {"ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE", "SHARE",
          "SHARE ROW EXCLUSIVE", "EXCLUSIVE"})
      CHECK(sql(*b.session, "LOCK TABLE " + b.corner.table() + " IN " + mode + " MODE").ok);
  }
  SECTION("as weak as a reader's") {
    CHECK(sql(*b.session, "LOCK TABLE " + b.corner.table() + " IN ACCESS SHARE MODE").ok);
  }
  SECTION("in a function") {
    other = "ROW EXCLUSIVE";
    CHECK(sql(*b.session, hiding.call("LOCK TABLE " + b.corner.table() + " IN SHARE MODE")).ok);
  }
  SECTION("of a query for update that finds no row") {
    other = "EXCLUSIVE";
    CHECK(sql(*b.session, "SELECT 1 FROM " + b.corner.table() + " WHERE id = 0 FOR UPDATE").ok);
  }
  SECTION("of a function that changes no row") {
    other = "SHARE";
    CHECK(sql(*b.session, hiding.call("DELETE FROM " + b.corner.table() + " WHERE id = 0")).ok);
  }
  b.check_covered([&] { return b.table_is_free(other); });
}

TEST_CASE("a row lock lasts until phase two") {
  Begun b;
  const std::string row = "SELECT 1 FROM " + b.corner.table() + " WHERE id = 1 ";
  std::string how;
  SECTION("FOR UPDATE") { how = "FOR UPDATE"; }
  SECTION("FOR NO KEY UPDATE") { how = "FOR NO KEY UPDATE"; }
  SECTION("FOR SHARE") { how = "FOR SHARE"; }
  SECTION("FOR KEY SHARE") { how = "FOR KEY SHARE"; }
  CHECK(sql(*b.session, row + how).ok);
  b.check_covered([&] { return sql(b.corner.admin(), row + "FOR UPDATE NOWAIT").ok; });
}

TEST_CASE("what only reads locks nothing that would need phase two") {
  Begun b;
  SECTION("read committed") {}
  SECTION("serializable") {
    CHECK(sql(*b.session, "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE").ok);
  }
  CHECK(sql(*b.session, "SELECT count(*) FROM " + b.corner.table() + " WHERE id = 1").value == "1");
  CHECK_ANSWER(b.session->prepare(b.xid), XA_RDONLY);
}
