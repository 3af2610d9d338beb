// The outcome table: total over every int, and saying what docs/spec/xa.md, section 5 says.
#include "core/outcome_table.hpp"

#include "catch.hpp"
#include "doubles.hpp"

using namespace xabridge;
using namespace xabridge::tm;

namespace {

template <class Function>
void for_each_callable(Function function) {
  for (int p = 0; p < kPhaseCount; ++p) {
    for (int v = 0; v <= static_cast<int>(Verb::confirm); ++v) {
      const auto phase = static_cast<Phase>(p);
      const auto verb = static_cast<Verb>(v);
      if (callable(phase, verb)) function(phase, verb);
    }
  }
}

}  // namespace

TEST_CASE("every int has a row in every phase it can be answered in") {
  int pairs = 0;
  for_each_callable([&](Phase phase, Verb verb) {
    ++pairs;
    for (int code = -20; code <= 120; ++code) {
      int rows = 0;
      const Answered answered = classify({code, std::nullopt});
      for (const OutcomeRow& row : outcome_rows()) {
        const bool names = (row.on & static_cast<unsigned>(answered)) != 0;
        rows += row.phase == phase && row.verb == verb && names ? 1 : 0;
      }
      CHECK(rows == 1);
      CHECK_FALSE(lookup(phase, verb, answered).reason.empty());
      CHECK_FALSE(lookup(phase, verb, answered).section.empty());
    }
  });
  CHECK(pairs == 26);
}

TEST_CASE("codes outside the standard are odd and never final as committed") {
  for (const int code : {-10, 42, -99, -1, 1, 2, XA_NOMIGRATE, XAER_PROTO, XAER_INVAL, XAER_ASYNC,
                         XAER_DUPID, XAER_OUTSIDE, 99, 108}) {
    CHECK(classify({code, std::nullopt}) == Answered::odd);
  }
  for_each_callable([](Phase phase, Verb verb) {
    const OutcomeRow& row = lookup(phase, verb, Answered::odd);
    CHECK(row.action != Action::vote_yes);
    CHECK(row.action != Action::go_on);
    if (row.action == Action::final) CHECK(row.state == BranchState::unknown);
  });
}

TEST_CASE("only xa_commit answered OK or a confirmed earlier commit makes a branch committed") {
  for (const OutcomeRow& row : outcome_rows()) {
    if (row.state != BranchState::committed || row.action != Action::final) continue;
    const bool answered_ok = (row.verb == Verb::commit || row.verb == Verb::commit_one_phase) &&
                             row.on == static_cast<unsigned>(Answered::ok);
    const bool confirmed_gone = row.verb == Verb::confirm && (row.phase == Phase::missing_again ||
                                                              row.phase == Phase::recovered);
    // Missing in this pass's complete list already, and now denied by the server.
    const bool denied_too = row.phase == Phase::recover_unseen && row.verb == Verb::commit &&
                            row.on == static_cast<unsigned>(Answered::not_known);
    CHECK((answered_ok || confirmed_gone || denied_too));
  }
}

TEST_CASE("a branch that no commit can have reached is never committed for being gone") {
  for (const OutcomeRow& row : outcome_rows()) {
    if (!no_commit_arrived(row.phase)) continue;
    const bool answered_ok =
        row.verb == Verb::commit && row.on == static_cast<unsigned>(Answered::ok);
    INFO(row.reason);
    CHECK((row.state != BranchState::committed || answered_ok));
    // What goes unanswered may arrive, and with an answer to rely on it is known that it did not.
    if (row.verb != Verb::commit) continue;
    const OutcomeRow& lost = lookup(row.phase, Verb::commit, Answered::lost);
    const OutcomeRow& unsent = lookup(row.phase, Verb::commit, Answered::unsent);
    CHECK_FALSE(no_commit_arrived(lost.next));
    CHECK(no_commit_arrived(unsent.next));
  }
}

