// The commit protocol, call by call: statements K01-K29 (docs/spec/statements.md) as far as they
// are about one transaction, and what ours adds: confirmation, lost replies, an undecidable
// register.
#include "catch.hpp"
#include "doubles.hpp"

using namespace xabridge;
using namespace xabridge::tm;
using namespace xabridge::tm::test;
using K = OutcomeKind;
using B = BranchState;

TEST_CASE("two yes votes are decided and then committed") {
  Scripted t(2);
  CHECK(t.commit().kind == K::committed);
  CHECK(t.journal == Journal{"a xa_end", "b xa_end", "a xa_prepare", "b xa_prepare", "decide",
                             "a xa_commit", "b xa_commit", "done"});
  CHECK(t.coordinator->complete());
  CHECK(t.reg.commits.empty());
}

TEST_CASE("one branch commits in one phase without the register") {
  Scripted t(1);
  CHECK(t.commit().kind == K::committed);
  CHECK(t.journal == Journal{"a xa_end", "a xa_commit(TMONEPHASE)"});
}

TEST_CASE("no branch at all is committed without a call") {
  Scripted t(0);
  CHECK(t.commit().kind == K::committed);
  CHECK(t.journal.empty());
}

TEST_CASE("a read-only branch takes no part in phase two") {
  Scripted t(3);
  t.rm(0).script[Verb::prepare] = {{XA_RDONLY, {}}};
  const Outcome outcome = t.commit();
  CHECK(outcome.kind == K::committed);
  CHECK(outcome.branches[0].state == B::read_only);
  CHECK(outcome.branches[0].errors.empty());
  CHECK(t.rm(0).count(Verb::commit) == 0);
  CHECK(t.coordinator->participants().size() == 2);
}

TEST_CASE("all read-only is committed and nothing is decided") {
  Scripted t(2);
  for (std::size_t i = 0; i < 2; ++i) t.rm(i).script[Verb::prepare] = {{XA_RDONLY, {}}};
  CHECK(t.commit().kind == K::committed);
  CHECK_FALSE(contains(t.journal, "decide"));
  CHECK_FALSE(contains(t.journal, "done"));
}

TEST_CASE("a branch that refused gets no phase two and the others are rolled back") {
  Scripted t(2);
  t.rm(1).script[Verb::prepare] = {said(XA_RBDEADLOCK, "deadlock detected")};
  const Outcome outcome = t.commit();
  CHECK(outcome.kind == K::rolled_back);
  CHECK(outcome.reason_code == XA_RBDEADLOCK);
  CHECK(outcome.reason.find("b: ") == 0);
  CHECK(outcome.reason.find("deadlock detected") != std::string::npos);
  CHECK(t.rm(0).count(Verb::rollback) == 1);
  CHECK(t.rm(1).count(Verb::rollback) == 0);
  CHECK_FALSE(contains(t.journal, "decide"));
}

TEST_CASE("a branch whose vote is in doubt is rolled back like a prepared one") {
  for (const CallAnswer& vote : {CallAnswer{XAER_RMERR, {}}, lost(false), CallAnswer{-99, {}}}) {
    Scripted t(2);
    t.rm(1).script[Verb::prepare] = {vote};
    CHECK(t.commit().kind == K::rolled_back);
    CHECK(t.rm(0).count(Verb::rollback) == 1);
    CHECK(t.rm(1).count(Verb::rollback) == 1);
    CHECK_FALSE(contains(t.journal, "decide"));
  }
}

TEST_CASE("a doubtful branch that cannot be reached stays pending in a rolled back outcome") {
  Scripted t(2);
  t.rm(1).script[Verb::prepare] = {lost(false)};
  t.rm(1).script[Verb::rollback] = {lost(true)};
  const Outcome outcome = t.commit();
  CHECK(outcome.kind == K::rolled_back);
  CHECK(outcome.branches[1].state == B::pending);
  CHECK(outcome.branches[1].errors.size() == 2);
  CHECK_FALSE(t.coordinator->complete());
}

