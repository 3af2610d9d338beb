// What the state tables are written in: calls, answers, rows, and how a row is looked up.
#pragma once

#include <xabridge/xa.h>

#include <array>
#include <cstddef>
#include <optional>
#include <xabridge/codes.hpp>

namespace xabridge::rm {

enum class Verb { open, close, start, end, prepare, commit, rollback, recover, forget, complete };

/// What the flags of a call make of its verb, as far as the tables care.
enum class Mode { plain, join, resume, suspend, one_phase };

/// The answers the tables tell apart. `other` changes nothing, by the general rule.
/// The last three are not codes of xa_ calls; reply_of() never gives them.
enum class Reply {
  ok,
  rdonly,
  rolled_back,
  retry,
  nomigrate,
  heuristic,
  rmerr,
  nota,
  rmfail,
  other,
  null_xid,  // ax_reg: registered, for work outside any global transaction
  resumed,   // ax_reg: the suspended registration goes on
  accepted   // a call with TMASYNC: a handle was given
};

[[nodiscard]] constexpr Reply reply_of(int code) noexcept {
  if (is_rollback(code)) return Reply::rolled_back;
  if (is_heuristic(code)) return Reply::heuristic;
  switch (code) {
    case XA_OK:
      return Reply::ok;
    case XA_RDONLY:
      return Reply::rdonly;
    case XA_NOMIGRATE:
      return Reply::nomigrate;
    case XA_RETRY:
      return Reply::retry;
    case XAER_RMERR:
      return Reply::rmerr;
    case XAER_NOTA:
      return Reply::nota;
    case XAER_RMFAIL:
      return Reply::rmfail;
    default:
      return Reply::other;
  }
}

/// `Call` is what the table knows a call by: its verb, unless the table says otherwise.
template <class State, std::size_t columns, class Call = Verb>
struct Row {
  Call call;
  Mode mode;
  Reply reply;
  std::array<std::optional<State>, columns> next;  // by state; empty = illegal
};

namespace table {

inline constexpr std::nullopt_t no = std::nullopt;

template <class Rows, class State, class Call>
constexpr bool has_cell(const Rows& rows, State state, Call call, Mode mode) noexcept {
  for (const auto& row : rows)
    if (row.call == call && row.mode == mode && row.next[static_cast<std::size_t>(state)])
      return true;
  return false;
}

template <class Rows, class State, class Call>
constexpr State next_or_same(const Rows& rows, State state, Call call, Mode mode,
                             Reply reply) noexcept {
  for (const auto& row : rows)
    if (row.call == call && row.mode == mode && row.reply == reply)
      return row.next[static_cast<std::size_t>(state)].value_or(state);
  return state;  // "other failures change nothing"
}

}  // namespace table

}  // namespace xabridge::rm
