// Table 6-5: asynchronous calls, thread x rmid.
//
//   A0  no handle is alive.
//   A1  one handle is alive. The states of the other tables are those from before the call: they
//       move when xa_complete delivers its result, not when the handle is given.
#pragma once

#include <xabridge/state_tables/vocabulary.hpp>

namespace xabridge::rm {

enum class A { A0, A1 };

/// All that this table wants to know of a call.
enum class Manner { synchronous, asynchronous, completion };

/// xa_recover and xa_complete do not take TMASYNC; the check of the flags has refused it before.
[[nodiscard]] constexpr Manner manner_of(Verb verb, long flags) noexcept {
  if (verb == Verb::complete) return Manner::completion;
  const bool asynchronous = (flags & TMASYNC) != 0 && verb != Verb::recover;
  return asynchronous ? Manner::asynchronous : Manner::synchronous;
}

namespace table {

using enum A;

// clang-format off
// Uncertain cell, decided: one call at a time, so a second one with TMASYNC is refused. Ours is
// XAER_RMFAIL, which leads to A0 (see after()): the handle belongs to a session that is gone, and
// staying in A1 would refuse the xa_open that has to follow. The pending call's own outcome is then
// that of XAER_RMFAIL in the other tables: unknown, and left to recovery where it was prepared.
inline constexpr std::array<Row<A, 2, Manner>, 4> asynchrony{{
    //                                                          A0  A1
    {Manner::synchronous, Mode::plain, Reply::ok,              {A0, no}},
    {Manner::asynchronous, Mode::plain, Reply::accepted,       {A1, no}},
    {Manner::completion, Mode::plain, Reply::ok,               {no, A0}},
    {Manner::completion, Mode::plain, Reply::retry,            {no, A1}},
}};
// clang-format on

}  // namespace table

/// Asked before the tables the call itself belongs to. TMUSEASYNC is checked apart.
[[nodiscard]] constexpr int may(A state, Verb verb, long flags) noexcept {
  const Manner manner = manner_of(verb, flags);
  if (table::has_cell(table::asynchrony, state, manner, Mode::plain)) return XA_OK;
  return manner == Manner::asynchronous ? XAER_ASYNC : XAER_PROTO;
}

/// `code` is what the call itself returned: for xa_complete not the result it delivered. A call
/// with TMASYNC returns a handle when it is accepted, and a handle may be any positive number,
/// XA_RETRY's and XA_RB*'s included.
[[nodiscard]] constexpr A after(A state, Verb verb, long flags, int code) noexcept {
  const Manner manner = manner_of(verb, flags);
  const bool accepted = manner == Manner::asynchronous && code > 0;
  const Reply reply = accepted ? Reply::accepted : reply_of(code);
  if (reply == Reply::rmfail) return A::A0;
  return table::next_or_same(table::asynchrony, state, manner, Mode::plain, reply);
}

}  // namespace xabridge::rm