TEST_CASE("a failed end rolls everything back without prepare") {
  Scripted t(2);
  t.rm(0).script[Verb::end] = {said(XA_RBTRANSIENT, "could not serialize")};
  const Outcome outcome = t.commit();
  CHECK(outcome.kind == K::rolled_back);
  CHECK(outcome.reason_code == XA_RBTRANSIENT);
  CHECK(t.journal == Journal{"a xa_end", "b xa_end", "a xa_rollback", "b xa_rollback"});
}

TEST_CASE("the most telling answer of a step is the reason") {
  Scripted t(3);
  t.rm(0).script[Verb::end] = {{XA_RBROLLBACK, {}}};
  t.rm(1).script[Verb::end] = {lost(true)};
  t.rm(2).script[Verb::end] = {said(XA_RBDEADLOCK, "1213")};
  const Outcome outcome = t.commit();
  CHECK(outcome.reason_code == XA_RBDEADLOCK);
  CHECK(t.rm(1).count(Verb::rollback) == 0);  // died with its session
}

TEST_CASE("busy and unreachable branches are committed again") {
  Scripted t(2);
  t.rm(0).script[Verb::commit] = {{XA_RETRY, {}}, lost(true), lost(false)};
  const Outcome outcome = t.commit();
  CHECK(outcome.kind == K::committed);
  CHECK(t.rm(0).count(Verb::commit) == 4);
  CHECK(t.rm(1).count(Verb::commit) == 1);
  CHECK(outcome.branches[0].errors.size() == 3);
}

TEST_CASE("a coordinator that gives up names the branches no commit can have reached") {
  struct Row {
    CallAnswer answer;
    bool reached;
  };
  const Row rows[] = {{lost(true), false},       {lost(false), true},    {{XA_RETRY, {}}, false},
                      {{XAER_RMFAIL, {}}, true}, {{XA_OK, {}}, true},    {{XAER_PROTO, {}}, false},
                      {{XAER_RMERR, {}}, false}, {{XA_HEURRB, {}}, true}};
  for (const Row& row : rows) {
    Scripted t(2);
    t.rm(1).listed = {t.coordinator->branch(1).xid};  // not gone
    t.rm(1).script[Verb::commit] = {row.answer};
    Loop loop = t.loop();
    loop.give_up_after_waits = 0;
    loop.run(*t.coordinator, t.coordinator->commit());
    INFO(row.answer.code);
    const std::vector<Xid> expected =
        row.reached ? std::vector<Xid>{} : std::vector<Xid>{t.coordinator->branch(1).xid};
    CHECK(t.coordinator->no_commit_arrived() == expected);
  }
}

TEST_CASE("a commit that was refused after one that went unanswered may have arrived") {
  Scripted t(2);
  t.rm(1).listed = {t.coordinator->branch(1).xid};
  t.rm(1).script[Verb::commit] = {lost(false), {XAER_RMERR, {}}};
  CHECK(t.commit().kind == K::committed_pending);
  CHECK(t.coordinator->no_commit_arrived().empty());
}

TEST_CASE("what is not decided or under way is not named as never committed") {
  Scripted t(2);
  CHECK(t.coordinator->no_commit_arrived().empty());
  Step step = t.coordinator->commit();
  for (; step.kind != Step::Kind::decide; step = t.coordinator->next()) {
    for (const Call& call : step.calls) t.coordinator->answered(call, {});
  }
  CHECK(t.coordinator->no_commit_arrived().empty());
  t.coordinator->decided(Decision::commit);
  CHECK(t.coordinator->no_commit_arrived().size() == 2);  // and were this the end, never would be
  step = t.coordinator->next();
  CHECK(t.coordinator->no_commit_arrived().empty());
}

TEST_CASE("giving up ends with committed pending and the decision kept") {
  Scripted t(2);
  for (int i = 0; i < 100; ++i) t.rm(1).script[Verb::commit].push_back(lost(false));
  const Outcome outcome = t.commit();
  CHECK(outcome.kind == K::committed_pending);
  CHECK(outcome.committed());
  CHECK(outcome.branches[1].state == B::pending);
  CHECK(t.rm(1).count(Verb::commit) == 1 + t.give_up_after_waits);
  CHECK(t.reg.commits.size() == 1);
  CHECK_FALSE(contains(t.journal, "done"));
}

