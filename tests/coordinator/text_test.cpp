// The words of outcomes and events.
#include <xabridge/event.hpp>
#include <xabridge/outcome.hpp>

#include "catch.hpp"

using namespace xabridge;

TEST_CASE("an outcome reads as one line that names who and why") {
  Outcome outcome;
  outcome.kind = OutcomeKind::rolled_back;
  outcome.reason = "stock: deadlock (XA_RBDEADLOCK): Deadlock found";
  CHECK(outcome.to_string() == "rolled back: stock: deadlock (XA_RBDEADLOCK): Deadlock found");

  outcome = {};
  outcome.kind = OutcomeKind::committed_pending;
  outcome.branches = {{"accounts", "", BranchState::committed, {}},
                      {"ledger", "", BranchState::pending, {}}};
  CHECK(outcome.to_string() == "committed, completion pending at ledger");

  outcome.kind = OutcomeKind::heuristic;
  outcome.branches[1].state = BranchState::heuristic_rolled_back;
  CHECK(outcome.to_string() == "heuristic (accounts committed, ledger heuristically rolled back)");
}

TEST_CASE("every event kind has a name of its own") {
  CHECK(to_string(EventKind::begun) == "begun");
  CHECK(to_string(EventKind::before_decide) == "before_decide");
  CHECK(to_string(EventKind::recovered_rollback) == "recovered_rollback");
  CHECK(to_string(EventKind::warning) == "warning");
}
