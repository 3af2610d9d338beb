// Recovery: what a pass does with each kind of branch, and what keeps it from ever undoing a
// decision.
#include <algorithm>

#include "catch.hpp"
#include "recovery_fixture.hpp"

using namespace xabridge;
using namespace xabridge::tm;
using namespace xabridge::tm::test;
using namespace std::chrono_literals;

TEST_CASE("a dead owner without a decision is rolled back everywhere") {
  RecoveryFixture f;
  f.prepare(1);
  const PassReport report = f.pass();
  CHECK(report.rolled_back == 2);
  CHECK(report.committed == 0);
  CHECK(f.rm(0).listed.empty());
  CHECK(f.told(EventKind::recovered_rollback) == 2);
  CHECK_FALSE(report.next_due);
}

TEST_CASE("a decision is delivered to every branch and then done") {
  RecoveryFixture f;
  const Gtrid gtrid = f.prepare(1);
  f.decide(gtrid);
  const PassReport report = f.pass();
  CHECK(report.committed == 2);
  CHECK(report.done == 1);
  CHECK(f.reg.commits.empty());
  CHECK(f.rm(0).lists == 2);  // once to find, once to make sure
}

TEST_CASE("a decision whose branches are not listed is done once nobody knows them") {
  RecoveryFixture f;
  f.decide(gtrid_of(1));
  const PassReport report = f.pass();
  CHECK(report.done == 1);
  CHECK(report.committed == 0);  // that was before
  CHECK(f.journal == Journal{"a xa_commit", "b xa_commit"});
  CHECK(f.told(EventKind::recovered_commit) == 0);
}

// The open string names another user or database than when the branch was prepared: the list has no
// such branch, the server does.
TEST_CASE("a decision whose branch is only hidden is kept until the branch is committed") {
  RecoveryFixture f;
  f.decide(gtrid_of(1));
  f.rm(0).script[Verb::commit] = {{XA_RETRY, {}}, {XAER_RMFAIL, {}}, {XAER_INVAL, {}}, {XA_OK, {}}};
  for (int i = 0; i < 3; ++i) {
    const PassReport report = f.pass();
    CHECK(report.done == 0);
    CHECK(report.waiting == 1);
    REQUIRE(report.unfinished.size() == 1);
    CHECK(report.unfinished[0].text().find("a: not listed") == 0);
    CHECK(f.reg.commits.size() == 1);
  }
  CHECK(f.pass().done == 1);
  CHECK(f.reg.commits.empty());
}

TEST_CASE("a commit answered OK but still listed is not finished") {
  RecoveryFixture f;
  const Gtrid gtrid = f.prepare(1);
  f.decide(gtrid);
  f.rm(0).on_call = nullptr;  // says OK and keeps it
  const PassReport report = f.pass();
  CHECK(report.committed == 1);
  CHECK(report.waiting == 1);
  REQUIRE(report.unfinished.size() == 1);
  CHECK(report.unfinished[0].text().find("a: ") == 0);
  CHECK(report.next_due == f.clock.now() + 500ms);
  CHECK(f.reg.commits.size() == 1);
}

TEST_CASE("an unreachable resource manager keeps the decision and others go on") {
  RecoveryFixture f;
  const Gtrid gtrid = f.prepare(1);
  f.decide(gtrid);
  f.rm(1).reachable = false;
  PassReport report = f.pass();
  CHECK(report.committed == 1);
  CHECK(report.done == 0);
  CHECK(f.reg.commits.size() == 1);
  CHECK(f.told(EventKind::recovery_waits) == 1);

  f.rm(1).reachable = true;
  f.recovery.hurry();
  report = f.pass();
  CHECK(report.committed == 1);
  CHECK(report.done == 1);
}

