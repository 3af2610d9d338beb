// The state table of TX (chapter 7): which call is possible when, and where it leads.
//
//        tx_open             tx_begin
//   S0 ------------> S1 <----------------> S3     unchained: completion ends the transaction
//    ^  <-----------  |  tx_commit etc.     |
//    |   tx_close     | set control         | set control
//    |                v                     v
//    +-------------- S2 -----------------> S4 --+  chained: completion begins the next one;
//        tx_close     ^    tx_begin         |   |  where that fails, S2
//                     +---------------------+<--+
//
// An empty cell is TX_PROTOCOL_ERROR and changes nothing. Results other than those named here
// (TX_ERROR, TX_OUTSIDE, TX_EINVAL, ...) change nothing either.
#pragma once

#include <array>
#include <cstddef>

namespace xabridge::tx {

enum class State {
  S0,  // resource managers not open
  S1,  // open, no transaction, unchained
  S2,  // open, no transaction, chained
  S3,  // in a transaction, unchained
  S4,  // in a transaction, chained
  none,
};

enum class Call {
  open,
  close,
  begin,
  complete,           // tx_commit, tx_rollback
  complete_no_begin,  // ... whose successor could not begin; never asked for, only a result
  look_or_set,        // tx_info, tx_set_commit_return, tx_set_transaction_timeout
  set_chained,
  set_unchained,
};

using Row = std::array<State, 5>;

inline constexpr std::array<Row, 8> kTable = [] {
  using enum State;
  return std::array<Row, 8>{
      Row{S1, S1, S2, S3, S4},          // open
      Row{S0, S0, S0, none, none},      // close
      Row{none, S3, S4, none, none},    // begin
      Row{none, none, none, S1, S4},    // complete
      Row{none, none, none, none, S2},  // complete_no_begin
      Row{none, S1, S2, S3, S4},        // look_or_set
      Row{none, S2, S2, S4, S4},        // set_chained
      Row{none, S1, S1, S3, S3},        // set_unchained
  };
}();

/// Where `call`, having done its work, leads; none: it is not possible in `state`.
[[nodiscard]] constexpr State after(State state, Call call) noexcept {
  return kTable[static_cast<std::size_t>(call)][static_cast<std::size_t>(state)];
}
[[nodiscard]] constexpr bool may(State state, Call call) noexcept {
  return after(state, call) != State::none;
}
[[nodiscard]] constexpr bool in_transaction(State state) noexcept {
  return state == State::S3 || state == State::S4;
}
[[nodiscard]] constexpr bool is_chained(State state) noexcept {
  return state == State::S2 || state == State::S4;
}

}  // namespace xabridge::tx
