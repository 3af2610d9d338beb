// Table 4.3 against a copy of it written from the specification, and the real calls against both.

#include <array>
#include <tx/state_table.hpp>

#include "tx_fixture.hpp"

using namespace xabridge::tx;

extern "C" int tx_not_open_in_c(void);

namespace {

constexpr std::array kStates{State::S0, State::S1, State::S2, State::S3, State::S4};

void bring_to(State state) {
  TxFixture::close();
  if (state == State::S0) return;
  REQUIRE(tx_open() == TX_OK);
  if (is_chained(state)) REQUIRE(tx_set_transaction_control(TX_CHAINED) == TX_OK);
  if (in_transaction(state)) REQUIRE(tx_begin() == TX_OK);
}

State seen() {
  TXINFO info{};
  const int inside = tx_info(&info);
  if (inside == TX_PROTOCOL_ERROR) return State::S0;
  const bool chained = info.transaction_control == TX_CHAINED;
  if (inside == 1) return chained ? State::S4 : State::S3;
  return chained ? State::S2 : State::S1;
}

struct Named {
  const char* name;
  Call call;
  int (*make)();
};
const std::array kCalls{
    Named{"tx_open", Call::open, tx_open},
    Named{"tx_close", Call::close, tx_close},
    Named{"tx_begin", Call::begin, tx_begin},
    Named{"tx_commit", Call::complete, tx_commit},
    Named{"tx_rollback", Call::complete, tx_rollback},
    Named{"set timeout", Call::look_or_set, [] { return tx_set_transaction_timeout(0); }},
    Named{"set return", Call::look_or_set,
          [] { return tx_set_commit_return(TX_COMMIT_COMPLETED); }},
    Named{"chain", Call::set_chained, [] { return tx_set_transaction_control(TX_CHAINED); }},
    Named{"unchain", Call::set_unchained, [] { return tx_set_transaction_control(TX_UNCHAINED); }},
};

}  // namespace

TEST_CASE("TX table 4.3 is the one of the specification") {
  const char* const written[] = {
      "S1 S1 S2 S3 S4",  // tx_open
      "S0 S0 S0 -- --",  // tx_close
      "-- S3 S4 -- --",  // tx_begin
      "-- -- -- S1 S4",  // completion
      "-- -- -- -- S2",  // completion with _NO_BEGIN
      "-- S1 S2 S3 S4",  // tx_info and settings
      "-- S2 S2 S4 S4",  // chained
      "-- S1 S1 S3 S3",  // unchained
  };
  for (std::size_t call = 0; call < kTable.size(); ++call) {
    std::string text;
    for (const State from : kStates) {
      const State to = after(from, static_cast<Call>(call));
      text += text.empty() ? "" : " ";
      text += to == State::none ? "--" : "S" + std::to_string(static_cast<int>(to));
    }
    CHECK(text == written[call]);
  }
}

TEST_CASE_METHOD(TxFixture, "Every call in every state does what table 4.3 says") {
  for (const State from : kStates) {
    for (const Named& named : kCalls) {
      bring_to(from);
      INFO(named.name << " in S" << static_cast<int>(from));
      const int code = named.make();
      const State to = after(from, named.call);
      CHECK(code == (to == State::none ? TX_PROTOCOL_ERROR : TX_OK));
      CHECK(seen() == (to == State::none ? from : to));
    }
  }
}

TEST_CASE_METHOD(TxFixture, "A C program that has not opened is refused everything but closing") {
  CHECK(tx_not_open_in_c() == 1);
}

TEST_CASE_METHOD(TxFixture, "A value no characteristic has changes nothing") {
  REQUIRE(tx_open() == TX_OK);
  REQUIRE(tx_set_transaction_timeout(7) == TX_OK);
  CHECK(tx_set_transaction_timeout(-1) == TX_EINVAL);
  CHECK(tx_set_transaction_control(2) == TX_EINVAL);
  CHECK(tx_set_transaction_control(-1) == TX_EINVAL);
  CHECK(tx_set_commit_return(7) == TX_EINVAL);
  const TXINFO now = info();
  CHECK(now.transaction_timeout == 7);
  CHECK(now.transaction_control == TX_UNCHAINED);
  CHECK(now.when_return == TX_COMMIT_COMPLETED);
  CHECK(now.xid.formatID == -1);
}

TEST_CASE_METHOD(TxFixture, "The longest possible timeout is one that never passes") {
  REQUIRE(tx_open() == TX_OK);
  REQUIRE(tx_set_transaction_timeout(LONG_MAX) == TX_OK);
  CHECK(info().transaction_timeout == LONG_MAX);
  REQUIRE(tx_begin() == TX_OK);
  CHECK(info().transaction_state == TX_ACTIVE);
  CHECK(tx_commit() == TX_OK);
}