TEST_CASE("an unreachable resource manager is asked less and less and at once when hurried") {
  RecoveryFixture f;
  f.rm(1).reachable = false;
  std::vector<long> delays;
  for (int i = 0; i < 9; ++i) {
    const PassReport report = f.pass();
    REQUIRE(report.next_due);
    delays.push_back(
        std::chrono::duration_cast<std::chrono::milliseconds>(*report.next_due - f.clock.now())
            .count());
    f.clock.time = *report.next_due;
  }
  CHECK(delays == std::vector<long>{500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000});
  const int lists = f.rm(1).lists;
  (void)f.pass();  // due
  CHECK(f.rm(1).lists == lists + 1);
  const PassReport early = f.pass();  // not due
  CHECK(f.rm(1).lists == lists + 1);
  CHECK_FALSE(early.resource_managers[1].asked);
  f.recovery.hurry();
  (void)f.pass();
  CHECK(f.rm(1).lists == lists + 2);
}

TEST_CASE("foreign and live and stranger branches get no call") {
  RecoveryFixture f;
  f.reg.live.insert(3);
  f.reg.incarnations.insert(3);
  f.rm(0).listed = {
      *Xid::make(1, "another", "manager"),           // another format
      *Xid::make(kFormatId, "not our layout", "x"),  // our format, not our layout
      xid_of(gtrid_of(1, 1, 99), 1, "a"),            // another register
      xid_of(gtrid_of(2, 3), 1, "a"),                // another process, alive
      xid_of(gtrid_of(3, 77), 1, "a"),               // an incarnation never recorded
  };
  const PassReport report = f.pass();
  CHECK(f.journal.empty());
  CHECK(report.foreign == 3);
  CHECK(report.live == 1);
  CHECK(report.reported == 1);
  CHECK(f.told(EventKind::foreign) == 3);
  CHECK(f.told(EventKind::warning) == 1);
  (void)f.pass();  // told once
  CHECK(f.told(EventKind::foreign) == 3);
  CHECK(f.told(EventKind::warning) == 1);
}

// What a service sees that was started without the volume of its log.
TEST_CASE("branches under another register are told once by the first pass") {
  RecoveryFixture f;
  std::vector<std::string> told;
  Recovery::Options options;
  options.host = "test";  // as gtrid_of() has it
  Recovery recovery(f.reg, f.clock, options, [&](const Event& e) {
    if (e.kind == EventKind::warning) told.emplace_back(e.text);
  });
  const auto pass = [&] {
    std::vector<ResourceManagerPort*> list{&f.rm(0), &f.rm(1)};
    return recovery.pass(list, f.is_live, f.stop);
  };
  SECTION("of a resource manager that is configured") {
    f.rm(0).listed = {xid_of(gtrid_of(1, 1, 99), 1, "a"), xid_of(gtrid_of(2, 1, 99), 1, "a")};
    f.rm(1).listed = {xid_of(gtrid_of(1, 1, 99), 2, "b")};
    (void)pass();
    REQUIRE(told.size() == 1);
    CHECK(told[0].find("(2 of them, begun on this host)") != std::string::npos);
    (void)pass();
    CHECK(told.size() == 1);
  }
  SECTION("not of an owner that is connected: a service with a log of its own") {
    f.rm(0).listed = {xid_of(gtrid_of(1, 1, 99), 1, "a")};
    f.rm(0).sessions = 1;
    (void)pass();
    CHECK(told.empty());
  }
  SECTION("of another host: a container has a new name with each start") {
    Gtrid elsewhere = gtrid_of(1, 1, 99);
    elsewhere.host = "other";
    f.rm(0).listed = {xid_of(elsewhere, 1, "a")};
    (void)pass();
    REQUIRE(told.size() == 1);
    CHECK(told[0].find("(1 of them, begun on other)") != std::string::npos);
  }
  SECTION("not of a resource manager of another name") {
    f.rm(0).listed = {xid_of(gtrid_of(2, 1, 99), 1, "stock")};
    (void)pass();
    CHECK(told.empty());
  }
  SECTION("not in a later pass: another service is at work") {
    (void)pass();
    f.rm(0).listed = {xid_of(gtrid_of(1, 1, 99), 1, "a")};
    (void)pass();
    CHECK(told.empty());
  }
}

