// H01 - H51: states and characteristics of the TX interface. Each body runs in a thread of its own.
#include <chrono>

#include "sections.hpp"
#include "tx_stage.hpp"

namespace tm_conformance {
namespace {

using Body = std::function<void()>;

std::string gtrid() {
  const TXINFO now = info();
  check(now.xid.formatID != -1, "no transaction");
  return {now.xid.data, static_cast<std::size_t>(now.xid.gtrid_length)};
}

/// `call` in that state is refused, reaches no resource manager and changes nothing.
void refused(S state, const char* name, const std::function<int()>& call) {
  TxStage tx;
  tx.go(state);
  must(name, call(), TX_PROTOCOL_ERROR);
  equal(tx.calls(), {});
  check(tx.log().count("close a") == 0, "xa_close was called");
  tx.is(state);
}

Body is_refused(S state, const char* name, std::function<int()> call) {
  return [=] { refused(state, name, call); };
}

Body opens_again(S state) {
  return [=] {
    TxStage tx;
    tx.go(state);
    must("tx_open", tx_open(), TX_OK);
    check(tx.log().count("open a") == 0, "xa_open was called again");
    tx.is(state);
  };
}

/// In a thread of its own so that recovery's opens are not counted: they are of other threads.
Body cannot_open(int answers, int wanted) {
  return [=] {
    TxStage tx;
    tx.rm("b").answer("open", {answers, answers, answers, answers});
    must("tx_open", tx_open(), wanted);
    tx.is(S::s0);
    check(!tx.rm("a").open_here(), "the first resource manager is still open in this thread");
  };
}

Body begins(S from, S to) {
  return [=] {
    TxStage tx;
    tx.go(from);
    must("tx_begin", tx_begin(), TX_OK);
    equal(tx.calls(), {"start a", "start b"});
    tx.is(to);
  };
}

Body closes(S from) {
  return [=] {
    TxStage tx;
    tx.go(from);
    must("tx_close", tx_close(), TX_OK);
    check(!tx.rm("a").open_here() && !tx.rm("b").open_here(), "still open in this thread");
    tx.is(S::s0);
  };
}

Body completes(S from, const char* name, std::function<int()> call) {
  return [=] {
    TxStage tx;
    tx.go(from);
    const std::string before = gtrid();
    must(name, call(), TX_OK);
    const bool chained = from == S::s4;
    tx.is(chained ? S::s4 : S::s1);
    if (!chained) return;
    check(gtrid() != before, "the same gtrid again");
    check(tx.log().count("start a") == 1 && tx.log().count("start b") == 1,
          "the next transaction was not started at every resource manager");
  };
}

using Answers = std::map<std::string, std::deque<int>>;

/// In S4 the transaction ends as `first` and `second` answer, and the next one cannot start.
Body cannot_go_on(const char* name, std::function<int()> call, int wanted, Answers first,
                  Answers second) {
  return [=] {
    TxStage tx;
    tx.go(S::s4);
    for (const auto& [entry, codes] : first) tx.rm("a").answer(entry, codes);
    for (const auto& [entry, codes] : second) tx.rm("b").answer(entry, codes);
    tx.rm("b").answer("start", {XAER_RMERR});
    must(name, call(), wanted);
    tx.is(S::s2);
    check(tx.rm("a").branches() == 0, "the association already made at a was left behind");
    tx.stage().nothing_out_of_order();
  };
}

Body controls(S from, S chained, S unchained) {
  return [=] {
    TxStage tx;
    tx.go(from);
    must("tx_set_transaction_control(CHAINED)", tx_set_transaction_control(TX_CHAINED), TX_OK);
    tx.is(chained);
    must("tx_set_transaction_control(UNCHAINED)", tx_set_transaction_control(TX_UNCHAINED), TX_OK);
    tx.is(unchained);
    equal(tx.calls(), {});
  };
}

bool same_settings(const TXINFO& left, const TXINFO& right) {
  return left.when_return == right.when_return &&
         left.transaction_control == right.transaction_control &&
         left.transaction_timeout == right.transaction_timeout;
}

Body keeps_setting(const char* name, std::function<int()> call) {
  return [=] {
    TxStage tx;
    tx.go(S::s1);
    const TXINFO before = info();
    must(name, call(), TX_EINVAL);
    check(same_settings(before, info()), "the refused value changed a setting");
    tx.is(S::s1);
  };
}

void h45() {
  TxStage tx;
  tx.go(S::s1);
  const int code = tx_set_commit_return(TX_COMMIT_DECISION_LOGGED);
  check(code == TX_OK || code == TX_NOT_SUPPORTED, "returned " + std::to_string(code));
  check((info().when_return == TX_COMMIT_DECISION_LOGGED) == (code == TX_OK),
        "tx_info does not tell the setting");
  tx.is(S::s1);
}

void h46() {
  TxStage tx;
  must("tx_open", tx_open(), TX_OK);
  TXINFO now{};
  must("tx_info", tx_info(&now), 0);
  check(now.xid.formatID == -1, "the XID must be null");
  check(now.transaction_control == TX_UNCHAINED && now.transaction_timeout == 0,
        "must be unchained and without timeout");
}

Body info_of_nothing(S state, int wanted) {
  return [=] {
    TxStage tx;
    tx.go(state);
    must("tx_info(NULL)", tx_info(nullptr), wanted);
    tx.is(state);
  };
}

/// Until the condition holds, or three seconds have passed.
void wait_until(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(3);
  while (!condition() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
}

void h49() {
  TxStage tx;
  tx.go(S::s1);
  must("tx_set_transaction_timeout", tx_set_transaction_timeout(1), TX_OK);
  must("tx_begin", tx_begin(), TX_OK);
  wait_until([] { return info().transaction_state != TX_ACTIVE; });
  TXINFO now{};
  must("tx_info", tx_info(&now), 1);
  check(now.transaction_state == TX_TIMEOUT_ROLLBACK_ONLY, "must be TX_TIMEOUT_ROLLBACK_ONLY");
  must("tx_commit", tx_commit(), TX_ROLLBACK);
  tx.is(S::s1);
  check(tx.log().count("rollback a") == 1 && tx.log().count("rollback b") == 1,
        "xa_rollback was not sent");
}

void h50() {
  TxStage tx;
  tx.go(S::s3);
  must("tx_set_transaction_timeout", tx_set_transaction_timeout(1), TX_OK);
  const auto begin = std::chrono::steady_clock::now();
  wait_until([&] {
    return info().transaction_state != TX_ACTIVE ||
           std::chrono::steady_clock::now() - begin > std::chrono::milliseconds(1300);
  });
  TXINFO now{};
  must("tx_info", tx_info(&now), 1);
  check(now.transaction_state == TX_ACTIVE, "the timeout is not of this transaction");
  check(now.transaction_timeout == 1, "the timeout of the next transaction must be told");
  tx.is(S::s3);
}

void h51() {
  TxStage tx;
  tx.go(S::s1);
  tx.rm("b").answer("start", {XAER_OUTSIDE});
  must("tx_begin", tx_begin(), TX_OUTSIDE);
  tx.is(S::s1);
  check(tx.rm("a").branches() == 0, "the branch already started was left behind");
  tx.stage().nothing_out_of_order();
}

int set_chained() { return tx_set_transaction_control(TX_CHAINED); }
int get_info() { return tx_info(nullptr); }

const std::map<std::string_view, Body>& table() {
  static const std::map<std::string_view, Body> all{
      {"H01", is_refused(S::s0, "tx_begin", tx_begin)},
      {"H02", is_refused(S::s0, "tx_commit", tx_commit)},
      {"H03", is_refused(S::s0, "tx_rollback", tx_rollback)},
      {"H04", is_refused(S::s0, "tx_info", get_info)},
      {"H05", is_refused(S::s0, "tx_set_commit_return",
                         [] { return tx_set_commit_return(TX_COMMIT_COMPLETED); })},
      {"H06", is_refused(S::s0, "tx_set_transaction_control", set_chained)},
      {"H07", is_refused(S::s0, "tx_set_transaction_timeout",
                         [] { return tx_set_transaction_timeout(1); })},
      {"H08", closes(S::s0)},
      {"H09",
       [] {
         TxStage tx;
         must("tx_open", tx_open(), TX_OK);
         tx.is(S::s1);
         check(tx.rm("a").open_here() && tx.rm("b").open_here(), "not open in this thread");
       }},
      {"H10", opens_again(S::s1)},
      {"H11", opens_again(S::s2)},
      {"H12", opens_again(S::s3)},
      {"H13", opens_again(S::s4)},
      {"H14", cannot_open(XAER_RMERR, TX_ERROR)},
      {"H15", cannot_open(XAER_INVAL, TX_FAIL)},
      {"H16", begins(S::s1, S::s3)},
      {"H17", begins(S::s2, S::s4)},
      {"H18", is_refused(S::s3, "tx_begin", tx_begin)},
      {"H19", is_refused(S::s4, "tx_begin", tx_begin)},
      {"H20", closes(S::s1)},
      {"H21", closes(S::s2)},
      {"H22", is_refused(S::s3, "tx_close", tx_close)},
      {"H23", is_refused(S::s4, "tx_close", tx_close)},
      {"H24", is_refused(S::s1, "tx_commit", tx_commit)},
      {"H25", is_refused(S::s1, "tx_rollback", tx_rollback)},
      {"H26", is_refused(S::s2, "tx_commit", tx_commit)},
      {"H27", is_refused(S::s2, "tx_rollback", tx_rollback)},
      {"H28", completes(S::s3, "tx_commit", tx_commit)},
      {"H29", completes(S::s3, "tx_rollback", tx_rollback)},
      {"H30", completes(S::s4, "tx_commit", tx_commit)},
      {"H31", completes(S::s4, "tx_rollback", tx_rollback)},
      {"H32", cannot_go_on("tx_commit", tx_commit, -100, {}, {})},
      {"H33", cannot_go_on("tx_commit", tx_commit, -102, {{"prepare", {XA_RBROLLBACK}}}, {})},
      {"H34", cannot_go_on("tx_commit", tx_commit, -103, {}, {{"commit", {XA_HEURRB}}})},
      {"H35", cannot_go_on("tx_commit", tx_commit, -104, {}, {{"commit", {XA_HEURHAZ}}})},
      {"H36", cannot_go_on("tx_rollback", tx_rollback, -100, {}, {})},
      {"H37", cannot_go_on("tx_rollback", tx_rollback, -109, {{"rollback", {XA_HEURCOM}}},
                           {{"rollback", {XA_HEURCOM}}})},
      {"H38", controls(S::s1, S::s2, S::s1)},
      {"H39", controls(S::s2, S::s2, S::s1)},
      {"H40", controls(S::s3, S::s4, S::s3)},
      {"H41", controls(S::s4, S::s4, S::s3)},
      {"H42", keeps_setting("tx_set_transaction_control(2)",
                            [] { return tx_set_transaction_control(2); })},
      {"H43", keeps_setting("tx_set_commit_return(7)", [] { return tx_set_commit_return(7); })},
      {"H44", keeps_setting("tx_set_transaction_timeout(-1)",
                            [] { return tx_set_transaction_timeout(-1); })},
      {"H45", h45},
      {"H46", h46},
      {"H47", info_of_nothing(S::s1, 0)},
      {"H48", info_of_nothing(S::s3, 1)},
      {"H49", h49},
      {"H50", h50},
      {"H51", h51},
  };
  return all;
}

}  // namespace

const Bodies& section_h() {
  static const Bodies all = [] {
    Bodies bodies;
    for (const auto& [id, body] : table()) {
      bodies.emplace(id, [run = body] { in_thread(run); });
    }
    return bodies;
  }();
  return all;
}

}  // namespace tm_conformance
