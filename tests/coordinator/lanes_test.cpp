// Lanes of recovery: each resource manager's passes by themselves, and what one lane has to know of
// the others before it may act or finish.
#include <algorithm>

#include "catch.hpp"
#include "recovery_fixture.hpp"

using namespace xabridge;
using namespace xabridge::tm;
using namespace xabridge::tm::test;

namespace {

struct Lanes : RecoveryFixture {
  using RecoveryFixture::RecoveryFixture;

  PassReport lane(std::size_t i) {
    std::vector<std::string> names;
    for (auto& port : ports) names.push_back(port->name());
    return recovery.lane_pass(rm(i), names, is_live, stop);
  }
};

}  // namespace

TEST_CASE("a lane finishes its own branches and asks no other server") {
  Lanes f;
  f.prepare(1);
  const PassReport report = f.lane(0);
  CHECK(report.rolled_back == 1);
  CHECK(f.rm(0).listed.empty());
  CHECK(f.rm(1).lists == 0);
  CHECK(f.rm(1).calls.empty());
  CHECK(f.lane(1).rolled_back == 1);
}

TEST_CASE("a decision is done when the last of its lanes has finished") {
  Lanes f({"a", "b", "c"});
  f.decide(f.prepare(1));
  CHECK(f.lane(0).committed == 1);
  const PassReport second = f.lane(2);
  CHECK(second.committed == 1);
  CHECK(second.done == 0);
  REQUIRE(second.unfinished.size() == 1);
  CHECK(second.unfinished[0].text().find("b: ") == 0);
  CHECK(f.reg.commits.size() == 1);
  CHECK(f.lane(1).done == 1);
  CHECK(f.reg.commits.empty());
  CHECK(f.told(EventKind::done) == 1);
}

TEST_CASE("a lane asks nothing about a decision that another one has finished during its pass") {
  Lanes f;
  f.decide(f.prepare(1));
  CHECK(f.lane(0).committed == 1);
  f.rm(0).on_list = [&] {
    f.rm(0).on_list = nullptr;
    CHECK(f.lane(1).done == 1);
  };
  const PassReport late = f.lane(0);
  CHECK(f.rm(0).count(Verb::commit) == 1);
  CHECK(late.unfinished.empty());
  CHECK(late.done == 0);
}

// The register's slots are taken over in it, and a server may take as long as it likes.
TEST_CASE("the register is closed while a server is asked") {
  Lanes f;
  f.reg.lock_proves = false;
  f.decide(f.prepare(1));
  f.prepare(2);
  bool open = false;
  for (auto& port : f.ports) {
    const auto as_before = port->on_call;
    port->on_call = [&, as_before](Verb verb, const Xid& xid) {
      open |= f.reg.open;
      as_before(verb, xid);
    };
    port->on_list = [&] { open |= f.reg.open; };
  }
  CHECK(f.pass().committed == 2);
  CHECK_FALSE(open);
}

TEST_CASE("a call that does not come back ends the pass of its lane and no other") {
  Lanes f;
  f.prepare(1);
  f.prepare(2);
  f.rm(0).script[Verb::rollback] = {lost(false)};
  f.rm(0).on_call = [&](Verb, const Xid&) { f.rm(0).is_late = "xa_rollback has not answered"; };
  const PassReport stuck = f.lane(0);
  CHECK(f.rm(0).count(Verb::rollback) == 1);
  CHECK(f.rm(0).lists == 1);  // not asked again
  CHECK(stuck.waiting == 2);
  CHECK(stuck.resource_managers.at(0).late == "xa_rollback has not answered");
  CHECK(stuck.next_due == stuck.resource_managers.at(0).next_try);
  CHECK(f.lane(1).rolled_back == 2);

  // Its time to try again has not come; then the call is back.
  CHECK_FALSE(f.lane(0).resource_managers.at(0).asked);
  f.clock.time = *stuck.next_due;
  f.rm(0).is_late.clear();
  f.rm(0).on_call = nullptr;
  f.rm(0).knows_only_listed = false;
  f.rm(0).on_call = [&](Verb, const Xid& xid) { std::erase(f.rm(0).listed, xid); };
  CHECK(f.lane(0).rolled_back == 2);
}

