// What the application types by itself on the branch's connection is never reported as what it is
// not.

#include <xabridge/codes.hpp>

#include "fixture.hpp"

using namespace xabridge;
using namespace xabridge::test;

namespace {

struct Begun {
  Corner corner;
  SessionPtr session = corner.connect();
  Xid xid = corner.xid();
  Begun() {
    REQUIRE(session->begin(xid).code == XA_OK);
    REQUIRE(sql(*session, corner.add(1, 1)).ok);
  }
};

}  // namespace

TEST_CASE("ROLLBACK by hand dooms the branch") {
  Begun b;
  SECTION("alone") { CHECK(sql(*b.session, "ROLLBACK").ok); }
  SECTION("followed by a transaction of its own") {
    CHECK(sql(*b.session, "ROLLBACK; BEGIN READ WRITE").ok);
    CHECK(sql(*b.session, b.corner.add(2, 1)).ok);
  }
  SECTION("chained") {
    CHECK(sql(*b.session, "ROLLBACK AND CHAIN").ok);
    CHECK(sql(*b.session, b.corner.add(2, 1)).ok);
  }
  CHECK_ANSWER(b.session->end(b.xid), XA_RBROLLBACK);
  CHECK_ANSWER(b.session->rollback(b.xid), XA_OK);
  CHECK(b.corner.amount(1) == 100);
  CHECK(b.corner.amount(2) == 100);
  CHECK(b.session->reusable());
}

TEST_CASE("ROLLBACK by hand without an end is not prepared and not committed") {
  for (const char* statement : {"ROLLBACK", "ROLLBACK AND CHAIN"})
    for (const bool one_phase : {false, true}) {
      Begun b;
      CHECK(sql(*b.session, statement).ok);
      CHECK_ANSWER(one_phase ? b.session->commit_one_phase(b.xid) : b.session->prepare(b.xid),
                   XA_RBROLLBACK);
      CHECK_FALSE(b.corner.listed(b.xid));
      CHECK(b.corner.amount(1) == 100);
      CHECK(b.session->reusable());
    }
}

TEST_CASE("ROLLBACK by hand after a failure keeps the reason of the failure") {
  Begun b;
  CHECK(sql(*b.session, "INSERT INTO " + b.corner.table() + " VALUES (1, 1)").sqlstate == "23505");
  SECTION("with ROLLBACK") { CHECK(sql(*b.session, "ROLLBACK").tag == "ROLLBACK"); }
  SECTION("with COMMIT") { CHECK(sql(*b.session, "COMMIT").tag == "ROLLBACK"); }
  CHECK_ANSWER(b.session->end(b.xid), XA_RBINTEGRITY);
  CHECK_ANSWER(b.session->rollback(b.xid), XA_OK);
  CHECK(b.corner.amount(1) == 100);
}

TEST_CASE("COMMIT by hand stops the transaction and is reported as a heuristic commit") {
  Begun b;
  CHECK(sql(*b.session, "COMMIT").tag == "COMMIT");
  const rm::Answer ended = b.session->end(b.xid);
  CHECK_ANSWER(ended, XA_RBPROTO);
  REQUIRE(ended.error.has_value());
  CHECK(ended.error->message.find("stays committed") != std::string::npos);
  SECTION("by rollback") { CHECK_ANSWER(b.session->rollback(b.xid), XA_HEURCOM); }
  SECTION("by commit in one phase") {
    CHECK_ANSWER(b.session->commit_one_phase(b.xid), XA_HEURCOM);
  }
  SECTION("and prepare does not claim a rollback") {
    CHECK_ANSWER(b.session->prepare(b.xid), XAER_RMERR);
    CHECK_FALSE(b.corner.listed(b.xid));
    CHECK_ANSWER(b.session->rollback(b.xid), XA_HEURCOM);
  }
  CHECK(b.corner.amount(1) == 101);
  CHECK(b.session->reusable());
}