TEST_CASE("transactions in flight in this process get no call") {
  RecoveryFixture f;
  const Gtrid gtrid = f.prepare(1, 2);
  f.decide(gtrid);
  f.is_live = [&](std::string_view g) { return g == gtrid.encode(); };
  const PassReport report = f.pass();
  CHECK(f.journal.empty());
  CHECK(report.live == 2);
  CHECK(f.reg.commits.size() == 1);
}

TEST_CASE("what this process left behind is finished by this process") {
  RecoveryFixture f;
  f.decide(f.prepare(1, 2));
  f.prepare(2, 2);
  const PassReport report = f.pass();
  CHECK(report.committed == 2);
  CHECK(report.rolled_back == 2);
}

TEST_CASE("a transaction that decides and ends during the pass is not rolled back") {
  // Listed while prepared; when asked whether it is live it still is, and the decision comes after.
  // Asking the register first would have read: no decision; then the transaction ends; then: not
  // live; then: rollback.
  RecoveryFixture f;
  const Gtrid gtrid = f.prepare(1, 2);
  bool live = true;
  f.is_live = [&](std::string_view) { return live; };
  f.reg.before_decision = [&] { FAIL("the register was asked about a live transaction"); };
  f.rm(1).on_list = [&] { f.decide(gtrid); };
  (void)f.pass();
  CHECK(f.journal.empty());

  // And when it ends between the list and the question, the decision read afterwards is final.
  live = false;
  f.reg.before_decision = nullptr;
  f.rm(1).on_list = nullptr;
  CHECK(f.pass().committed == 2);
}

TEST_CASE("a decision made after the list was taken is never done by that list") {
  // The list of a was made before the branch was prepared; then it was, was decided, and the owner
  // died. Only decisions read before the lists may be finished by them.
  RecoveryFixture f;
  const Gtrid gtrid = gtrid_of(1);
  f.rm(1).on_list = [&] { f.decide(gtrid); };
  const PassReport report = f.pass();
  CHECK(report.done == 0);
  CHECK(f.reg.commits.size() == 1);
}

TEST_CASE("a transaction the register cannot tell about is held") {
  RecoveryFixture f;
  const Gtrid gtrid = f.prepare(1, 2);
  f.recovery.hold(gtrid.encode());
  CHECK(f.pass().live == 2);
  CHECK(f.journal.empty());
}

TEST_CASE("branches of a damaged slot are left alone and reported, not taken for running ones") {
  RecoveryFixture f;
  (void)f.prepare(1, 2);
  f.reg.owner_error.emplace().message = "decision log damaged";
  const auto report = f.pass();
  CHECK(f.journal.empty());
  CHECK(report.live == 0);
  CHECK(report.reported == 2);
  CHECK(report.branches[0].text.find("decision log damaged") != std::string::npos);
}

// Its log root was copied or moved while it ran. One resource manager cannot tell who is connected:
// the one that can speaks for both, or a branch of a living transaction would be rolled back.
TEST_CASE("an undecided branch waits while sessions of its vanished owner are connected anywhere") {
  RecoveryFixture f;
  f.reg.lock_proves = false;
  f.prepare(1);
  f.rm(0).sessions = std::nullopt;
  f.rm(1).sessions = 1;
  PassReport report = f.pass();
  CHECK(f.journal.empty());
  CHECK(report.waiting == 2);

  f.rm(1).sessions = 0;
  report = f.pass();
  CHECK(report.rolled_back == 2);
}

// They may be blocked in the server by the very branch that is to be rolled back, and a server that
// waits for a lock does not notice that its client is gone: waiting for them could last for ever.
TEST_CASE("sessions a dead owner left behind do not delay the rollback") {
  RecoveryFixture f;
  f.prepare(1);
  f.rm(0).sessions = 1;
  CHECK(f.pass().rolled_back == 2);
}

