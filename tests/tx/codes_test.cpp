// The outcome in TX's words: every combination of branch outcomes (TX appendix B, spec 5a).

#include <xabridge/tx.h>

#include <tx/codes.hpp>
#include <vector>

#include "catch.hpp"

using namespace xabridge;
using namespace xabridge::tx;

namespace {

Outcome with(OutcomeKind kind, const std::vector<BranchState>& states) {
  Outcome outcome;
  outcome.kind = kind;
  for (const BranchState state : states) {
    outcome.branches.emplace_back();
    outcome.branches.back().state = state;
  }
  return outcome;
}

}  // namespace

TEST_CASE("Every set of branch outcomes has its code") {
  constexpr unsigned c = 1;
  constexpr unsigned r = 2;
  constexpr unsigned m = 4;
  constexpr unsigned h = 8;
  for (unsigned present = 1; present < 16; ++present) {
    std::vector<BranchState> states;
    if ((present & c) != 0) states.push_back(BranchState::heuristic_committed);
    if ((present & r) != 0) states.push_back(BranchState::heuristic_rolled_back);
    if ((present & m) != 0) states.push_back(BranchState::heuristic_mixed);
    if ((present & h) != 0) states.push_back(BranchState::heuristic_hazard);
    const bool hazard = present == h || present == (c | h) || present == (r | h);
    const int commit = present == c   ? TX_OK
                       : present == r ? TX_ROLLBACK
                       : hazard       ? TX_HAZARD
                                      : TX_MIXED;
    const int rollback = present == c   ? TX_COMMITTED
                         : present == r ? TX_OK
                         : hazard       ? TX_HAZARD
                                        : TX_MIXED;
    const Outcome outcome = with(OutcomeKind::heuristic, states);
    INFO("set " << present);
    CHECK(code_of(Asked::commit, outcome, false) == commit);
    CHECK(code_of(Asked::rollback, outcome, false) == rollback);
  }
}

TEST_CASE("A decided commit is TX_OK although branches are pending") {
  const auto outcome =
      with(OutcomeKind::committed_pending, {BranchState::committed, BranchState::pending});
  CHECK(code_of(Asked::commit, outcome, true) == TX_OK);
}

TEST_CASE("A pending branch counts as what recovery is going to do with it") {
  const auto states = {BranchState::heuristic_rolled_back, BranchState::pending};
  CHECK(code_of(Asked::commit, with(OutcomeKind::heuristic, states), true) == TX_MIXED);
  CHECK(code_of(Asked::commit, with(OutcomeKind::heuristic, states), false) == TX_ROLLBACK);
  const auto rolled_back = with(OutcomeKind::rolled_back, {BranchState::pending});
  CHECK(code_of(Asked::commit, rolled_back, false) == TX_ROLLBACK);
  CHECK(code_of(Asked::rollback, rolled_back, false) == TX_OK);
}

TEST_CASE("An unknown outcome is a hazard and never a success") {
  CHECK(code_of(Asked::commit, with(OutcomeKind::unknown, {}), false) == TX_HAZARD);
  CHECK(code_of(Asked::commit, with(OutcomeKind::unknown, {BranchState::unknown}), false) ==
        TX_HAZARD);
  CHECK(code_of(Asked::rollback, with(OutcomeKind::unknown, {BranchState::unknown}), false) ==
        TX_HAZARD);
}

TEST_CASE("A transaction without branches is what its outcome says") {
  CHECK(code_of(Asked::commit, with(OutcomeKind::committed, {}), false) == TX_OK);
  CHECK(code_of(Asked::commit, with(OutcomeKind::rolled_back, {}), false) == TX_ROLLBACK);
  CHECK(code_of(Asked::rollback, with(OutcomeKind::rolled_back, {}), false) == TX_OK);
}
