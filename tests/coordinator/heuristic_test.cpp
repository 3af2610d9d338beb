// What resource managers decide by themselves: how their answers combine (5a of the specification),
// what is recorded before it is forgotten, and what a vanished branch is taken for.
#include "catch.hpp"
#include "doubles.hpp"

using namespace xabridge;
using namespace xabridge::tm;
using namespace xabridge::tm::test;
using K = OutcomeKind;
using B = BranchState;

TEST_CASE("heuristic answers to commit combine as the specification says") {
  struct Row {
    int first, second;
    K kind;
  };
  for (const Row& row :
       {Row{XA_OK, XA_HEURCOM, K::committed}, Row{XA_OK, XA_HEURRB, K::heuristic},
        Row{XA_HEURRB, XA_HEURRB, K::rolled_back}, Row{XA_OK, XA_HEURHAZ, K::heuristic},
        Row{XA_HEURMIX, XA_HEURHAZ, K::heuristic}, Row{XA_OK, XAER_RMERR, K::heuristic}}) {
    Scripted t(2);
    t.rm(0).script[Verb::commit] = {{row.first, {}}};
    t.rm(1).script[Verb::commit] = {{row.second, {}}};
    const Outcome outcome = t.commit();
    CHECK(outcome.kind == row.kind);
    if (is_heuristic(row.second)) {
      CHECK(position(t.journal, "record b") < position(t.journal, "b xa_forget"));
      CHECK(contains(t.journal, "b xa_forget"));
    }
    CHECK(t.coordinator->complete());
    CHECK(t.journal.back() == "done");
  }
}

TEST_CASE("heuristic answers to rollback combine as the specification says") {
  struct Row {
    int first, second;
    K kind;
  };
  for (const Row& row :
       {Row{XA_HEURCOM, XA_HEURCOM, K::heuristic}, Row{XA_HEURCOM, XA_OK, K::heuristic},
        Row{XA_HEURRB, XA_OK, K::rolled_back}, Row{XA_HEURHAZ, XA_OK, K::heuristic},
        Row{XA_RBROLLBACK, XAER_NOTA, K::rolled_back}}) {
    Scripted t(2);
    t.rm(0).script[Verb::rollback] = {{row.first, {}}};
    t.rm(1).script[Verb::rollback] = {{row.second, {}}};
    CHECK(t.rollback().kind == row.kind);
    CHECK(t.coordinator->complete());
    CHECK(contains(t.journal, "a xa_forget") == is_heuristic(row.first));
  }
}

// A COMMIT by hand is noticed at xa_end and again at the rollback, in the same words.
TEST_CASE("what is said of a refusal and of a heuristic answer in the same words is said once") {
  Scripted t(2);
  Error error;
  error.message = "the application executed COMMIT by hand";
  t.rm(0).script[Verb::end] = {{XA_RBPROTO, error}};
  t.rm(0).script[Verb::rollback] = {{XA_HEURCOM, error}};
  const Outcome outcome = t.commit();
  INFO(outcome.reason);
  REQUIRE(outcome.kind == K::heuristic);
  const std::size_t first = outcome.reason.find(error.message);
  REQUIRE(first != std::string::npos);
  CHECK(outcome.reason.find(error.message, first + 1) == std::string::npos);
  CHECK(outcome.reason.find("XA_RBPROTO") != std::string::npos);
}

TEST_CASE("a heuristic answer without words of a server is recorded with what it means") {
  Scripted t(2);
  SECTION("of a switch that says no more than the code") {
    Error error;
    error.message = "xa_commit answered XA_HEURRB (rolled back heuristically)";
    t.rm(1).script[Verb::commit] = {{XA_HEURRB, error}};
    t.commit();
    REQUIRE(t.reg.records.size() == 1);
    CHECK(t.reg.records[0].text == error.message);
  }
  SECTION("and of one that says nothing") {
    t.rm(1).script[Verb::commit] = {{XA_HEURRB, {}}};
    t.commit();
    REQUIRE(t.reg.records.size() == 1);
    CHECK_FALSE(t.reg.records[0].text.empty());
  }
}

TEST_CASE("a branch that voted to commit and is gone before its rollback is a hazard") {
  Scripted t(2);
  t.rm(0).script[Verb::rollback] = {{XAER_NOTA, {}}};
  t.rm(1).script[Verb::prepare] = {{XA_RBDEADLOCK, {}}};
  SECTION("gone from the list too") {
    const Outcome outcome = t.commit();
    CHECK(outcome.kind == K::heuristic);
    CHECK(outcome.branches[0].state == B::heuristic_hazard);
    CHECK(outcome.branches[1].state == B::rolled_back);
    REQUIRE(t.reg.records.size() == 1);
    CHECK(t.reg.records[0].decision == Decision::rollback);
    CHECK(t.reg.records[0].code == XAER_NOTA);
    CHECK(t.coordinator->complete());
    CHECK(t.rm(0).count(Verb::forget) == 0);
  }
  SECTION("listed: recovery rolls it back") {
    t.rm(0).listed = {t.coordinator->branch(0).xid};
    const Outcome outcome = t.commit();
    CHECK(outcome.kind == K::rolled_back);
    CHECK(outcome.branches[0].state == B::pending);
  }
  SECTION("nobody can look") {
    t.rm(0).reachable = false;
    const Outcome outcome = t.commit();
    CHECK(outcome.kind == K::rolled_back);
    CHECK(outcome.branches[0].state == B::pending);
  }
  CHECK(t.rm(0).count(Verb::commit) == 0);
}

TEST_CASE("a branch whose vote was lost may be unknown when it is rolled back") {
  Scripted t(2);
  t.rm(0).script[Verb::prepare] = {lost(false)};
  t.rm(0).script[Verb::rollback] = {{XAER_NOTA, {}}};
  const Outcome outcome = t.commit();
  CHECK(outcome.kind == K::rolled_back);
  CHECK(outcome.branches[0].state == B::rolled_back);
}

TEST_CASE("a commit typed by hand shows as heuristic") {
  Scripted t(2);
  t.rm(0).script[Verb::prepare] = {said(XAER_RMERR, "no transaction in progress")};
  t.rm(0).script[Verb::rollback] = {{XA_HEURCOM, {}}};
  const Outcome outcome = t.commit();
  CHECK(outcome.kind == K::heuristic);
  CHECK(outcome.branches[0].state == B::heuristic_committed);
  CHECK(outcome.branches[1].state == B::rolled_back);
  CHECK(t.reg.records.at(0).decision == Decision::rollback);
}

TEST_CASE("a heuristic that cannot be recorded is not forgotten and the decision is kept") {
  Scripted t(2);
  t.reg.heuristic_error = Error{};
  t.rm(1).script[Verb::commit] = {{XA_HEURRB, {}}};
  CHECK(t.commit().kind == K::heuristic);
  CHECK(t.rm(1).count(Verb::forget) == 0);
  CHECK_FALSE(t.coordinator->complete());
  CHECK(t.reg.commits.size() == 1);
}

TEST_CASE("a forget that fails keeps the decision for recovery") {
  Scripted t(2);
  t.rm(1).script[Verb::commit] = {{XA_HEURRB, {}}};
  t.rm(1).script[Verb::forget] = {lost(false)};
  const Outcome outcome = t.commit();
  CHECK(outcome.kind == K::heuristic);
  CHECK(outcome.branches[1].state == B::heuristic_rolled_back);
  CHECK(t.reg.commits.size() == 1);
}
