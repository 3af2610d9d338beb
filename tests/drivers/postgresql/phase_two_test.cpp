// Completing and listing prepared branches from any session and process (traps 4, 5, 9).

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <xabridge/codes.hpp>

#include "fixture.hpp"

using namespace xabridge;
using namespace xabridge::test;

namespace {

void prepare_on(rm::Session& session, const Xid& xid, const std::string& statement) {
  REQUIRE(session.begin(xid).code == XA_OK);
  REQUIRE(sql(session, statement).ok);
  REQUIRE(session.end(xid).code == XA_OK);
  REQUIRE(session.prepare(xid).code == XA_OK);
}

bool lists(rm::Session& session, const std::string& name, bool include_foreign) {
  const auto list = session.prepared(include_foreign).value();
  return std::any_of(list.begin(), list.end(), [&](const auto& b) { return b.name == name; });
}

std::string all_bytes(int first, std::size_t count) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) bytes += static_cast<char>(first + static_cast<int>(i));
  return bytes;
}

}  // namespace

TEST_CASE("another session commits what one prepared and closed") {
  Corner corner;
  const Xid xid = corner.xid();
  SessionPtr first = corner.connect();
  prepare_on(*first, xid, corner.add(1, 1));
  first.reset();
  const SessionPtr second = corner.connect();
  CHECK(lists(*second, xid.to_gid(), false));
  CHECK_ANSWER(second->commit_prepared(xid), XA_OK);
  CHECK(corner.amount(1) == 101);
}

