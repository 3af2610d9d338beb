// Table 6-2: the association with a branch, static registration, thread x rmid x branch.
//
//   T0  not associated.
//   T1  associated.
//   T2  suspended.
#pragma once

#include <xabridge/state_tables/vocabulary.hpp>

namespace xabridge::rm {

enum class T { T0, T1, T2 };

namespace table {

using enum T;

// clang-format off
// Uncertain cells, decided: xa_close with a suspended association is refused, because closing would
// roll the branch back without anybody having said so. XAER_RMERR from xa_end leaves T open: the
// association is over here, because the caller will roll back next; from xa_end(TMSUSPEND) it
// leaves T1, so that the xa_end before the rollback is still sent.
// xa_start(TMRESUME) in T0 is for an association that another thread suspended with TMMIGRATE, and
// only Branch knows whether there is one. That thread goes from T2 to T0 by the same call.
inline constexpr std::array<Row<T, 3>, 13> association{{
    //                                                          T0  T1  T2
    {Verb::start, Mode::plain, Reply::ok,                      {T1, no, no}},
    {Verb::start, Mode::join, Reply::ok,                       {T1, no, no}},
    {Verb::start, Mode::resume, Reply::ok,                     {T1, no, T1}},
    {Verb::start, Mode::resume, Reply::rolled_back,            {T0, no, T0}},
    {Verb::end, Mode::suspend, Reply::ok,                      {no, T2, no}},
    {Verb::end, Mode::suspend, Reply::nomigrate,               {no, T2, no}},
    {Verb::end, Mode::suspend, Reply::rolled_back,             {no, T0, no}},
    {Verb::end, Mode::plain, Reply::ok,                        {no, T0, T0}},
    {Verb::end, Mode::plain, Reply::rolled_back,               {no, T0, T0}},
    {Verb::end, Mode::plain, Reply::rmerr,                     {no, T0, T0}},
    {Verb::open, Mode::plain, Reply::ok,                       {T0, T1, T2}},
    {Verb::recover, Mode::plain, Reply::ok,                    {T0, T1, T2}},
    {Verb::close, Mode::plain, Reply::ok,                      {T0, no, no}},
}};
// clang-format on

}  // namespace table

/// Of one association. That a thread has at most one T1 per rmid is checked apart, by xa_start.
[[nodiscard]] constexpr int may(T state, Verb verb, Mode mode) noexcept {
  return table::has_cell(table::association, state, verb, mode) ? XA_OK : XAER_PROTO;
}

[[nodiscard]] constexpr T after(T state, Verb verb, Mode mode, int code) noexcept {
  const Reply reply = reply_of(code);
  if (reply == Reply::rmfail) return T::T0;
  return table::next_or_same(table::association, state, verb, mode, reply);
}

}  // namespace xabridge::rm