TEST_CASE("a list that does not come back is told as what the lane is stuck at") {
  Lanes f;
  f.rm(0).reachable = false;
  f.rm(0).is_late = "xa_recover has not answered";
  std::string text;
  Recovery recovery(f.reg, f.clock, {}, [&](const Event& e) {
    if (e.kind == EventKind::recovery_waits) text = e.text;
  });
  const std::vector<std::string> names{"a", "b"};
  const PassReport report = recovery.lane_pass(f.rm(0), names, f.is_live, f.stop);
  CHECK(text.find("stuck there: xa_recover has not answered") != std::string::npos);
  CHECK(report.resource_managers.at(0).late == "xa_recover has not answered");
}

// The names of a and b were exchanged in the configuration: b holds the branch that the decision
// names a for. a's word that it does not know the branch must not end the matter while b is away.
TEST_CASE("a decision is not done by one lane while another that may hold the branch is away") {
  Lanes f;
  const Gtrid gtrid = gtrid_of(1);
  const Xid xid = xid_of(gtrid, 1, "a");
  f.reg.commits[gtrid.encode()] = {gtrid.encode(), {{"a", make_bqual(1, "a")}}, {}};
  f.rm(1).listed = {xid};
  f.rm(1).reachable = false;
  (void)f.lane(1);
  for (int i = 0; i < 2; ++i) {
    const PassReport report = f.lane(0);
    CHECK(report.waiting == 1);
    CHECK(report.waits_for == std::set<std::string>{"b"});
    CHECK(f.rm(0).calls.empty());
    CHECK(f.reg.commits.size() == 1);
    CHECK_FALSE(f.recovery.answered("a"));
  }
  f.rm(1).reachable = true;
  f.recovery.hurry();
  CHECK(f.lane(1).waiting == 1);  // a may list it by now
  CHECK(f.recovery.answered("a"));
  CHECK(f.lane(0).reported == 1);
  CHECK(f.lane(1).reported == 1);
  CHECK(f.rm(0).calls.empty());
  CHECK(f.reg.commits.size() == 1);
}

TEST_CASE("a list made before the decision was read does not end it") {
  Lanes f;
  (void)f.lane(1);  // before
  const Gtrid gtrid = gtrid_of(1);
  f.reg.commits[gtrid.encode()] = {gtrid.encode(), {{"a", make_bqual(1, "a")}}, {}};
  CHECK(f.lane(0).done == 0);
  CHECK(f.rm(0).calls.empty());
  (void)f.lane(1);
  CHECK(f.recovery.answered("a"));
  CHECK_FALSE(f.recovery.answered("a"));  // told once
  CHECK(f.lane(0).done == 1);
}

TEST_CASE("a branch named for another lane waits for a list of that lane made after its own") {
  Lanes f;
  (void)f.lane(1);
  const Xid xid = xid_of(gtrid_of(1), 1, "b");
  f.rm(0).listed = {xid};
  CHECK(f.lane(0).waiting == 1);  // b may list it by now
  CHECK(f.told(EventKind::warning) == 0);
  f.rm(1).listed = {xid};
  CHECK(f.lane(1).rolled_back == 1);
  f.rm(0).listed.clear();
  CHECK(f.lane(0).branches.empty());

  f.rm(0).listed = {xid_of(gtrid_of(2), 1, "b")};
  CHECK(f.lane(0).waiting == 1);
  (void)f.lane(1);
  CHECK(f.lane(0).reported == 1);  // b does not list it: names were exchanged
}

