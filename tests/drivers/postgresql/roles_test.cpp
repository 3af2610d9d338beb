// Work under another role: SET ROLE, SET LOCAL ROLE and SET SESSION AUTHORIZATION inside a branch
// change who does the work, and not who may complete the branch.

#include <xabridge/codes.hpp>

#include "fixture.hpp"
#include "role.hpp"

using namespace xabridge;
using namespace xabridge::test;

namespace {

struct Begun {
  Corner corner;
  Role role{corner.admin(), "xabridge"};
  SessionPtr session = corner.connect();
  Xid xid = corner.xid();

  explicit Begun(const char* open_string = nullptr) {
    if (open_string != nullptr) session = open_session(environment(open_string));
    REQUIRE(session->begin(xid).code == XA_OK);
  }
  std::string owner() {
    return sql(corner.admin(),
               "SELECT owner FROM pg_prepared_xacts WHERE gid = '" + xid.to_gid() + "'")
        .value;
  }
  /// Prepares it; any session of the login role commits it, and the next branch is that role's.
  void check_belongs_to(const std::string& login) {
    CHECK(sql(*session, corner.add(1, 1)).ok);
    CHECK_ANSWER(session->end(xid), XA_OK);
    CHECK_ANSWER(session->prepare(xid), XA_OK);
    CHECK(owner() == login);
    CHECK(session->reusable());
    const SessionPtr another = login == "xabridge"
                                   ? corner.connect()
                                   : open_session(environment("XABRIDGE_TEST_POSTGRESQL_ADMIN"));
    CHECK_ANSWER(another->commit_prepared(xid), XA_OK);
    CHECK(corner.amount(1) == 101);
    const Xid next = corner.xid();
    CHECK_ANSWER(session->begin(next), XA_OK);
    CHECK(sql(*session, "SELECT current_user || ' ' || session_user").value == login + " " + login);
    CHECK_ANSWER(session->rollback(next), XA_OK);
  }
};

/// Writes the role it runs under when the transaction ends.
class RoleAtCommit {
 public:
  explicit RoleAtCommit(Corner& corner) : admin_(corner.admin()) {
    REQUIRE(sql(admin_, "CREATE TABLE " + name_ + " (role text)").ok);
    REQUIRE(sql(admin_, "GRANT ALL ON " + name_ + " TO PUBLIC").ok);
    REQUIRE(sql(admin_, "CREATE FUNCTION " + name_ +
                            "_f() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO " +
                            name_ + " VALUES (current_user); RETURN NULL; END$$")
                .ok);
    REQUIRE(sql(admin_, "CREATE CONSTRAINT TRIGGER " + name_ + " AFTER UPDATE ON " +
                            corner.table() +
                            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION " +
                            name_ + "_f()")
                .ok);
  }
  RoleAtCommit(const RoleAtCommit&) = delete;
  RoleAtCommit& operator=(const RoleAtCommit&) = delete;
  ~RoleAtCommit() {
    sql(admin_, "SET lock_timeout = '5s'");  // a branch that a failed test left keeps its locks
    sql(admin_, "DROP FUNCTION IF EXISTS " + name_ + "_f CASCADE");
    sql(admin_, "DROP TABLE IF EXISTS " + name_);
  }
  [[nodiscard]] std::string seen() const { return sql(admin_, "SELECT * FROM " + name_).value; }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  PGconn* admin_;
  const std::string name_ = unique_name("at_commit");
};

}  // namespace

TEST_CASE("a branch that worked under another role is the login role's to complete") {
  Begun b;
  SECTION("SET LOCAL ROLE") { CHECK(sql(*b.session, "SET LOCAL ROLE " + b.role.name()).ok); }
  SECTION("SET ROLE") { CHECK(sql(*b.session, "SET ROLE " + b.role.name()).ok); }
  SECTION("in a query") {
    CHECK(sql(*b.session, "SELECT set_config('role', '" + b.role.name() + "', true)").ok);
  }
  SECTION("in a block") {
    CHECK(sql(*b.session, "DO $$BEGIN EXECUTE 'SET LOCAL ROLE " + b.role.name() + "'; END$$").ok);
  }
  SECTION("under a savepoint") {
    CHECK(sql(*b.session, "SAVEPOINT s; SET LOCAL ROLE " + b.role.name() + "; RELEASE s").ok);
  }
  CHECK(sql(b.corner.admin(), "GRANT ALL ON " + b.corner.table() + " TO " + b.role.name()).ok);
  CHECK(sql(*b.session, "SELECT current_user").value == b.role.name());
  b.check_belongs_to("xabridge");
}

TEST_CASE("a branch whose role is dropped meanwhile is the login role's to complete") {
  Begun b;
  CHECK(sql(*b.session, "SET LOCAL ROLE " + b.role.name()).ok);
  CHECK(sql(*b.session, b.corner.add(1, 1)).ok);
  b.role.drop();
  CHECK_ANSWER(b.session->end(b.xid), XA_OK);
  CHECK_ANSWER(b.session->prepare(b.xid), XA_OK);
  CHECK(b.owner() == "xabridge");
  CHECK_ANSWER(b.corner.connect()->commit_prepared(b.xid), XA_OK);
}

