// The state tables of XA chapter 6 as data: what a call may do in a state, and where the answer
// leads.
//
// The order of every entry is: ask, act, then move. Ask: may() says whether the cell is empty,
// before any statement is sent. Act: the server is called. Move: after() gives the next state for
// the answer that came. Nothing else in xabridge decides about states.
//
//       xa_start          xa_end          xa_prepare          xa_commit, xa_rollback
//   S0 ----------> S1 --------------> S2 ------------> S3 ------------------------> S0
//                  ^ |                | |              |
//                  | | RB*            | |              | HEUR*       xa_forget
//                  | +------> S4      | |              +-------> S5 -----------> S0
//                  |           |      | |
//                  |           +--------+------> S0 by xa_rollback, RB*, or xa_commit(TMONEPHASE)
//                  +- TMJOIN, TMRESUME
//
// What may be trusted in each state of a branch (Branch::check_invariants holds the same list):
//   S0  unknown to this process; the server may know it as prepared by another one.
//   S1  exactly one session, its transaction open; at least one association is T1.
//   S2  exactly one session, its transaction open; no association is T1, suspended ones may exist.
//   S3  durable at the server, whatever happens here; no association; a session while it lasts.
//   S4  as S2, and the server or the caller has said that it can only be rolled back.
//   S5  completed at the server by its own decision; no session; the answer is kept.
#pragma once

#include <xabridge/xa.h>

#include <array>
#include <optional>
#include <xabridge/codes.hpp>