TEST_CASE("only the resource manager named in the bqual acts on a database seen twice") {
  RecoveryFixture f;
  const Xid xid = xid_of(gtrid_of(1), 1, "b");
  f.rm(0).listed = {xid};
  f.rm(1).listed = {xid};
  const PassReport report = f.pass();
  CHECK(f.rm(0).calls.empty());
  CHECK(f.rm(1).count(Verb::rollback) == 1);
  CHECK(report.branches.size() == 1);
}

TEST_CASE("a branch of a name that is not configured is reported and keeps its decision") {
  RecoveryFixture f;
  const Gtrid gtrid = gtrid_of(1);
  f.rm(0).listed = {xid_of(gtrid, 1, "old-name")};
  f.reg.commits[gtrid.encode()] = {gtrid.encode(), {{"old-name", make_bqual(1, "old-name")}}, {}};
  const PassReport report = f.pass();
  CHECK(f.journal.empty());
  CHECK(report.reported >= 1);
  CHECK(report.done == 0);
  CHECK(f.reg.commits.size() == 1);
}

TEST_CASE("exchanged names do not make a decision look finished") {
  RecoveryFixture f;
  const Gtrid gtrid = gtrid_of(1);
  f.decide(gtrid);
  f.rm(0).listed = {xid_of(gtrid, 2, "b")};
  f.rm(1).listed = {xid_of(gtrid, 1, "a")};
  const PassReport report = f.pass();
  CHECK(f.journal.empty());
  CHECK(report.done == 0);
  CHECK(report.unfinished.size() == 1);
}

TEST_CASE("a busy branch stays and is tried again") {
  RecoveryFixture f;
  f.decide(f.prepare(1));
  f.rm(0).script[Verb::commit] = {{XA_RETRY, {}}};
  PassReport report = f.pass();
  CHECK(report.waiting == 1);
  CHECK(report.done == 0);
  report = f.pass();
  CHECK(report.done == 1);
}

TEST_CASE("an unknown branch that is still listed is not taken for finished") {
  RecoveryFixture f;
  f.decide(f.prepare(1));
  f.rm(0).script[Verb::commit] = {{XAER_NOTA, {}}};
  const PassReport report = f.pass();
  CHECK(report.waiting == 1);
  CHECK(f.reg.commits.size() == 1);
}

TEST_CASE("a heuristic answer is recorded before it is forgotten and kept") {
  RecoveryFixture f;
  f.decide(f.prepare(1));
  f.rm(0).script[Verb::commit] = {{XA_HEURRB, {}}};
  std::size_t recorded_at_forget = 0;
  auto remove = f.rm(0).on_call;
  f.rm(0).on_call = [&](Verb verb, const Xid& xid) {
    if (verb == Verb::forget) recorded_at_forget = f.reg.records.size();
    remove(verb, xid);
  };
  const PassReport report = f.pass();
  CHECK(recorded_at_forget == 1);
  CHECK(report.heuristic == 1);
  CHECK(report.done == 1);
  CHECK(f.reg.records.at(0).code == XA_HEURRB);
  CHECK_FALSE(f.reg.records.at(0).text.empty());
  CHECK(f.reg.records.at(0).decision == Decision::commit);
}

TEST_CASE("a heuristic that cannot be recorded is not forgotten and not finished") {
  RecoveryFixture f;
  f.decide(f.prepare(1));
  f.rm(0).script[Verb::commit] = {{XA_HEURRB, {}}};
  f.reg.heuristic_error = Error{};
  const PassReport report = f.pass();
  CHECK(f.rm(0).count(Verb::forget) == 0);
  CHECK(report.done == 0);
}

