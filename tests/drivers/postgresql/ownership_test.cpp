// Branches another role or database prepared: completed where the server allows it, and seen, with
// the account that can, where it does not.

#include <algorithm>
#include <xabridge/codes.hpp>

#include "fixture.hpp"
#include "role.hpp"

using namespace xabridge;
using namespace xabridge::test;

namespace {

/// Prepared over a plain connection, after `before`, as another program or an older one would.
void prepare_raw(Corner& corner, const std::string& open_string, const std::string& before,
                 const Xid& xid) {
  const Connection raw = open_raw(open_string);
  REQUIRE(sql(raw.get(), "BEGIN").ok);
  if (!before.empty()) REQUIRE(sql(raw.get(), before).ok);
  REQUIRE(sql(raw.get(), corner.add(1, 1)).ok);
  REQUIRE(sql(raw.get(), "PREPARE TRANSACTION '" + xid.to_gid() + "'").ok);
}

std::optional<rm::InDoubt> found(Result<std::vector<rm::InDoubt>> list, const Xid& xid) {
  for (rm::InDoubt& branch : std::move(list).value())
    if (branch.xid == xid) return std::move(branch);
  return std::nullopt;
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string role_of(rm::Session& session) { return sql(session, "SELECT current_user").value; }

}  // namespace

TEST_CASE("a branch of a role that the login role may take is completed under that role") {
  Corner corner;
  const Role role(corner.admin(), "xabridge");
  const Xid xid = corner.xid();
  prepare_raw(corner, environment("XABRIDGE_TEST_POSTGRESQL"), "SET LOCAL ROLE " + role.name(),
              xid);
  const SessionPtr session = corner.connect();
  CHECK(found(session->prepared(false), xid).has_value());
  CHECK_FALSE(found(session->out_of_reach(), xid).has_value());
  int amount = 101;
  SECTION("committed") { CHECK_ANSWER(session->commit_prepared(xid), XA_OK); }
  SECTION("rolled back") {
    CHECK_ANSWER(session->rollback_prepared(xid), XA_OK);
    amount = 100;
  }
  SECTION("without waiting") {
    CHECK(session->send(rm::Request::commit_prepared, xid));
    std::optional<rm::Answer> answer;
    CHECK(eventually([&] {
      answer = session->receive(rm::Patience::poll);
      return answer.has_value();
    }));
    REQUIRE(answer.has_value());
    CHECK_ANSWER(*answer, XA_OK);
  }
  CHECK_FALSE(corner.listed(xid));
  CHECK(corner.amount(1) == amount);
  CHECK(role_of(*session) == "xabridge");
  CHECK(session->reusable());
}

TEST_CASE("a branch is completed on a session that the application left under another role") {
  Corner corner;
  const Role role(corner.admin(), "xabridge");
  const SessionPtr session = corner.connect();
  const Xid xid = corner.xid();
  REQUIRE(session->begin(xid).code == XA_OK);
  CHECK(sql(*session, corner.add(1, 1)).ok);
  CHECK_ANSWER(session->prepare(xid), XA_OK);
  CHECK(sql(*session, "SET ROLE " + role.name()).ok);
  CHECK_ANSWER(session->commit_prepared(xid), XA_OK);
  CHECK(corner.amount(1) == 101);
  CHECK(role_of(*session) == "xabridge");
}

TEST_CASE("a branch of a role that the login role may not take is seen with who can complete it") {
  Corner corner;
  const Role owner(corner.admin(), "", "LOGIN PASSWORD 'xabridge-test'");
  const Xid xid = corner.xid();
  prepare_raw(corner, environment("XABRIDGE_TEST_POSTGRESQL") + " user=" + owner.name(), "", xid);
  const SessionPtr session = corner.connect();
  CHECK_FALSE(found(session->prepared(true), xid).has_value());
  const auto held = found(session->out_of_reach(), xid);
  REQUIRE(held.has_value());
  CHECK(held->owner == owner.name());
  CHECK(held->age.has_value());
  CHECK(says(held->obstacle, "user=" + owner.name()));
  for (const bool commit : {true, false}) {
    const rm::Answer answer =
        commit ? session->commit_prepared(xid) : session->rollback_prepared(xid);
    CHECK_ANSWER(answer, XAER_RMERR);
    REQUIRE(answer.error.has_value());
    CHECK(answer.error->sqlstate == "42501");
    CHECK(answer.error->message == held->obstacle);
  }
  CHECK(corner.listed(xid));
  CHECK(session->reusable());
  CHECK(role_of(*session) == "xabridge");

  // What the text advises works.
  REQUIRE(sql(corner.admin(), "GRANT " + owner.name() + " TO xabridge").ok);
  CHECK(found(session->prepared(false), xid).has_value());
  CHECK_ANSWER(session->commit_prepared(xid), XA_OK);
  CHECK(corner.amount(1) == 101);
}

TEST_CASE("a branch of another database is seen with the database that can complete it") {
  Corner corner;
  const Xid xid = corner.xid();
  const std::string here = environment("XABRIDGE_TEST_POSTGRESQL");
  const SessionPtr other = open_session(with_database(here, "xabridge2"));
  REQUIRE(other->begin(xid).code == XA_OK);
  CHECK(sql(*other, "SELECT txid_current()").ok);  // there is no table; this makes it a write
  CHECK_ANSWER(other->prepare(xid), XA_OK);
  for (const char* const account : {"XABRIDGE_TEST_POSTGRESQL", "XABRIDGE_TEST_POSTGRESQL_ADMIN"}) {
    const SessionPtr session = open_session(environment(account));
    CHECK_FALSE(found(session->prepared(true), xid).has_value());
    const auto held = found(session->out_of_reach(), xid);
    REQUIRE(held.has_value());
    CHECK(held->owner == "xabridge");
    CHECK(says(held->obstacle, "dbname=xabridge2"));
    const rm::Answer answer = session->commit_prepared(xid);
    CHECK_ANSWER(answer, XAER_RMERR);
    REQUIRE(answer.error.has_value());
    CHECK(answer.error->message == held->obstacle);
  }
  CHECK_ANSWER(other->rollback_prepared(xid), XA_OK);
}

TEST_CASE("a branch whose owner was dropped is seen and a superuser completes it") {
  Corner corner;
  const Xid xid = corner.xid();
  Role role(corner.admin(), "xabridge");
  prepare_raw(corner, environment("XABRIDGE_TEST_POSTGRESQL"), "SET LOCAL ROLE " + role.name(),
              xid);
  role.drop();
  const SessionPtr session = corner.connect();
  CHECK_FALSE(found(session->prepared(true), xid).has_value());
  auto held = found(session->out_of_reach(), xid);
  REQUIRE(held.has_value());
  CHECK(says(held->owner, "dropped"));
  CHECK(says(held->obstacle, "superuser"));
  CHECK_ANSWER(session->commit_prepared(xid), XAER_RMERR);

  // Made again it has the name, and not the number.
  REQUIRE(sql(corner.admin(), "CREATE ROLE " + role.name()).ok);
  held = found(session->out_of_reach(), xid);
  CHECK(sql(corner.admin(), "DROP ROLE " + role.name()).ok);
  CHECK(held.has_value());
  CHECK(corner.listed(xid));

  SECTION("as itself") {
    const SessionPtr superuser = open_session(environment("XABRIDGE_TEST_POSTGRESQL_ADMIN"));
    CHECK(found(superuser->prepared(false), xid).has_value());
    CHECK_ANSWER(superuser->commit_prepared(xid), XA_OK);
  }
  SECTION("whose open string sets another role") {
    const SessionPtr superuser = open_session(environment("XABRIDGE_TEST_POSTGRESQL_ADMIN") +
                                              " options='-c role=xabridge_other'");
    CHECK(role_of(*superuser) == "xabridge_other");
    CHECK(found(superuser->prepared(false), xid).has_value());
    CHECK_ANSWER(superuser->commit_prepared(xid), XA_OK);
    CHECK(role_of(*superuser) == "xabridge_other");
  }
  CHECK(corner.amount(1) == 101);
}

TEST_CASE("names that are no XID are never out of reach") {
  Corner corner;
  const std::string gid = unique_name("own");
  corner.also_clean(gid);
  const Connection raw = open_raw(environment("XABRIDGE_TEST_POSTGRESQL_OTHER"));
  REQUIRE(sql(raw.get(), "BEGIN").ok);
  REQUIRE(sql(raw.get(), "PREPARE TRANSACTION '" + gid + "'").ok);
  const auto held = corner.connect()->out_of_reach().value();
  CHECK(std::none_of(held.begin(), held.end(), [&](const auto& b) { return b.name == gid; }));
}