TEST_CASE("a lane asks the others whether a vanished owner is still connected") {
  Lanes f;
  f.reg.lock_proves = false;
  f.rm(0).listed = {xid_of(gtrid_of(1), 1, "a")};
  f.rm(0).sessions = std::nullopt;  // cannot tell
  f.rm(1).sessions = 1;
  (void)f.lane(1);
  PassReport report = f.lane(0);
  CHECK(report.waiting == 1);
  CHECK(report.waits_for == std::set<std::string>{"b"});
  (void)f.lane(1);
  CHECK(f.recovery.answered("a"));
  CHECK(f.lane(0).waiting == 1);  // connected there
  CHECK(f.rm(0).calls.empty());

  f.rm(1).sessions = 0;
  (void)f.lane(1);
  CHECK(f.lane(0).rolled_back == 1);
}

TEST_CASE("a lane whose others are away rolls back what a vanished owner left") {
  Lanes f;
  f.reg.lock_proves = false;
  f.rm(0).listed = {xid_of(gtrid_of(1), 1, "a")};
  f.rm(1).reachable = false;
  // Nobody has asked there yet: a session of the owner may be connected to it.
  CHECK(f.lane(0).rolled_back == 0);
  const PassReport away = f.lane(1);
  CHECK(f.lane(0).rolled_back == 1);
  CHECK(away.rolled_back == 0);
}

// The owner lives, and is about to decide: that one lane is quicker than the other is no proof.
TEST_CASE("a lane that lists first does not take those that have not listed for away") {
  Lanes f;
  f.reg.lock_proves = false;
  f.rm(0).listed = {xid_of(gtrid_of(1), 1, "a")};
  f.rm(0).sessions = std::nullopt;
  f.rm(1).sessions = 1;
  CHECK(f.lane(0).rolled_back == 0);
  (void)f.lane(1);
  CHECK(f.lane(0).rolled_back == 0);
  CHECK(f.rm(0).count(Verb::rollback) == 0);
}

// Its slot was free in between, and somebody took it: the decision is theirs to finish.
TEST_CASE("a decision whose owner's slot is taken during the pass is left to the taker") {
  Lanes f;
  f.decide(f.prepare(1));
  (void)f.lane(0);
  const auto as_before = f.rm(1).on_call;
  f.rm(1).on_call = [&](Verb verb, const Xid& xid) {
    as_before(verb, xid);
    f.reg.live.insert(1);
  };
  const PassReport report = f.lane(1);
  CHECK(report.committed == 1);
  CHECK(report.done == 0);
  CHECK(f.reg.dones.empty());
  CHECK(f.reg.commits.size() == 1);
}

TEST_CASE("the reports of lanes are merged with what is known last") {
  Lanes f;
  f.decide(f.prepare(1));
  f.rm(0).script[Verb::commit] = {{XA_RETRY, {}}};
  PassReport all = f.lane(0);
  merge(all, f.lane(1));
  CHECK(all.committed == 1);
  CHECK(all.waiting == 1);
  CHECK(all.unfinished.size() == 1);
  merge(all, f.lane(0));
  CHECK(all.committed == 2);
  CHECK(all.waiting == 0);
  CHECK(all.unfinished.empty());
  CHECK(all.done == 1);
  CHECK(all.resource_managers.size() == 2);
}

// In whichever order they are merged: a lane has no list of another's before that one has.
TEST_CASE("a decision waits for those who say so themselves") {
  Lanes f;
  f.decide(f.prepare(1));
  f.rm(1).reachable = false;
  const bool away_first = GENERATE(true, false);
  PassReport all = f.lane(away_first ? 1 : 0);
  merge(all, f.lane(away_first ? 0 : 1));
  REQUIRE(all.unfinished.size() == 1);
  INFO(all.unfinished[0].text());
  CHECK(all.unfinished[0].waits_for.count("a") == 0);
  CHECK(all.unfinished[0].waits_for.count("b") == 1);
}
