// Another server at the address of a resource manager: what it does not have proves nothing, in
// recovery and in the commit that is under way.
#include "catch.hpp"
#include "recovery_fixture.hpp"

using namespace xabridge;
using namespace xabridge::tm;
using namespace xabridge::tm::test;
using K = OutcomeKind;
using B = BranchState;

namespace {

/// Decided with both branches prepared; then another server stands where "b" was.
struct Moved : RecoveryFixture {
  Moved() {
    rm(0).server = "pg:1";
    rm(1).server = "my:1 lsn=5";
    gtrid = prepare(1);
    decide(gtrid);
    before = rm(1).listed;
    rm(1).server = "my:2";
    rm(1).listed.clear();
  }
  void back() {
    rm(1).server = "my:1";
    rm(1).listed = before;
  }
  Gtrid gtrid;
  std::vector<Xid> before;
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a decision waits while another server is at the address and is delivered afterwards") {
  Moved f;
  for (int i = 0; i < 2; ++i) {
    const PassReport report = f.pass();
    CHECK(report.done == 0);
    CHECK(report.waiting == 1);
    CHECK(report.heuristic == 0);
    REQUIRE(report.unfinished.size() == 1);
    CHECK(contains(report.unfinished[0].text(), "on record: my:1 lsn=5; answering: my:2"));
    CHECK(f.rm(1).count(Verb::commit) == 0);
    CHECK(f.told(EventKind::recovery_waits) == i + 1);
  }
  f.back();
  const PassReport report = f.pass();
  CHECK(report.committed == 1);
  CHECK(report.done == 1);
  CHECK(f.rm(1).listed.empty());
  CHECK(f.rm(1).told == std::vector<std::string>{"my:1 lsn=5"});
}

// The switch asks the server's history for a branch only when it knows where it was prepared.
TEST_CASE("a branch whose origin cannot be told to its resource manager is not committed then") {
  Moved f;
  f.back();
  f.rm(1).takes_word = false;
  PassReport report = f.pass();
  CHECK(report.done == 0);
  CHECK(f.rm(1).count(Verb::commit) == 0);
  f.rm(1).takes_word = true;
  report = f.pass();
  CHECK(report.done == 1);
  CHECK(f.rm(1).count(Verb::commit) == 1);
}

TEST_CASE("a server that moved between list and commit finishes nothing whatever it answers") {
  for (const int code : {XAER_NOTA, XA_HEURRB, XA_HEURHAZ, XA_RBROLLBACK, XAER_RMERR}) {
    for (const bool listed : {true, false}) {
      Moved f;
      f.back();
      if (!listed) f.rm(1).listed.clear();
      f.rm(1).script[Verb::commit] = {{code, {}}};
      f.rm(1).on_call = [&f](Verb, const Xid&) { f.rm(1).server = "my:2"; };
      const PassReport report = f.pass();
      INFO(code << " " << listed);
      CHECK(report.done == 0);
      CHECK(report.heuristic == 0);
      CHECK(report.waiting == 1);
      REQUIRE(report.unfinished.size() == 1);
      CHECK(contains(report.unfinished[0].text(), "my:2 answers now"));
      CHECK(f.reg.records.empty());
    }
  }
}

TEST_CASE("the list that confirms a commit must be of the server that committed") {
  Moved f;
  f.back();
  f.rm(1).on_call = [&f](Verb, const Xid&) { f.rm(1).listed.clear(); };
  f.rm(1).on_list = [&f] {
    if (f.rm(1).lists == 2) f.rm(1).server = "my:2";
  };
  CHECK(f.pass().done == 0);
  f.rm(1).on_list = nullptr;
  f.rm(1).server = "my:1";
  CHECK(f.pass().done == 1);
}

TEST_CASE("a server that lists the branch may commit it whoever it is") {
  Moved f;
  f.rm(1).listed = f.before;  // a replica that took over
  const PassReport report = f.pass();
  CHECK(report.committed == 2);
  CHECK(report.done == 1);
}

TEST_CASE("a branch that comes back under a decision that is done is committed") {
  Moved f;
  f.back();
  CHECK(f.pass().done == 1);
  f.rm(1).listed = f.before;  // a backup was put back
  f.rm(1).server = "my:3";
  CHECK(f.told(EventKind::warning) == 0);
  const PassReport report = f.pass();
  CHECK(f.told(EventKind::warning) == 1);  // somebody may have made up for it by hand
  CHECK(report.branches.at(0).text.find("closed without it") != std::string::npos);
  CHECK(report.committed == 1);
  CHECK(report.rolled_back == 0);
  CHECK(f.rm(1).count(Verb::rollback) == 0);
  CHECK(f.rm(1).listed.empty());
}

TEST_CASE("an undecided branch is not concluded from another server's answer") {
  RecoveryFixture f;
  f.rm(1).server = "my:1";
  f.prepare(1);
  f.rm(1).script[Verb::rollback] = {{XAER_NOTA, {}}};
  f.rm(1).on_call = [&f](Verb, const Xid&) { f.rm(1).server = "my:2"; };
  const PassReport report = f.pass();
  CHECK(report.rolled_back == 1);
  CHECK(report.waiting == 1);
}

TEST_CASE("a decision of a version that recorded no servers ends as a hazard where none is known") {
  for (const bool switch_can_say : {true, false}) {
    RecoveryFixture f;
    f.decide(gtrid_of(1));
    f.reg.commits.begin()->second.servers_recorded = false;
    if (switch_can_say) f.rm(0).server = "pg:1";
    const PassReport report = f.pass();
    CHECK(report.done == 1);
    CHECK(report.heuristic == (switch_can_say ? 1 : 0));
  }
}

TEST_CASE("phase two at another server leaves the branch pending and the decision on record") {
  for (const int code : {XAER_NOTA, XA_HEURRB, XA_HEURHAZ, XA_RBROLLBACK, XAER_RMERR}) {
    for (const bool lost_before : {true, false}) {
      Scripted t(2);
      t.give_up_after_waits = 2;
      t.rm(0).server = "pg:1";
      t.rm(1).server = "my:1 xid=4";
      auto& commits = t.rm(1).script[Verb::commit];
      if (lost_before) commits.push_back(lost(false));
      for (int i = 0; i < 3; ++i) commits.push_back({code, {}});
      t.rm(1).on_call = [&t](Verb verb, const Xid&) {
        if (verb == Verb::commit) t.rm(1).server = "my:2";
      };
      const Outcome outcome = t.commit();
      INFO(code << " " << lost_before);
      CHECK(outcome.kind == K::committed_pending);
      CHECK(outcome.branches[0].state == B::committed);
      CHECK(outcome.branches[1].state == B::pending);
      REQUIRE_FALSE(outcome.branches[1].errors.empty());
      CHECK(contains(outcome.branches[1].errors.back().message,
                     "prepared at my:1 xid=4, and my:2 answers now"));
      CHECK_FALSE(t.coordinator->complete());
      REQUIRE(t.reg.commits.size() == 1);
      const auto& participants = t.reg.commits.begin()->second.participants;
      CHECK(participants[0].server == "pg:1");
      CHECK(participants[1].server == "my:1 xid=4");
      CHECK(t.reg.records.empty());
    }
  }
}

TEST_CASE("a rollback after the vote at another server is pending and no hazard") {
  Scripted t(2);
  t.rm(0).server = "pg:1";
  t.rm(1).script[Verb::prepare] = {{XA_RBDEADLOCK, {}}};
  t.rm(0).script[Verb::rollback] = {{XAER_NOTA, {}}};
  t.rm(0).on_call = [&t](Verb verb, const Xid&) {
    if (verb == Verb::rollback) t.rm(0).server = "pg:2";
  };
  const Outcome outcome = t.commit();
  CHECK(outcome.kind == K::rolled_back);
  CHECK(outcome.branches[0].state == B::pending);
  CHECK(t.reg.records.empty());
}

// Where the work was done is known from the answer to xa_end.
TEST_CASE("a vote that was lost is not told as rolled back by another server") {
  Scripted t(2);
  t.rm(0).server = "pg:1";
  t.rm(0).script[Verb::prepare] = {lost(false)};
  t.rm(0).script[Verb::rollback] = {{XAER_NOTA, {}}};
  t.rm(0).on_call = [&t](Verb verb, const Xid&) {
    if (verb != Verb::end) t.rm(0).server = "pg:2";
  };
  const Outcome outcome = t.commit();
  CHECK(outcome.kind == K::rolled_back);
  CHECK(outcome.branches[0].state == B::pending);
}

// Started once more it would look as if it had never been put back.
TEST_CASE("that a server could not tell is on record before it is asked again") {
  Moved f;
  f.back();
  f.rm(1).listed.clear();
  f.rm(1).server = "my:1 lsn=5 doubted";  // what it says of itself when it answers
  f.rm(1).script[Verb::commit] = {{XA_RETRY, {}}, {XA_RETRY, {}}, {XA_RETRY, {}}};
  (void)f.pass();
  const auto on_record = [&] { return f.reg.commits.begin()->second.participants.at(1).server; };
  CHECK(on_record() == "my:1 lsn=5 doubted");
  (void)f.pass();
  CHECK(f.rm(1).told.back() == "my:1 lsn=5 doubted");
  // Another server's word about itself is none about this one.
  f.rm(1).server = "my:2 anything";
  (void)f.pass();
  CHECK(on_record() == "my:1 lsn=5 doubted");
}