TEST_CASE("a lost request is told from one never sent by its error alone") {
  CHECK(classify({XAER_RMFAIL, std::nullopt}) == Answered::lost);
  CHECK(classify(test::lost(false)) == Answered::lost);
  CHECK(classify(test::lost(true)) == Answered::unsent);
}

TEST_CASE("a no from another server is elsewhere and a yes counts whoever says it") {
  const auto from = [](int code, const char* server) {
    return classify({code, std::nullopt, server}, "one 17");
  };
  for (const int code : {XAER_NOTA, XA_HEURMIX, XA_HEURRB, XA_HEURCOM, XA_HEURHAZ, XA_RBROLLBACK,
                         XA_RBDEADLOCK, XAER_RMERR}) {
    CHECK(from(code, "two") == Answered::elsewhere);
    CHECK(from(code, "one 4") == classify({code, std::nullopt}));
    CHECK(classify({code, std::nullopt, "two"}, "") == classify({code, std::nullopt}));
  }
  CHECK(from(XAER_NOTA, "") == Answered::elsewhere);
  CHECK(from(XAER_RMERR, "") == Answered::error);  // refused before a server was asked
  for (const int code : {XA_OK, XA_RETRY, XAER_RMFAIL, XAER_PROTO})
    CHECK(from(code, "two") == classify({code, std::nullopt}));
}

TEST_CASE("an answer from elsewhere finishes nothing that may be prepared") {
  for_each_callable([](Phase phase, Verb verb) {
    const bool unprepared = phase == Phase::idle || phase == Phase::active ||
                            phase == Phase::one_phase_error || phase == Phase::one_phase_refused;
    if (unprepared || phase == Phase::heuristic) return;
    const OutcomeRow& row = lookup(phase, verb, Answered::elsewhere);
    CHECK((row.action == Action::retry || row.action == Action::leave));
    CHECK(row.state == BranchState::pending);
    // And nothing is known afterwards that was not known before.
    if (verb == Verb::commit) CHECK(row.next == phase);
  });
}

TEST_CASE("branch states combine to the outcome of table 5a") {
  using B = BranchState;
  using K = OutcomeKind;
  struct Row {
    std::vector<B> states;
    K commit;
    K rollback;
  };
  const B c = B::committed, r = B::heuristic_rolled_back, m = B::heuristic_mixed,
          h = B::heuristic_hazard, hc = B::heuristic_committed, ro = B::read_only;
  const Row rows[] = {
      {{}, K::committed, K::rolled_back},
      {{ro, ro}, K::committed, K::rolled_back},
      {{c, hc}, K::committed, K::heuristic},
      {{hc}, K::committed, K::heuristic},
      {{r, r}, K::rolled_back, K::rolled_back},
      {{r, ro}, K::rolled_back, K::rolled_back},
      {{h}, K::heuristic, K::heuristic},
      {{c, h}, K::heuristic, K::heuristic},
      {{r, h}, K::heuristic, K::heuristic},
      {{m}, K::heuristic, K::heuristic},
      {{c, m}, K::heuristic, K::heuristic},
      {{c, r}, K::heuristic, K::heuristic},
      {{c, r, h}, K::heuristic, K::heuristic},
      {{c, B::pending}, K::committed_pending, K::heuristic},
      {{B::pending, B::pending}, K::committed_pending, K::rolled_back},
      {{r, B::pending}, K::heuristic, K::rolled_back},
      {{B::unknown}, K::unknown, K::unknown},
      {{B::unknown, h}, K::heuristic, K::heuristic},
  };
  for (const Row& row : rows) {
    CHECK(combine(row.states, Verdict::commit) == row.commit);
    CHECK(combine(row.states, Verdict::rollback) == row.rollback);
  }
  const std::vector<B> undecidable{B::unknown, B::read_only};
  CHECK(combine(undecidable, Verdict::unknown) == K::unknown);
}
