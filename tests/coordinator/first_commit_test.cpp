// What a coordinator of this process knew of the branches it left behind: no commit can have
// reached them. Recovery must not take them for committed when they are gone.
#include "catch.hpp"
#include "recovery_fixture.hpp"

using namespace xabridge;
using namespace xabridge::tm;
using namespace xabridge::tm::test;

TEST_CASE("a branch gone before the first commit of this process is a hazard and not committed") {
  for (const bool listed : {true, false}) {
    RecoveryFixture f;
    const Gtrid gtrid = f.prepare(1, 2);
    f.decide(gtrid);
    f.recovery.no_commit_arrived({xid_of(gtrid, 1, "a")});
    if (listed) {
      // An operator's rollback between the list and the commit.
      f.rm(0).script[Verb::commit] = {{XAER_NOTA, {}}};
      f.rm(0).on_call = [&](Verb, const Xid& xid) { std::erase(f.rm(0).listed, xid); };
    } else {
      f.rm(0).listed.clear();
    }
    const PassReport report = f.pass();
    CHECK(report.committed == 1);
    CHECK(report.heuristic == 1);
    CHECK(report.done == 1);
    CHECK(f.told(EventKind::heuristic) == 1);
    REQUIRE(f.reg.records.size() == 1);
    CHECK(f.reg.records[0].resource_manager == "a");
    CHECK(f.reg.records[0].code == XAER_NOTA);
    CHECK(f.reg.records[0].decision == Decision::commit);
  }
}

TEST_CASE("a commit of recovery that may have arrived ends what was known of the branch") {
  for (const bool listed : {true, false}) {
    for (const bool unanswered : {true, false}) {
      RecoveryFixture f;
      const Gtrid gtrid = f.prepare(1, 2);
      f.decide(gtrid);
      f.recovery.no_commit_arrived({xid_of(gtrid, 1, "a")});
      if (!listed) f.rm(0).listed.clear();
      f.rm(0).script[Verb::commit] = {lost(!unanswered), {XA_RETRY, {}}, {XAER_NOTA, {}}};
      CHECK(f.pass().done == 0);
      CHECK(f.pass().done == 0);
      f.rm(0).listed.clear();
      const PassReport report = f.pass();
      CHECK(report.done == 1);
      CHECK(f.reg.records.size() == (unanswered ? 0 : 1));
      CHECK(report.heuristic == (unanswered ? 0 : 1));
    }
  }
}

TEST_CASE("a branch that is listed and denied at the first commit stays as it was") {
  RecoveryFixture f;
  const Gtrid gtrid = f.prepare(1, 2);
  f.decide(gtrid);
  f.recovery.no_commit_arrived({xid_of(gtrid, 1, "a")});
  f.rm(0).script[Verb::commit] = {{XAER_NOTA, {}}, {XAER_RMERR, {}}};
  CHECK(f.pass().waiting == 1);
  CHECK(f.pass().waiting == 1);
  CHECK(f.reg.records.empty());
  CHECK(f.pass().done == 1);
  CHECK(f.reg.records.empty());
}