TEST_CASE("a branch under SET SESSION AUTHORIZATION is the login role's to complete") {
  Begun b("XABRIDGE_TEST_POSTGRESQL_ADMIN");
  SECTION("for the session") {
    CHECK(sql(*b.session, "SET SESSION AUTHORIZATION xabridge_other").ok);
  }
  SECTION("for the transaction") {
    CHECK(sql(*b.session, "SET LOCAL SESSION AUTHORIZATION xabridge_other").ok);
  }
  SECTION("and a role on top") {
    CHECK(sql(b.corner.admin(), "GRANT " + b.role.name() + " TO xabridge_other").ok);
    CHECK(
        sql(*b.session, "SET SESSION AUTHORIZATION xabridge_other; SET LOCAL ROLE " + b.role.name())
            .ok);
  }
  b.check_belongs_to("xabridge_admin");
}

TEST_CASE("a role that the open string sets is the one that completes its branches") {
  Corner corner;
  const Role role(corner.admin(), "xabridge");
  const std::string option = "options='-c role=" + role.name() + "'";
  const SessionPtr session = corner.connect(option);
  const Xid xid = corner.xid();
  REQUIRE(session->begin(xid).code == XA_OK);
  CHECK(sql(*session, "SET LOCAL ROLE NONE").ok);
  CHECK(sql(*session, corner.add(1, 1)).ok);
  CHECK_ANSWER(session->prepare(xid), XA_OK);
  CHECK(
      sql(corner.admin(), "SELECT owner FROM pg_prepared_xacts WHERE gid = '" + xid.to_gid() + "'")
          .value == role.name());
  CHECK_ANSWER(corner.connect(option)->commit_prepared(xid), XA_OK);
  CHECK(corner.amount(1) == 101);
}

TEST_CASE("a function of another role does not make the branch that role's") {
  Begun b;
  const std::string name = unique_name("definer");
  REQUIRE(sql(b.corner.admin(), "CREATE FUNCTION " + name +
                                    "() RETURNS int LANGUAGE sql SECURITY DEFINER AS $$" +
                                    b.corner.add(2, 1) + " RETURNING 1$$")
              .ok);
  CHECK(sql(*b.session, "SELECT " + name + "()").ok);
  b.check_belongs_to("xabridge");
  CHECK(b.corner.amount(2) == 101);
  CHECK(sql(b.corner.admin(), "DROP FUNCTION " + name).ok);
}

TEST_CASE("deferred triggers run under the role of the branch") {
  Begun b;
  const RoleAtCommit trigger(b.corner);
  CHECK(sql(*b.session, "SET LOCAL ROLE " + b.role.name()).ok);
  CHECK(sql(*b.session, b.corner.add(1, 1)).ok);
  SECTION("prepared") {
    CHECK_ANSWER(b.session->prepare(b.xid), XA_OK);
    CHECK(b.owner() == "xabridge");
    CHECK_ANSWER(b.session->commit_prepared(b.xid), XA_OK);
  }
  SECTION("committed in one phase") { CHECK_ANSWER(b.session->commit_one_phase(b.xid), XA_OK); }
  CHECK(trigger.seen() == b.role.name());
  CHECK(b.session->reusable());
}

TEST_CASE("a deferred trigger that may not do its work under the role of the branch votes no") {
  Begun b;
  const RoleAtCommit trigger(b.corner);
  CHECK(sql(b.corner.admin(), "REVOKE ALL ON " + trigger.name() + " FROM PUBLIC").ok);
  CHECK(sql(b.corner.admin(), "GRANT ALL ON " + trigger.name() + " TO xabridge").ok);
  CHECK(sql(*b.session, "SET LOCAL ROLE " + b.role.name()).ok);
  CHECK(sql(*b.session, b.corner.add(1, 1)).ok);
  const rm::Answer answer = b.session->prepare(b.xid);
  CHECK_ANSWER(answer, XA_RBOTHER);
  REQUIRE(answer.error.has_value());
  CHECK(answer.error->sqlstate == "42501");
  CHECK_FALSE(b.corner.listed(b.xid));
  CHECK(b.session->reusable());
  CHECK(b.corner.amount(1) == 100);
}

TEST_CASE("a role set inside a branch is not the next one's") {
  Begun b;
  CHECK(sql(*b.session, "SET ROLE " + b.role.name()).ok);
  SECTION("committed in one phase") {
    CHECK(sql(*b.session, b.corner.add(1, 1)).ok);
    CHECK_ANSWER(b.session->commit_one_phase(b.xid), XA_OK);
  }
  SECTION("read only") { CHECK_ANSWER(b.session->prepare(b.xid), XA_RDONLY); }
  SECTION("rolled back") { CHECK_ANSWER(b.session->rollback(b.xid), XA_OK); }
  SECTION("prepared and rolled back") {
    CHECK(sql(*b.session, b.corner.add(1, 1)).ok);
    CHECK_ANSWER(b.session->prepare(b.xid), XA_OK);
    CHECK_ANSWER(b.session->rollback_prepared(b.xid), XA_OK);
    CHECK_FALSE(b.corner.listed(b.xid));
  }
  const Xid next = b.corner.xid();
  CHECK_ANSWER(b.session->begin(next), XA_OK);
  CHECK(sql(*b.session, "SELECT current_user").value == "xabridge");
  CHECK_ANSWER(b.session->rollback(next), XA_OK);
}