TEST_CASE("a heuristic recorded before is forgotten without a second record") {
  RecoveryFixture f;
  const Gtrid gtrid = f.prepare(1);
  f.decide(gtrid);
  f.reg.records.push_back(
      {gtrid.encode(), "a", make_bqual(1, "a"), Decision::commit, XA_HEURRB, {}, {}});
  f.rm(0).script[Verb::commit] = {{XA_HEURRB, {}}};
  const PassReport report = f.pass();
  CHECK(f.reg.records.size() == 1);
  CHECK(f.rm(0).count(Verb::forget) == 1);
  CHECK(report.done == 1);
}

TEST_CASE("a refused commit is pending while listed and heuristic once gone") {
  RecoveryFixture f;
  f.decide(f.prepare(1));
  f.rm(0).script[Verb::commit] = {{XAER_RMERR, {}}};
  PassReport report = f.pass();
  CHECK(report.waiting == 1);
  CHECK(f.told(EventKind::warning) == 1);
  CHECK(f.reg.records.empty());

  f.rm(0).script[Verb::commit] = {{XAER_RMERR, {}}};
  f.rm(0).on_call = [&](Verb, const Xid& xid) { std::erase(f.rm(0).listed, xid); };
  report = f.pass();
  CHECK(report.heuristic == 1);
  CHECK(f.reg.records.at(0).code == XAER_RMERR);
  CHECK(report.done == 1);
}

TEST_CASE("a list that repeats itself for ever ends the pass") {
  RecoveryFixture f;
  const Xid xid = xid_of(gtrid_of(1), 1, "a");
  f.rm(0).listed.assign(1000, xid);
  f.rm(0).on_call = nullptr;
  const PassReport report = f.pass();
  CHECK(f.rm(0).count(Verb::rollback) == 1);
  CHECK(report.branches.size() == 1);
}

TEST_CASE("a pass that is stopped finishes nothing it did not confirm") {
  RecoveryFixture f;
  f.decide(f.prepare(1));
  int asked = 0;
  f.stop = [&] { return ++asked > 3; };  // two lists, one commit
  const PassReport report = f.pass();
  CHECK_FALSE(report.completed);
  CHECK(report.done == 0);
  CHECK(f.reg.commits.size() == 1);
}

TEST_CASE("without the register nothing is asked") {
  RecoveryFixture f;
  f.prepare(1);
  f.reg.pass_error = Error{};
  const PassReport report = f.pass();
  CHECK(report.error);
  CHECK(f.rm(0).lists == 0);
  CHECK(f.reg.passes_ended == 0);
}

TEST_CASE("a pass that only looks changes nothing") {
  RecoveryFixture f;
  f.decide(f.prepare(1));
  f.prepare(2);
  Recovery::Options look;
  look.act = false;
  Recovery recovery(f.reg, f.clock, look, {});
  std::vector<ResourceManagerPort*> ports{&f.rm(0), &f.rm(1)};
  const PassReport report = recovery.pass(ports, f.is_live, f.stop);
  CHECK(f.journal.empty());
  CHECK(report.branches.size() == 4);
  CHECK(report.unfinished.size() == 1);
  CHECK(f.reg.commits.size() == 1);
}

TEST_CASE("any answer in recovery keeps the decision until the branch is gone") {
  for (int code = -20; code <= 110; ++code) {
    for (const bool decided : {true, false}) {
      RecoveryFixture f;
      const Gtrid gtrid = f.prepare(1);
      if (decided) f.decide(gtrid);
      const Verb verb = decided ? Verb::commit : Verb::rollback;
      f.rm(0).script[verb] = {{code, {}}};
      const PassReport report = f.pass();
      const bool still_listed = !f.rm(0).listed.empty();
      const bool other = f.rm(0).count(decided ? Verb::rollback : Verb::commit) != 0;
      INFO("code " << code);
      CHECK_FALSE(other);
      if (decided) CHECK(f.reg.commits.size() == (still_listed ? 1 : 0));
      CHECK((report.next_due || report.waiting == 0 || still_listed));
    }
  }
}