TEST_CASE("a branch outlives the process that prepared it") {
  Corner corner;
  const Xid xid = corner.xid();
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {  // no Catch2 here: it must not report twice
    auto server = postgresql::driver().parse(environment("XABRIDGE_TEST_POSTGRESQL"));
    auto session = (*server)->connect("child").value();
    const bool done = session->begin(xid).code == XA_OK && sql(*session, corner.add(1, 1)).ok &&
                      session->end(xid).code == XA_OK && session->prepare(xid).code == XA_OK;
    _exit(done ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
  const SessionPtr session = corner.connect();
  CHECK(lists(*session, xid.to_gid(), false));
  CHECK_ANSWER(session->commit_prepared(xid), XA_OK);
  CHECK(corner.amount(1) == 101);
}

TEST_CASE("a branch that is gone is NOTA") {
  Corner corner;
  const Xid xid = corner.xid();
  const SessionPtr session = corner.connect();
  CHECK_ANSWER(session->commit_prepared(xid), XAER_NOTA);
  CHECK_ANSWER(session->rollback_prepared(xid), XAER_NOTA);
  CHECK(session->reusable());
}

TEST_CASE("XIDs of any 64 and 64 bytes come back as they were") {
  Corner corner;
  const SessionPtr session = corner.connect();
  for (const int first : {0, 64, 128, 192}) {
    const auto xid =
        Xid::make(0x7fffffffffffffffL, all_bytes(first, 64), all_bytes(255 - first - 63, 64));
    REQUIRE(xid.has_value());
    corner.also_clean(xid->to_gid());
    prepare_on(*session, *xid, corner.add(1, 1));
    const auto list = session->prepared(false).value();
    CHECK(std::any_of(list.begin(), list.end(), [&](const auto& b) { return b.xid == *xid; }));
    CHECK_ANSWER(session->rollback_prepared(*xid), XA_OK);
  }
}

TEST_CASE("a branch of a negative formatID, as pgjdbc makes them, is listed and completed") {
  Corner corner;
  const Xid xid = Xid::make(-559038737, unique_name("g"), "b").value();
  corner.also_clean(xid.to_gid());
  const SessionPtr other = corner.connect();
  const Connection foreign = open_raw(environment("XABRIDGE_TEST_POSTGRESQL"));
  REQUIRE(sql(foreign.get(), "BEGIN").ok);
  REQUIRE(sql(foreign.get(), corner.add(1, 1)).ok);
  REQUIRE(sql(foreign.get(), "PREPARE TRANSACTION '" + xid.to_gid() + "'").ok);
  const auto list = other->prepared(false).value();
  CHECK(std::any_of(list.begin(), list.end(), [&](const auto& b) { return b.xid == xid; }));
  CHECK_ANSWER(other->commit_prepared(xid), XA_OK);
  CHECK(corner.amount(1) == 101);
}

TEST_CASE("names that are no XID are listed on request only and never as one") {
  Corner corner;
  const std::string gid = unique_name("somebody's own").substr(0, 8) + unique_name("x");
  corner.also_clean(gid);
  const Connection raw = open_raw(environment("XABRIDGE_TEST_POSTGRESQL"));
  REQUIRE(sql(raw.get(), "BEGIN").ok);
  REQUIRE(sql(raw.get(), corner.add(1, 1)).ok);
  REQUIRE(sql(raw.get(), "PREPARE TRANSACTION '" + gid + "'").ok);
  const SessionPtr session = corner.connect();
  CHECK_FALSE(lists(*session, gid, false));
  CHECK(lists(*session, gid, true));
  for (const auto& branch : session->prepared(true).value()) {
    if (branch.name != gid) continue;
    CHECK_FALSE(branch.xid.has_value());
    CHECK(branch.owner == "xabridge");
    CHECK(branch.age.has_value());
  }
}

// Trap 4.
TEST_CASE("a branch of another database is not listed and not taken for gone") {
  Corner corner;
  const Xid xid = corner.xid();
  const std::string here = environment("XABRIDGE_TEST_POSTGRESQL");
  const SessionPtr other = open_session(with_database(here, "xabridge2"));
  prepare_on(*other, xid, "SELECT txid_current()");  // there is no table; this makes it a write
  const SessionPtr session = corner.connect();
  CHECK_FALSE(lists(*session, xid.to_gid(), true));
  for (const bool commit : {true, false}) {
    const rm::Answer answer =
        commit ? session->commit_prepared(xid) : session->rollback_prepared(xid);
    CHECK_ANSWER(answer, XAER_RMERR);
    REQUIRE(answer.error.has_value());
    CHECK(answer.error->sqlstate == "0A000");
    CHECK(answer.error->message.find("dbname") != std::string::npos);
  }
  CHECK_ANSWER(other->rollback_prepared(xid), XA_OK);
}

TEST_CASE("a branch of another role is not listed and not taken for gone") {
  Corner corner;
  const Xid xid = corner.xid();
  const SessionPtr owner = corner.connect();
  prepare_on(*owner, xid, corner.add(1, 1));
  const SessionPtr other = open_session(environment("XABRIDGE_TEST_POSTGRESQL_OTHER"));
  CHECK_FALSE(lists(*other, xid.to_gid(), true));
  const rm::Answer answer = other->commit_prepared(xid);
  CHECK_ANSWER(answer, XAER_RMERR);
  REQUIRE(answer.error.has_value());
  CHECK(answer.error->sqlstate == "42501");
  CHECK(corner.listed(xid));
  const SessionPtr superuser = open_session(environment("XABRIDGE_TEST_POSTGRESQL_ADMIN"));
  CHECK(lists(*superuser, xid.to_gid(), false));
  CHECK_ANSWER(superuser->commit_prepared(xid), XA_OK);
  CHECK(corner.amount(1) == 101);
}

TEST_CASE("phase two inside a transaction gives the session up and not the branch") {
  Corner corner;
  const Xid xid = corner.xid();
  const SessionPtr session = corner.connect();
  prepare_on(*session, xid, corner.add(1, 1));
  CHECK(sql(*session, "BEGIN").ok);
  const rm::Answer answer = session->commit_prepared(xid);
  CHECK_ANSWER(answer, XAER_RMFAIL);
  REQUIRE(answer.error.has_value());
  CHECK(answer.error->sqlstate == "25001");
  CHECK_FALSE(answer.error->connection_usable);
  CHECK(corner.listed(xid));
}