TEST_CASE("giving up during a wait leaves the branch to recovery") {
  Scripted t(2);
  for (int i = 0; i < 100; ++i) t.rm(1).script[Verb::commit].push_back({XA_RETRY, {}});
  Loop loop = t.loop();
  loop.give_up_after_waits = 1;
  loop.run(*t.coordinator, t.coordinator->commit());
  CHECK(t.coordinator->outcome().kind == K::committed_pending);
  CHECK(t.rm(1).count(Verb::commit) == 2);
}

TEST_CASE("delays grow to the maximum") {
  Coordinator c("g", branches_of(gtrid_of(1), {"a", "b"}));
  std::vector<long> delays;
  for (Step s = c.commit(); s.kind != Step::Kind::finished; s = c.next()) {
    for (const Call& call : s.calls) {
      c.answered(call, {call.verb == Verb::commit && call.branch == 1 ? XA_RETRY : XA_OK, {}});
    }
    if (s.kind == Step::Kind::decide) c.decided(Decision::commit);
    if (s.kind == Step::Kind::wait) delays.push_back(s.delay.count());
    if (delays.size() == 8) c.give_up();
  }
  CHECK(delays == std::vector<long>{5, 10, 20, 40, 80, 160, 250, 250});
}

TEST_CASE("an unknown branch after an unanswered commit is committed") {
  Scripted t(2);
  t.rm(1).script[Verb::commit] = {lost(false), {XAER_NOTA, {}}};
  CHECK(t.commit().kind == K::committed);
  CHECK(t.rm(1).lists == 1);
}

TEST_CASE("an unknown branch that is still listed is busy and committed later") {
  Scripted t(2);
  t.rm(1).listed = {t.coordinator->branch(1).xid};
  t.rm(1).script[Verb::commit] = {{XAER_NOTA, {}}, {XAER_NOTA, {}}};
  CHECK(t.commit().kind == K::committed);
  CHECK(t.rm(1).count(Verb::commit) == 3);
}

TEST_CASE("an unknown branch at the first try is a recorded hazard and never success") {
  Scripted t(2);
  t.rm(1).script[Verb::commit] = {{XA_RETRY, {}}, lost(true), {XAER_NOTA, {}}};
  const Outcome outcome = t.commit();
  CHECK(outcome.kind == K::heuristic);
  CHECK(outcome.branches[1].state == B::heuristic_hazard);
  REQUIRE(t.reg.records.size() == 1);
  CHECK(t.reg.records[0].code == XAER_NOTA);
  CHECK(t.rm(1).count(Verb::forget) == 0);
}

TEST_CASE("RMERR on commit is mixed where the branch is gone and pending where it is listed") {
  Scripted gone(2);
  gone.rm(1).script[Verb::commit] = {{XAER_RMERR, {}}};
  const Outcome mixed = gone.commit();
  CHECK(mixed.kind == K::heuristic);
  CHECK(mixed.branches[0].state == B::committed);
  CHECK(mixed.branches[1].state == B::heuristic_rolled_back);
  CHECK(gone.reg.records.at(0).decision == Decision::commit);

  Scripted held(2);
  held.rm(1).listed = {held.coordinator->branch(1).xid};
  held.rm(1).script[Verb::commit] = {said(XAER_RMERR, "permission denied")};
  const Outcome pending = held.commit();
  CHECK(pending.kind == K::committed_pending);
  CHECK(pending.branches[1].errors.back().message.find("rights") != std::string::npos);
  CHECK(held.reg.commits.size() == 1);

  Scripted unlisted(2);
  unlisted.rm(1).reachable = false;
  unlisted.rm(1).script[Verb::commit] = {{XAER_RMERR, {}}};
  CHECK(unlisted.commit().kind == K::committed_pending);
}

TEST_CASE("a decision that was not recorded rolls back") {
  Scripted t(2);
  Error full;
  full.message = "disk full";
  t.reg.decide_error = full;
  const Outcome outcome = t.commit();
  CHECK(outcome.kind == K::rolled_back);
  CHECK(outcome.reason.find("disk full") != std::string::npos);
  CHECK(t.rm(0).count(Verb::rollback) == 1);
  CHECK(t.rm(0).count(Verb::commit) == 0);
}

