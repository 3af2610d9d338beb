// K01 - K24: commitment, one statement a function. Calls are judged by their order across resource
// managers and the log.
#include <chrono>
#include <future>

#include "sections.hpp"
#include "tx_stage.hpp"

namespace tm_conformance {
namespace {

using Calls = std::vector<std::string>;
using Codes = std::deque<int>;

/// `count` times the same text does not occur before `first` occurs.
void never_before(const Calls& calls, const std::string& early, const std::string& late) {
  for (const std::string& call : calls) {
    if (call == early) return;
    check(call != late, late + " before " + early);
  }
  throw Failed{"no " + early};
}

bool has(const Calls& calls, const std::string& call) {
  for (const std::string& c : calls) {
    if (c == call) return true;
  }
  return false;
}

void k01() {
  Stage stage({"a", "b"});
  const auto outcome = stage.commit();
  returned(tx_result(outcome, Asked::commit), TX_OK, outcome);
  equal(stage.calls(), {"end a", "end b", "prepare a", "prepare b", "log", "commit a", "commit b"});
  stage.nothing_out_of_order();
}

void k02() {
  Stage stage({"a"});
  const auto outcome = stage.commit();
  returned(tx_result(outcome, Asked::commit), TX_OK, outcome);
  equal(stage.calls(), {"end a", "commit(ONEPHASE) a"});
  stage.nothing_out_of_order();
}

void k03() {
  Stage stage({"a", "b", "c"});
  stage.rm("a").answer("prepare", {XA_RDONLY});
  const auto outcome = stage.commit();
  returned(tx_result(outcome, Asked::commit), TX_OK, outcome);
  equal(stage.calls(), {"end a", "end b", "end c", "prepare a", "prepare b", "prepare c", "log",
                        "commit b", "commit c"});
  stage.nothing_out_of_order();
}

void k04() {
  Stage stage({"a", "b"});
  stage.rm("a").answer("prepare", {XA_RDONLY});
  stage.rm("b").answer("prepare", {XA_RDONLY});
  const auto outcome = stage.commit();
  returned(tx_result(outcome, Asked::commit), TX_OK, outcome);
  equal(stage.calls(), {"end a", "end b", "prepare a", "prepare b"});
}

void k05() {
  for (const int vote : {XA_RBROLLBACK, XA_RBDEADLOCK, XA_RBINTEGRITY, XA_RBEND}) {
    Stage stage({"a", "b"});
    stage.rm("b").answer("prepare", {vote});
    const auto outcome = stage.commit();
    returned(tx_result(outcome, Asked::commit), TX_ROLLBACK, outcome);
    equal(stage.calls(), {"end a", "end b", "prepare a", "prepare b", "rollback a"});
    stage.nothing_out_of_order();
  }
}

void k06() {
  Stage stage({"a", "b"});
  stage.rm("b").answer("prepare", {XAER_RMERR});
  const auto outcome = stage.commit();
  returned(tx_result(outcome, Asked::commit), TX_ROLLBACK, outcome);
  equal(stage.calls(), {"end a", "end b", "prepare a", "prepare b", "rollback a", "rollback b"});
  stage.nothing_out_of_order();
}

void k07() {
  Stage stage({"a", "b"});
  stage.rm("a").answer("end", {XA_RBDEADLOCK});
  const auto outcome = stage.commit();
  returned(tx_result(outcome, Asked::commit), TX_ROLLBACK, outcome);
  const Calls calls = stage.calls();
  equal(calls, {"end a", "end b", "rollback a", "rollback b"});
  stage.nothing_out_of_order();
}

void k12() {
  Stage stage({"a", "b"});
  stage.rm("a").answer("commit", {XA_RETRY});
  const auto outcome = stage.commit();
  returned(tx_result(outcome, Asked::commit), TX_OK, outcome);
  check(outcome.kind == xabridge::OutcomeKind::committed, "not finished: " + outcome.to_string());
  check(stage.log.count("commit a") == 2, "xa_commit was not issued again");
  check(stage.rm("a").branches() == 0, "the branch is still prepared");
}

/// Commit-phase answers of two resource managers and what tx_commit returns.
struct Answers {
  Codes first;
  Codes second;
  int returns;
};

bool heuristic(const Codes& codes) {
  return !codes.empty() && codes[0] >= XA_HEURMIX && codes[0] <= XA_HEURHAZ;
}

/// After phase two every heuristic answer is stored, and then forgotten, once.
void forgotten_after_stored(const Stage& stage, const Calls& calls, const std::string& phase_two,
                            const Answers& answers) {
  for (const auto& [name, codes] :
       {std::pair("a", answers.first), std::pair("b", answers.second)}) {
    const std::string forget = std::string("forget ") + name;
    check(stage.log.count(forget) == (heuristic(codes) ? 1U : 0U),
          forget + ": " + std::to_string(stage.log.count(forget)) + " times");
    if (!heuristic(codes)) continue;
    Calls after = calls;
    while (!after.empty() && after.front() != phase_two + name) after.erase(after.begin());
    never_before(after, "log", forget);
  }
}

/// The same answers to a transaction of the TX interface.
void through_tx(const char* entry, const Answers& answers) {
  in_thread([&] {
    TxStage tx;
    tx.go(S::s3);
    tx.rm("a").answer(entry, answers.first);
    tx.rm("b").answer(entry, answers.second);
    if (entry == std::string("commit")) {
      must("tx_commit", tx_commit(), answers.returns);
    } else {
      must("tx_rollback", tx_rollback(), answers.returns);
    }
    tx.is(S::s1);
    forgotten_after_stored(tx.stage(), tx.calls(), entry + std::string(" "), answers);
    tx.stage().nothing_out_of_order();
  });
}

void committing(const Answers& answers) {
  Stage stage({"a", "b"});
  stage.rm("a").answer("commit", answers.first);
  stage.rm("b").answer("commit", answers.second);
  const auto outcome = stage.commit();
  returned(tx_result(outcome, Asked::commit), answers.returns, outcome);
  const Calls calls = stage.calls();
  const Calls beginning(calls.begin(), calls.begin() + std::min<long>(7, std::ssize(calls)));
  equal(beginning, {"end a", "end b", "prepare a", "prepare b", "log", "commit a", "commit b"});
  forgotten_after_stored(stage, calls, "commit ", answers);
  stage.nothing_out_of_order();
  through_tx("commit", answers);
}

void k14() { committing({{}, {XA_HEURCOM}, TX_OK}); }
void k15() { committing({{}, {XA_HEURRB}, TX_MIXED}); }
void k16() { committing({{XA_HEURRB}, {XA_HEURRB}, TX_ROLLBACK}); }
void k17() { committing({{}, {XA_HEURHAZ}, TX_HAZARD}); }
void k18() { committing({{XA_HEURMIX}, {XA_HEURHAZ}, TX_MIXED}); }
void k19() { committing({{}, {XAER_RMERR}, TX_MIXED}); }

void rolling_back(const Answers& answers) {
  Stage stage({"a", "b"});
  stage.rm("a").answer("rollback", answers.first);
  stage.rm("b").answer("rollback", answers.second);
  const auto outcome = stage.rollback();
  returned(tx_result(outcome, Asked::rollback), answers.returns, outcome);
  const Calls calls = stage.calls();
  check(!has(calls, "prepare a") && !has(calls, "commit a"), "a rollback prepares or commits");
  check(stage.log.count("rollback a") == 1 && stage.log.count("rollback b") == 1,
        "not rolled back at both");
  forgotten_after_stored(stage, calls, "rollback ", answers);
  stage.nothing_out_of_order();
  through_tx("rollback", answers);
}

void k20() { rolling_back({{XA_HEURCOM}, {XA_HEURCOM}, TX_COMMITTED}); }
void k21() { rolling_back({{XA_HEURCOM}, {}, TX_MIXED}); }
void k22() { rolling_back({{XA_HEURRB}, {}, TX_OK}); }
void k23() { rolling_back({{XA_HEURHAZ}, {}, TX_HAZARD}); }
void k24() { rolling_back({{XA_RBTIMEOUT}, {XAER_NOTA}, TX_OK}); }

void k28() {
  // Three branches: half of their record, which is what such a disk takes, is not all of it.
  Stage stage({"a", "b", "c"});
  auto tx = stage.begin();
  stage.files.fault = [](const std::string& operation, const std::filesystem::path&) {
    return operation == "write" || operation == "sync" ? ENOSPC : 0;
  };
  const auto outcome = tx.commit();
  stage.files.fault = nullptr;
  returned(tx_result(outcome, Asked::commit), TX_ROLLBACK, outcome);
  const Calls calls = stage.calls();
  for (const char* name : {" a", " b", " c"}) {
    check(!has(calls, std::string("commit") + name), "xa_commit without a record");
    check(has(calls, std::string("rollback") + name), std::string("not rolled back at") + name);
  }
  stage.nothing_out_of_order();
}

/// Phase two is held up at b, which then says that it had rolled back.
void k29() {
  in_thread([] {
    TxStage tx;
    tx.go(S::s1);
    if (tx_set_commit_return(TX_COMMIT_DECISION_LOGGED) == TX_NOT_SUPPORTED) {
      throw NotApplicable{"the transaction manager offers no TX_COMMIT_DECISION_LOGGED"};
    }
    must("tx_begin", tx_begin(), TX_OK);
    tx.log().clear();
    std::promise<void> held;
    tx.rm("b").answer("commit", {XA_HEURRB});
    tx.rm("b").during("commit", [released = held.get_future().share()] {
      released.wait_for(std::chrono::seconds(20));
    });
    const int code = tx_commit();
    const bool at_once = tx.log().count("forget b") == 0;
    held.set_value();
    must("tx_commit", code, TX_OK);
    check(at_once, "tx_commit waited for phase two");
    check(tx.log().wait_for("forget b"), "xa_forget was never called");
    Calls after = tx.calls();
    while (after.front() != "commit b") after.erase(after.begin());
    never_before(after, "log", "forget b");
  });
}

}  // namespace

const Bodies& section_k() {
  static const Bodies all{{"K01", k01}, {"K02", k02}, {"K03", k03}, {"K04", k04}, {"K05", k05},
                          {"K06", k06}, {"K07", k07}, {"K12", k12}, {"K14", k14}, {"K15", k15},
                          {"K16", k16}, {"K17", k17}, {"K18", k18}, {"K19", k19}, {"K20", k20},
                          {"K21", k21}, {"K22", k22}, {"K23", k23}, {"K24", k24}, {"K28", k28},
                          {"K29", k29}};
  return all;
}

}  // namespace tm_conformance
