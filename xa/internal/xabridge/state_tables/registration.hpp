// Table 6-3: the association with a branch, dynamic registration, thread x rmid x branch.
//
//          ax_reg: valid XID          xa_end(TMSUSPEND)
//   D0 -------------------------> D1 -------------------> D2
//    |  <------------------------  |  <-------------------
//    |    xa_end, RB*              |   ax_reg: TM_RESUME
//    |                             +- xa_end, also from D2, leads to D0
//    |  ax_reg: null XID
//    +-----------------> D3 ---------> D0 by ax_unreg
//
// What may be trusted in each state:
//   D0  the resource manager does no work for this thread before it has called ax_reg.
//   D1  it works for the branch whose XID it was given; only xa_end ends that.
//   D2  it does no work, and keeps the branch until xa_end or until ax_reg resumes it.
//   D3  it works outside any global transaction and owes ax_unreg; there is no branch here, and no
//       global transaction may begin in this thread.
//
// In table 6-4 an ax_reg that gives a valid XID counts as xa_start: TM_OK as plain, TM_JOIN as
// join, TM_RESUME as resume.
#pragma once

#include <xabridge/state_tables/vocabulary.hpp>

namespace xabridge::rm {

enum class D { D0, D1, D2, D3 };

/// The calls a resource manager makes of the transaction manager.
enum class Ax { reg, unreg };

/// ax_ codes have numbers of xa_ codes with other meanings: TMER_PROTO is XAER_RMERR's. TM_JOIN and
/// TM_RESUME need a branch, so with the null XID they register nothing.
[[nodiscard]] constexpr Reply reply_of_ax_reg(int code, const XID& given) noexcept {
  const bool null_xid = given.formatID == -1;
  switch (code) {
    case TM_OK:
      return null_xid ? Reply::null_xid : Reply::ok;
    case TM_JOIN:
      return null_xid ? Reply::other : Reply::ok;
    case TM_RESUME:
      return null_xid ? Reply::other : Reply::resumed;
    default:
      return Reply::other;
  }
}

namespace table {

using enum D;

// clang-format off
// Ours: TM_RESUME in D0, as table 6-2 has it, for a registration that another thread suspended with
// TMMIGRATE.
inline constexpr std::array<Row<D, 4, Ax>, 4> ax{{
    //                                                          D0  D1  D2  D3
    {Ax::reg, Mode::plain, Reply::ok,                          {D1, no, no, no}},
    {Ax::reg, Mode::plain, Reply::null_xid,                    {D3, no, no, no}},
    {Ax::reg, Mode::plain, Reply::resumed,                     {D1, no, D1, no}},
    {Ax::unreg, Mode::plain, Reply::ok,                        {no, no, no, D0}},
}};

// Uncertain cells, decided as in table 6-2: xa_close with a suspended registration is refused;
// XAER_RMERR from xa_end ends the registration, but from xa_end(TMSUSPEND) it leaves D1, so that
// the xa_end before the rollback is still sent. xa_start is not for these resource managers.
inline constexpr std::array<Row<D, 4>, 9> registration{{
    //                                                          D0  D1  D2  D3
    {Verb::end, Mode::suspend, Reply::ok,                      {no, D2, no, no}},
    {Verb::end, Mode::suspend, Reply::nomigrate,               {no, D2, no, no}},
    {Verb::end, Mode::suspend, Reply::rolled_back,             {no, D0, no, no}},
    {Verb::end, Mode::plain, Reply::ok,                        {no, D0, D0, no}},
    {Verb::end, Mode::plain, Reply::rolled_back,               {no, D0, D0, no}},
    {Verb::end, Mode::plain, Reply::rmerr,                     {no, D0, D0, no}},
    {Verb::open, Mode::plain, Reply::ok,                       {D0, D1, D2, D3}},
    {Verb::recover, Mode::plain, Reply::ok,                    {D0, D1, D2, D3}},
    {Verb::close, Mode::plain, Reply::ok,                      {D0, no, no, no}},
}};
// clang-format on

}  // namespace table

/// TM_OK, or the refusal. TMREGISTER and an open resource manager are checked apart.
[[nodiscard]] constexpr int may(D state, Ax call) noexcept {
  return table::has_cell(table::ax, state, call, Mode::plain) ? TM_OK : TMER_PROTO;
}

/// Of one registration. The calls that complete a branch are asked of table 6-4.
[[nodiscard]] constexpr int may(D state, Verb verb, Mode mode) noexcept {
  return table::has_cell(table::registration, state, verb, mode) ? XA_OK : XAER_PROTO;
}

/// After ax_reg answered `code` and gave the XID `given`.
[[nodiscard]] constexpr D after_ax_reg(D state, int code, const XID& given) noexcept {
  return table::next_or_same(table::ax, state, Ax::reg, Mode::plain, reply_of_ax_reg(code, given));
}

[[nodiscard]] constexpr D after_ax_unreg(D state, int code) noexcept {
  const Reply reply = code == TM_OK ? Reply::ok : Reply::other;
  return table::next_or_same(table::ax, state, Ax::unreg, Mode::plain, reply);
}

[[nodiscard]] constexpr D after(D state, Verb verb, Mode mode, int code) noexcept {
  const Reply reply = reply_of(code);
  if (reply == Reply::rmfail) return D::D0;
  return table::next_or_same(table::registration, state, verb, mode, reply);
}

}  // namespace xabridge::rm
