// Branches that a server shows and does not let us complete are not gone: nothing is finished
// because of them, and they are reported with who can complete them.
#include "catch.hpp"
#include "recovery_fixture.hpp"

using namespace xabridge;
using namespace xabridge::tm;
using namespace xabridge::tm::test;

namespace {

struct HeldFixture : RecoveryFixture {
  /// The port's branch is held out of reach.
  void hold(std::size_t port, const Gtrid& gtrid, const std::string& obstacle = "role x can") {
    const auto number = static_cast<std::uint8_t>(port + 1);
    const Xid xid = xid_of(gtrid, number, rm(port).name());
    std::erase(rm(port).listed, xid);
    rm(port).held.push_back({xid, obstacle, "x", 5});
  }
  int calls() const {
    int n = 0;
    for (const auto& port : ports) n += static_cast<int>(port->calls.size());
    return n;
  }
};

}  // namespace

TEST_CASE_METHOD(HeldFixture, "an undecided branch out of reach is reported and not called") {
  hold(0, gtrid_of(1));
  for (int i = 0; i < 3; ++i) {
    const PassReport report = pass();
    CHECK(report.waiting == 1);
    CHECK(report.rolled_back == 0);
    REQUIRE(report.branches.size() == 1);
    CHECK_FALSE(report.branches[0].finished);
    CHECK(report.branches[0].sight == Sight::out_of_reach);
    CHECK(report.branches[0].text.find("role x can") != std::string::npos);
    CHECK_FALSE(report.next_due);
  }
  CHECK(calls() == 0);
  CHECK(told(EventKind::warning) == 1);  // once, not at every pass
}

TEST_CASE_METHOD(HeldFixture, "a decision is kept while one of its branches is out of reach") {
  const Gtrid gtrid = prepare(1);
  decide(gtrid);
  hold(0, gtrid);
  const PassReport report = pass();
  CHECK(report.committed == 1);  // the other one
  CHECK(report.done == 0);
  CHECK(reg.commits.size() == 1);
  REQUIRE(report.unfinished.size() == 1);
  CHECK(report.unfinished[0].text().find("role x can") != std::string::npos);
  CHECK(rm(0).calls.empty());

  // The right account is back.
  rm(0).listed.push_back(rm(0).held.front().xid);
  rm(0).held.clear();
  CHECK(pass().done == 1);
  CHECK(reg.commits.empty());
}

TEST_CASE_METHOD(HeldFixture, "a branch that another resource manager lists is completed there") {
  const Gtrid gtrid = prepare(1);
  // Two databases of one cluster: each shows the other's branches.
  rm(0).held.push_back({rm(1).listed.front(), "dbname=b", "x", 5});
  rm(1).held.push_back({rm(0).listed.front(), "dbname=a", "x", 5});
  const PassReport report = pass();
  CHECK(report.rolled_back == 2);
  CHECK(report.waiting == 0);
  CHECK(report.branches.size() == 2);
  CHECK(told(EventKind::warning) == 0);
  // What they show of each other is gone with the branches at the server.
  rm(0).held.clear();
  rm(1).held.clear();
  CHECK(pass().branches.empty());
}

TEST_CASE_METHOD(HeldFixture, "a branch shown by several is reported once by the one it names") {
  hold(1, gtrid_of(1), "said by b");
  rm(0).held.push_back({rm(1).held.front().xid, "said by a", "x", 5});
  const PassReport report = pass();
  REQUIRE(report.branches.size() == 1);
  CHECK(report.branches[0].resource_manager == "b");
  CHECK(report.branches[0].text.find("said by b") != std::string::npos);
}

TEST_CASE_METHOD(HeldFixture, "a decided branch that only another resource manager shows is kept") {
  const Gtrid gtrid = gtrid_of(1);
  decide(gtrid);
  // "a" leads elsewhere now, where nobody knows the branch.
  rm(1).held.push_back({xid_of(gtrid, 1, "a"), "dbname=a", "x", 5});
  const PassReport report = pass();
  CHECK(report.done == 0);
  CHECK(reg.commits.size() == 1);
  CHECK(rm(0).calls.empty());
  CHECK(report.reported != 0);
}

TEST_CASE_METHOD(HeldFixture, "branches of others that are out of reach are left in silence") {
  hold(0, gtrid_of(1, 1, 9));  // another register's
  rm(0).held.push_back({*Xid::make(7, "g", "b"), "role y can", "y", 5});
  reg.incarnations.insert(3);
  reg.live.insert(3);
  hold(1, gtrid_of(2, 3));
  const PassReport report = pass();
  CHECK(report.branches.empty());
  CHECK(events.size() == 2);  // begins and ends
}

TEST_CASE_METHOD(HeldFixture, "a copy's branch out of reach is reported") {
  hold(0, gtrid_of(1, 77));
  const PassReport report = pass();
  CHECK(report.reported == 1);
  CHECK(calls() == 0);
}

TEST_CASE_METHOD(HeldFixture, "a list that may lack what is out of reach is no list") {
  const Gtrid gtrid = prepare(1);
  decide(gtrid);
  rm(0).out_of_reach_error = *lost(true).error;
  const PassReport report = pass();
  CHECK(report.done == 0);
  CHECK(reg.commits.size() == 1);
  CHECK_FALSE(report.resource_managers[0].reachable);
  CHECK(rm(0).calls.empty());
}

// A rollback that was refused: told as rolled back when the list alone is asked.
TEST_CASE("a branch that goes out of reach while it is rolled back is not rolled back") {
  RecoveryFixture f;
  f.prepare(1);
  ScriptedPort& a = f.rm(0);
  a.script[Verb::rollback] = {{XAER_RMERR, {}}};
  a.on_call = [&](Verb, const Xid& xid) {
    std::erase(a.listed, xid);
    a.held.push_back({xid, "role x can", "x", 5});
  };
  const PassReport report = f.pass();
  CHECK(report.rolled_back == 1);
  CHECK(report.waiting == 1);
}

TEST_CASE("a live commit that is refused is pending while its branch is only out of reach") {
  Scripted s(2);
  s.rm(0).script[Verb::commit] = {{XAER_RMERR, {}}};
  s.rm(0).held.push_back({xid_of(s.gtrid, 1, "a"), "role x can", "x", 5});
  const Outcome outcome = s.commit();
  CHECK(outcome.kind == OutcomeKind::committed_pending);
  CHECK(outcome.branches[0].state == BranchState::pending);
}

TEST_CASE("a live commit of an unknown branch that is out of reach is tried again") {
  Scripted s(2);
  s.rm(0).script[Verb::commit] = {{XAER_NOTA, {}}};
  s.rm(0).held.push_back({xid_of(s.gtrid, 1, "a"), "role x can", "x", 5});
  CHECK(s.commit().kind == OutcomeKind::committed);  // and no hazard
}