namespace xabridge::rm {

enum class R { R0, R1 };      // 6-1, thread x rmid: not initialised, initialised
enum class T { T0, T1, T2 };  // 6-2, thread x rmid x branch: no, associated, suspended
enum class S {
  S0,
  S1,
  S2,
  S3,
  S4,
  S5
};  // 6-4, branch: no, active, idle, prepared, rollback
    // only, heuristically completed

enum class Verb { open, close, start, end, prepare, commit, rollback, recover, forget, complete };

/// What the flags of a call make of its verb, as far as the tables care.
enum class Mode { plain, join, resume, suspend, one_phase };

/// The answers the tables tell apart. `other` changes nothing, by the general rule.
enum class Reply { ok, rdonly, rolled_back, retry, heuristic, rmerr, nota, rmfail, other };

[[nodiscard]] constexpr Reply reply_of(int code) noexcept {
  if (is_rollback(code)) return Reply::rolled_back;
  if (is_heuristic(code)) return Reply::heuristic;
  switch (code) {
    case XA_OK:
      return Reply::ok;
    case XA_RDONLY:
      return Reply::rdonly;
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

template <class State, std::size_t columns>
struct Row {
  Verb verb;
  Mode mode;
  Reply reply;
  std::array<std::optional<State>, columns> next;  // by state; empty = illegal
};

namespace table {

inline constexpr std::nullopt_t no = std::nullopt;
using enum R;
using enum T;
using enum S;

// clang-format off
// Table 6-1. XAER_RMFAIL from any call leads to R0; see after().
inline constexpr std::array<Row<R, 2>, 11> rm{{
    //                                                          R0  R1
    {Verb::open, Mode::plain, Reply::ok,                       {R1, R1}},
    {Verb::open, Mode::plain, Reply::rmerr,                    {R0, no}},
    {Verb::close, Mode::plain, Reply::ok,                      {R0, R0}},
    {Verb::start, Mode::plain, Reply::ok,                      {no, R1}},
    {Verb::end, Mode::plain, Reply::ok,                        {no, R1}},
    {Verb::prepare, Mode::plain, Reply::ok,                    {no, R1}},
    {Verb::commit, Mode::plain, Reply::ok,                     {no, R1}},
    {Verb::rollback, Mode::plain, Reply::ok,                   {no, R1}},
    {Verb::recover, Mode::plain, Reply::ok,                    {no, R1}},
    {Verb::forget, Mode::plain, Reply::ok,                     {no, R1}},
    {Verb::complete, Mode::plain, Reply::ok,                   {no, R1}},
}};

// Table 6-2, static registration. Uncertain cell, decided: xa_close with a suspended association is
// refused, because closing would roll the branch back without anybody having said so.
// xa_start(TMRESUME) in T0 is for an association that another thread left to migrate; our switches
// set TMNOMIGRATE. XAER_RMERR from xa_end leaves T open: the association is over here, because the
// caller will roll back next.
inline constexpr std::array<Row<T, 3>, 10> association{{
    //                                                          T0  T1  T2
    {Verb::start, Mode::plain, Reply::ok,                      {T1, no, no}},
    {Verb::start, Mode::join, Reply::ok,                       {T1, no, no}},
    {Verb::start, Mode::resume, Reply::ok,                     {no, no, T1}},
    {Verb::start, Mode::resume, Reply::rolled_back,            {no, no, T0}},
    {Verb::end, Mode::suspend, Reply::ok,                      {no, T2, no}},
    {Verb::end, Mode::suspend, Reply::rolled_back,             {no, T0, no}},
    {Verb::end, Mode::plain, Reply::ok,                        {no, T0, T0}},
    {Verb::end, Mode::plain, Reply::rolled_back,               {no, T0, T0}},
    {Verb::end, Mode::plain, Reply::rmerr,                     {no, T0, T0}},
    {Verb::close, Mode::plain, Reply::ok,                      {T0, no, no}},
}};

// Table 6-4. Uncertain cells, decided: S4 knows xa_rollback and the end of a suspended association
// only, the strict reading. Ours are the rows for XAER_NOTA (the server is the authority on what
// exists, so a branch it no longer knows is gone here too), for xa_end -> XAER_RMERR (work that
// could not be ended must not be committed), and S2 -> S5 for xa_rollback (a COMMIT typed by hand
// has made the work permanent before anybody prepared it).
inline constexpr std::array<Row<S, 6>, 31> branch{{
    //                                                          S0  S1  S2  S3  S4  S5
    {Verb::start, Mode::plain, Reply::ok,                      {S1, no, no, no, no, no}},
    {Verb::start, Mode::join, Reply::ok,                       {no, S1, S1, no, no, no}},
    {Verb::start, Mode::join, Reply::rolled_back,              {no, no, S4, no, no, no}},
    {Verb::start, Mode::resume, Reply::ok,                     {no, no, S1, no, no, no}},
    {Verb::start, Mode::resume, Reply::rolled_back,            {no, no, S4, no, no, no}},
    {Verb::end, Mode::plain, Reply::ok,                        {no, S2, S2, no, S4, no}},
    {Verb::end, Mode::plain, Reply::rolled_back,               {no, S4, S4, no, S4, no}},
    {Verb::end, Mode::plain, Reply::rmerr,                     {no, S4, S4, no, S4, no}},
    {Verb::end, Mode::suspend, Reply::ok,                      {no, S2, no, no, no, no}},
    {Verb::end, Mode::suspend, Reply::rolled_back,             {no, S4, no, no, no, no}},
    {Verb::prepare, Mode::plain, Reply::ok,                    {no, no, S3, no, no, no}},
    {Verb::prepare, Mode::plain, Reply::rdonly,                {no, no, S0, no, no, no}},
    {Verb::prepare, Mode::plain, Reply::rolled_back,           {no, no, S0, no, no, no}},
    {Verb::prepare, Mode::plain, Reply::rmerr,                 {no, no, S2, no, no, no}},
    {Verb::prepare, Mode::plain, Reply::nota,                  {no, no, S0, no, no, no}},
    {Verb::commit, Mode::plain, Reply::ok,                     {no, no, no, S0, no, no}},
    {Verb::commit, Mode::plain, Reply::rmerr,                  {no, no, no, S0, no, no}},
    {Verb::commit, Mode::plain, Reply::retry,                  {no, no, no, S3, no, no}},
    {Verb::commit, Mode::plain, Reply::heuristic,              {no, no, no, S5, no, S5}},
    {Verb::commit, Mode::plain, Reply::nota,                   {no, no, no, S0, no, no}},
    {Verb::commit, Mode::one_phase, Reply::ok,                 {no, no, S0, no, no, no}},
    {Verb::commit, Mode::one_phase, Reply::rmerr,              {no, no, S0, no, no, no}},
    {Verb::commit, Mode::one_phase, Reply::rolled_back,        {no, no, S0, no, no, no}},
    {Verb::commit, Mode::one_phase, Reply::heuristic,          {no, no, S5, no, no, no}},
    {Verb::commit, Mode::one_phase, Reply::nota,               {no, no, S0, no, no, no}},
    {Verb::rollback, Mode::plain, Reply::ok,                   {no, no, S0, S0, S0, no}},
    {Verb::rollback, Mode::plain, Reply::rolled_back,          {no, no, S0, S0, S0, no}},
    {Verb::rollback, Mode::plain, Reply::rmerr,                {no, no, S0, S0, S0, no}},
    {Verb::rollback, Mode::plain, Reply::heuristic,            {no, no, S5, S5, S5, S5}},
    {Verb::rollback, Mode::plain, Reply::nota,                 {no, no, S0, S0, S0, no}},
    {Verb::forget, Mode::plain, Reply::ok,                     {no, no, no, no, no, S0}},
}};
// clang-format on

template <class Rows, class State>
constexpr bool has_cell(const Rows& rows, State state, Verb verb, Mode mode) noexcept {
  for (const auto& row : rows)
    if (row.verb == verb && row.mode == mode && row.next[static_cast<std::size_t>(state)])
      return true;
  return false;
}

template <class Rows, class State>
constexpr State next_or_same(const Rows& rows, State state, Verb verb, Mode mode,
                             Reply reply) noexcept {
  for (const auto& row : rows)
    if (row.verb == verb && row.mode == mode && row.reply == reply)
      return row.next[static_cast<std::size_t>(state)].value_or(state);
  return state;  // "other failures change nothing"
}

}  // namespace table

// --- Ask: XA_OK, or the code of the refusal ---

[[nodiscard]] constexpr int may(R state, Verb verb) noexcept {
  return table::has_cell(table::rm, state, verb, Mode::plain) ? XA_OK : XAER_PROTO;
}

/// Of one association. That a thread has at most one T1 per rmid is checked apart, by xa_start.
[[nodiscard]] constexpr int may(T state, Verb verb, Mode mode) noexcept {
  return table::has_cell(table::association, state, verb, mode) ? XA_OK : XAER_PROTO;
}

/// Empty cells are XAER_PROTO unless XAER_NOTA or XAER_DUPID says it better.
[[nodiscard]] constexpr int may(S state, Verb verb, Mode mode) noexcept {
  if (table::has_cell(table::branch, state, verb, mode)) return XA_OK;
  if (state == S::S0) return XAER_NOTA;
  if (verb == Verb::start && mode == Mode::plain) return XAER_DUPID;
  return XAER_PROTO;
}

// --- Move: the state after the answer ---

[[nodiscard]] constexpr R after(R state, Verb verb, int code) noexcept {
  if (reply_of(code) == Reply::rmfail) return R::R0;
  return table::next_or_same(table::rm, state, verb, Mode::plain, reply_of(code));
}

[[nodiscard]] constexpr T after(T state, Verb verb, Mode mode, int code) noexcept {
  const Reply reply = reply_of(code);
  if (reply == Reply::rmfail) return T::T0;
  return table::next_or_same(table::association, state, verb, mode, reply);
}

/// XAER_RMFAIL loses what is not prepared, and nothing else: the server keeps prepared branches.
[[nodiscard]] constexpr S after(S state, Verb verb, Mode mode, int code) noexcept {
  const Reply reply = reply_of(code);
  if (reply == Reply::rmfail) return state == S::S3 || state == S::S5 ? state : S::S0;
  return table::next_or_same(table::branch, state, verb, mode, reply);
}

}  // namespace xabridge::rm
