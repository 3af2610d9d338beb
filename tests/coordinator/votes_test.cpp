// Every combination of answers at every phase, for two and three branches: whatever resource
// managers say, the invariants of the protocol hold.
#include <algorithm>

#include "catch.hpp"
#include "doubles.hpp"

using namespace xabridge;
using namespace xabridge::tm;
using namespace xabridge::tm::test;

namespace {

const std::vector<CallAnswer>& answers() {
  static const std::vector<CallAnswer> all{
      {XA_OK, {}},         {XA_RDONLY, {}},  {XA_RETRY, {}},   {XA_HEURMIX, {}},
      {XA_HEURRB, {}},     {XA_HEURCOM, {}}, {XA_HEURHAZ, {}}, {XA_RBROLLBACK, {}},
      {XA_RBDEADLOCK, {}}, {XAER_RMERR, {}}, {XAER_NOTA, {}},  lost(false),
      lost(true),          {XAER_PROTO, {}}, {-10, {}},        {42, {}},
  };
  return all;
}

/// Fails the test only when broken: a CHECK for each of a million runs would take minutes.
#define INVARIANT(condition)  \
  do {                        \
    if (!(condition)) {       \
      UNSCOPED_INFO(story);   \
      FAIL_CHECK(#condition); \
    }                         \
  } while (false)

std::string tell(const Scripted& t) {
  std::string story;
  for (const std::string& entry : t.journal) story += entry + "; ";
  return story;
}

bool has(const Journal& journal, std::string_view what) {
  return std::any_of(journal.begin(), journal.end(),
                     [&](const std::string& e) { return e.find(what) != std::string::npos; });
}

void check_invariants(const Scripted& t, const Outcome& outcome,
                      const std::vector<CallAnswer>* votes) {
  const std::string story = tell(t) + outcome.to_string();
  const auto decide = std::find(t.journal.begin(), t.journal.end(), "decide");
  const bool decided = decide != t.journal.end();
  const Journal before(t.journal.begin(), decide);
  const Journal after(decide, t.journal.end());

  // Decided only when every vote is in and none is no; commit only after it, rollback never after
  // it.
  INVARIANT(!decided || before.size() == 2 * t.names.size());
  INVARIANT(!decided || !has(after, "rollback"));
  for (const std::string& name : t.names)
    INVARIANT(!has(before, name + " xa_commit") || t.names.size() == 1);
  if (decided && votes != nullptr) {
    for (const CallAnswer& vote : *votes) INVARIANT(vote.code == XA_OK || vote.code == XA_RDONLY);
  }
  // Who refused with XA_RB*, or changed nothing, is not called again.
  if (votes != nullptr) {
    for (std::size_t i = 0; i < votes->size(); ++i) {
      const int code = (*votes)[i].code;
      if (!is_rollback(code) && code != XA_RDONLY) continue;
      INVARIANT(t.ports[i]->count(Verb::rollback) + t.ports[i]->count(Verb::commit) == 0);
    }
  }
  // The outcome says no more than the branches do.
  for (const BranchOutcome& branch : outcome.branches) {
    const BranchState s = branch.state;
    const bool good = s == BranchState::committed || s == BranchState::heuristic_committed ||
                      s == BranchState::read_only;
    INVARIANT(outcome.kind != OutcomeKind::committed || good);
    INVARIANT(outcome.kind != OutcomeKind::rolled_back || s == BranchState::read_only || !good);
    INVARIANT(outcome.kind != OutcomeKind::committed_pending || good || s == BranchState::pending);
  }
  INVARIANT(outcome.kind != OutcomeKind::committed_pending || decided);
  INVARIANT(outcome.committed() || !outcome.reason.empty());
  // Recorded before forgotten; done only when nothing is left.
  for (const std::string& name : t.names) {
    const auto forget = std::find(t.journal.begin(), t.journal.end(), name + " xa_forget");
    INVARIANT(forget == t.journal.end() ||
              std::find(t.journal.begin(), forget, "record " + name) != forget);
  }
  const bool kept = !t.reg.commits.empty();
  INVARIANT(!decided || kept == !t.coordinator->complete());
  // Bounded whatever is answered.
  INVARIANT(t.journal.size() < 60);
}

/// Calls `body` with each of the answers for each of `size` branches.
template <class Body>
void for_each_combination(std::size_t size, const Body& body) {
  std::vector<CallAnswer> chosen(size);
  std::size_t total = 1;
  for (std::size_t i = 0; i < size; ++i) total *= answers().size();
  for (std::size_t n = 0; n < total; ++n) {
    std::size_t rest = n;
    for (std::size_t i = 0; i < size; ++i, rest /= answers().size()) {
      chosen[i] = answers()[rest % answers().size()];
    }
    body(chosen);
  }
}

/// Fewer repetitions than answers are scripted, so that some branch is left to recovery.
struct Impatient : Scripted {
  explicit Impatient(int size) : Scripted(size) { give_up_after_waits = 2; }
};

}  // namespace

TEST_CASE("any answers to end keep the invariants") {
  for (std::size_t size = 1; size <= 3; ++size) {
    for_each_combination(size, [&](const std::vector<CallAnswer>& ends) {
      Impatient t(static_cast<int>(size));
      for (std::size_t i = 0; i < size; ++i) t.rm(i).script[Verb::end] = {ends[i]};
      const Outcome outcome = t.commit();
      check_invariants(t, outcome, nullptr);
      const std::string story = tell(t);
      const bool all_ok =
          std::all_of(ends.begin(), ends.end(), [](auto& e) { return e.code == XA_OK; });
      INVARIANT((outcome.kind == OutcomeKind::committed) == all_ok);
    });
  }
}

TEST_CASE("any votes and any answers to rollback keep the invariants") {
  for (std::size_t size = 2; size <= 3; ++size) {
    for_each_combination(size, [&](const std::vector<CallAnswer>& votes) {
      for (const CallAnswer& undo : answers()) {
        Impatient t(static_cast<int>(size));
        for (std::size_t i = 0; i < size; ++i) {
          t.rm(i).script[Verb::prepare] = {votes[i]};
          t.rm(i).script[Verb::rollback] = {undo};
        }
        const Outcome outcome = t.commit();
        check_invariants(t, outcome, &votes);
        const std::string story = tell(t);
        const bool all_yes = std::all_of(votes.begin(), votes.end(), [](const CallAnswer& v) {
          return v.code == XA_OK || v.code == XA_RDONLY;
        });
        INVARIANT((outcome.kind == OutcomeKind::committed) == all_yes);
      }
    });
  }
}

TEST_CASE("any answers to commit and any lists keep the invariants") {
  for (std::size_t size = 2; size <= 3; ++size) {
    for_each_combination(size, [&](const std::vector<CallAnswer>& commits) {
      for (const int list : {0, 1, 2}) {  // gone, listed, unreachable
        Impatient t(static_cast<int>(size));
        for (std::size_t i = 0; i < size; ++i) {
          t.rm(i).script[Verb::commit] = {commits[i], commits[(i + 1) % size]};
          if (list == 1) t.rm(i).listed = {t.coordinator->branch(i).xid};
          t.rm(i).reachable = list != 2;
        }
        const Outcome outcome = t.commit();
        check_invariants(t, outcome, nullptr);
        const std::string story = tell(t);
        INVARIANT(outcome.kind != OutcomeKind::unknown);
      }
    });
  }
}

TEST_CASE("any answer to a one phase commit and the rollback after it keeps the invariants") {
  for_each_combination(2, [&](const std::vector<CallAnswer>& pair) {
    Impatient t(1);
    t.rm(0).script[Verb::commit_one_phase] = {pair[0]};
    for (int i = 0; i < 5; ++i) t.rm(0).script[Verb::rollback].push_back(pair[1]);
    const Outcome outcome = t.commit();
    const std::string story = tell(t) + outcome.to_string();
    const int code = pair[0].code;
    INVARIANT((outcome.kind == OutcomeKind::committed) == (code == XA_OK || code == XA_HEURCOM));
    INVARIANT(outcome.committed() || !outcome.reason.empty());
    INVARIANT(t.rm(0).count(Verb::commit_one_phase) == 1);
  });
}

TEST_CASE("any answers to end with failure and rollback never commit") {
  for_each_combination(2, [&](const std::vector<CallAnswer>& pair) {
    Impatient t(2);
    t.rm(0).script[Verb::end_fail] = {pair[0]};
    for (int i = 0; i < 5; ++i) t.rm(0).script[Verb::rollback].push_back(pair[1]);
    const Outcome outcome = t.rollback();
    const std::string story = tell(t) + outcome.to_string();
    INVARIANT(!outcome.committed());
    INVARIANT(!has(t.journal, "xa_commit"));
    INVARIANT(!has(t.journal, "xa_prepare"));
  });
}