TEST_CASE("work after a COMMIT by hand is rolled back and makes the outcome mixed") {
  Begun b;
  SECTION("chained") { CHECK(sql(*b.session, "COMMIT AND CHAIN").tag == "COMMIT"); }
  SECTION("in a transaction of its own") { CHECK(sql(*b.session, "COMMIT; BEGIN READ WRITE").ok); }
  CHECK(sql(*b.session, b.corner.add(2, 1)).ok);
  CHECK_ANSWER(b.session->end(b.xid), XA_RBPROTO);
  CHECK_ANSWER(b.session->prepare(b.xid), XAER_RMERR);
  CHECK_ANSWER(b.session->rollback(b.xid), XA_HEURMIX);
  CHECK(b.corner.amount(1) == 101);
  CHECK(b.corner.amount(2) == 100);
  CHECK(b.session->reusable());
}

TEST_CASE("PREPARE TRANSACTION by hand is a heuristic hazard") {
  Begun b;
  const std::string gid = unique_name("by_hand");
  b.corner.also_clean(gid);
  CHECK(sql(*b.session, "PREPARE TRANSACTION '" + gid + "'").ok);
  CHECK_ANSWER(b.session->end(b.xid), XA_RBPROTO);
  CHECK_ANSWER(b.session->prepare(b.xid), XAER_RMERR);
  CHECK_ANSWER(b.session->rollback(b.xid), XA_HEURHAZ);
}

TEST_CASE("a hand-typed COMMIT of one branch says nothing about the next") {
  Begun b;
  CHECK(sql(*b.session, "COMMIT").tag == "COMMIT");
  CHECK_ANSWER(b.session->end(b.xid), XA_RBPROTO);
  CHECK_ANSWER(b.session->rollback(b.xid), XA_HEURCOM);
  const Xid next = b.corner.xid();
  CHECK_ANSWER(b.session->begin(next), XA_OK);
  CHECK(sql(*b.session, b.corner.add(1, 1)).ok);
  CHECK_ANSWER(b.session->end(next), XA_OK);
  CHECK_ANSWER(b.session->prepare(next), XA_OK);
  CHECK_ANSWER(b.session->commit_prepared(next), XA_OK);
  CHECK(b.corner.amount(1) == 102);
}

TEST_CASE("a write on a stale connection fails instead of being committed") {
  Begun b;
  SECTION("after commit in one phase") {
    CHECK_ANSWER(b.session->end(b.xid), XA_OK);
    CHECK_ANSWER(b.session->commit_one_phase(b.xid), XA_OK);
  }
  SECTION("after prepare") {
    CHECK_ANSWER(b.session->end(b.xid), XA_OK);
    CHECK_ANSWER(b.session->prepare(b.xid), XA_OK);
  }
  SECTION("after rollback") { CHECK_ANSWER(b.session->rollback(b.xid), XA_OK); }
  SECTION("after COMMIT by hand") { CHECK(sql(*b.session, "COMMIT").ok); }
  SECTION("after ROLLBACK by hand and a new BEGIN") {
    CHECK(sql(*b.session, "ROLLBACK; BEGIN").ok);
  }
  CHECK(sql(*b.session, b.corner.add(2, 1)).sqlstate == "25006");
  CHECK(b.corner.amount(2) == 100);
}

TEST_CASE("a stale write after the end of the branch does not survive unnoticed") {
  // Between xa_end and xa_prepare the transaction is open still: the write belongs to it, like any.
  Begun b;
  CHECK_ANSWER(b.session->end(b.xid), XA_OK);
  CHECK(sql(*b.session, "COMMIT").ok);
  CHECK_ANSWER(b.session->prepare(b.xid), XAER_RMERR);
  CHECK_ANSWER(b.session->rollback(b.xid), XA_HEURCOM);
}

TEST_CASE("PQreset and PQfinish by the application lose the branch and nothing else") {
  Begun b;
  auto* const connection = static_cast<PGconn*>(b.session->native());
  SECTION("reset") { PQreset(connection); }
  SECTION("finish") { PQfinish(connection); }
  const rm::Answer answer = b.session->end(b.xid);
  CHECK_ANSWER(answer, XAER_RMFAIL);
  REQUIRE(answer.error.has_value());
  CHECK(answer.error->server_text.find("the application called") != std::string::npos);
  CHECK_FALSE(answer.error->connection_usable);
  CHECK_ANSWER(b.session->rollback(b.xid), XAER_RMFAIL);
  CHECK_FALSE(b.session->reusable());
  b.session.reset();
  CHECK(sql(b.corner.admin(), b.corner.add(1, 0)).ok);  // waits for the branch's lock
  CHECK(b.corner.amount(1) == 100);
}