TEST_CASE("a decision that may be recorded leaves the branches alone") {
  Scripted t(2);
  Error unknown;
  unknown.outcome_known = false;
  t.reg.decide_error = unknown;
  const Outcome outcome = t.commit();
  CHECK(outcome.kind == K::unknown);
  CHECK(t.coordinator->undecidable());
  CHECK(t.journal.back() == "decide");
  CHECK(outcome.branches[0].state == B::unknown);
}

TEST_CASE("a register that never answered leaves the branches alone") {
  Coordinator c("g", branches_of(gtrid_of(1), {"a", "b"}));
  Step s = c.commit();
  while (s.kind == Step::Kind::call) {
    for (const Call& call : s.calls) c.answered(call, {});
    s = c.next();
  }
  REQUIRE(s.kind == Step::Kind::decide);
  CHECK(c.next().kind == Step::Kind::finished);
  CHECK(c.outcome().kind == K::unknown);
}

TEST_CASE("a rollback decided by somebody else wins") {
  Scripted t(2);
  t.reg.stands = Decision::rollback;
  CHECK(t.commit().kind == K::rolled_back);
  CHECK(t.rm(0).count(Verb::rollback) == 1);
  CHECK(t.rm(1).count(Verb::rollback) == 1);
}

TEST_CASE("one phase answers map as table 5b says") {
  struct Row {
    CallAnswer commit;
    CallAnswer rollback;
    K kind;
  };
  const CallAnswer ok{};
  const CallAnswer nota{XAER_NOTA, {}};
  const Row rows[] = {
      {{XA_HEURCOM, {}}, ok, K::committed},
      {{XA_RBINTEGRITY, {}}, ok, K::rolled_back},
      {{XA_HEURRB, {}}, ok, K::rolled_back},
      {{XA_HEURMIX, {}}, ok, K::heuristic},
      {{XA_HEURHAZ, {}}, ok, K::heuristic},
      {nota, ok, K::rolled_back},
      {lost(false), ok, K::unknown},
      {{XAER_RMFAIL, {}}, ok, K::unknown},
      {lost(true), ok, K::rolled_back},
      {{XAER_RMERR, {}}, nota, K::rolled_back},
      {{XAER_RMERR, {}}, {XA_HEURCOM, {}}, K::heuristic},
      {{XAER_PROTO, {}}, ok, K::rolled_back},
      {{XAER_PROTO, {}}, nota, K::unknown},
      {{-99, {}}, lost(false), K::unknown},
      {{XA_RETRY, {}}, {XA_RBROLLBACK, {}}, K::rolled_back},
  };
  for (const Row& row : rows) {
    Scripted t(1);
    t.rm(0).script[Verb::commit_one_phase] = {row.commit};
    t.rm(0).script[Verb::rollback] = {row.rollback};
    INFO(row.commit.code << " then " << row.rollback.code);
    CHECK(t.commit().kind == row.kind);
    CHECK(t.rm(0).count(Verb::commit_one_phase) == 1);
    CHECK_FALSE(contains(t.journal, "decide"));
  }
}

TEST_CASE("rollback ends with TMFAIL and keeps the reason it was given") {
  Scripted t(2);
  t.rm(0).script[Verb::end_fail] = {{XA_RBROLLBACK, {}}};
  t.rm(1).script[Verb::end_fail] = {lost(true)};
  const Outcome outcome = t.rollback("timed out after 1s", XA_RBTIMEOUT);
  CHECK(outcome.kind == K::rolled_back);
  CHECK(outcome.reason == "timed out after 1s");
  CHECK(outcome.reason_code == XA_RBTIMEOUT);
  CHECK(t.journal == Journal{"a xa_end(TMFAIL)", "b xa_end(TMFAIL)", "a xa_rollback"});
  CHECK(outcome.branches[0].errors.empty());
}

TEST_CASE("a call that is never reported counts as unanswered") {
  Coordinator c("g", branches_of(gtrid_of(1), {"a", "b"}));
  Step s = c.commit();
  c.answered(s.calls[0], {});
  s = c.next();  // b's end was not reported: its session is taken as lost
  REQUIRE(s.kind == Step::Kind::call);
  CHECK(s.calls.size() == 1);
  CHECK(s.calls[0].verb == Verb::rollback);
}
