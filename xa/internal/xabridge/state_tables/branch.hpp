// Table 6-4: a branch, rmid x XID, the same for every thread.
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
//   S1  exactly one session, its transaction open; exactly one association is T1.
//   S2  exactly one session, its transaction open; no association is T1, suspended ones may exist.
//   S3  durable at the server, whatever happens here; no association; a session while it lasts.
//   S4  as S2, and the server or the caller has said that it can only be rolled back.
//   S5  completed at the server by its own decision; no session; the answer is kept.
#pragma once

#include <xabridge/state_tables/vocabulary.hpp>

namespace xabridge::rm {

enum class S {
  S0,  // unknown
  S1,  // active
  S2,  // idle
  S3,  // prepared
  S4,  // rollback only
  S5   // heuristically completed
};

namespace table {

using enum S;

// clang-format off
// Uncertain cells, decided: S4 knows xa_rollback, the end of a suspended association, and the
// answer RB* to who wants to join or resume; xa_prepare and xa_commit are refused, the strict
// reading. The column S1 of xa_end is that of the active association; ending a suspended one while
// another thread is active leaves S1, which Branch sees to.
// Ours are the rows for XAER_NOTA (the server is the authority on what exists, so a branch it no
// longer knows is gone here too), for xa_end -> XAER_RMERR (work that could not be ended must not
// be committed), S2 -> S5 for xa_rollback (a COMMIT typed by hand has made the work permanent
// before anybody prepared it), and the one for xa_close, which is no call on a branch: this process
// closes its books on what the server has prepared (prepare_at_end.hpp).
inline constexpr std::array<Row<S, 6>, 35> branch{{
    //                                                          S0  S1  S2  S3  S4  S5
    {Verb::start, Mode::plain, Reply::ok,                      {S1, no, no, no, no, no}},
    {Verb::start, Mode::join, Reply::ok,                       {no, S1, S1, no, no, no}},
    {Verb::start, Mode::join, Reply::rolled_back,              {no, no, S4, no, S4, no}},
    {Verb::start, Mode::resume, Reply::ok,                     {no, no, S1, no, no, no}},
    {Verb::start, Mode::resume, Reply::rolled_back,            {no, no, S4, no, S4, no}},
    {Verb::end, Mode::plain, Reply::ok,                        {no, S2, S2, no, S4, no}},
    {Verb::end, Mode::plain, Reply::rolled_back,               {no, S4, S4, no, S4, no}},
    {Verb::end, Mode::plain, Reply::rmerr,                     {no, S4, S4, no, S4, no}},
    {Verb::end, Mode::suspend, Reply::ok,                      {no, S2, no, no, no, no}},
    {Verb::end, Mode::suspend, Reply::nomigrate,               {no, S2, no, no, no, no}},
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
    {Verb::close, Mode::plain, Reply::ok,                      {no, no, no, S0, no, no}},
    {Verb::open, Mode::plain, Reply::ok,                       {S0, S1, S2, S3, S4, S5}},
    {Verb::recover, Mode::plain, Reply::ok,                    {S0, S1, S2, S3, S4, S5}},
}};
// clang-format on

}  // namespace table

/// Empty cells are XAER_PROTO unless XAER_NOTA or XAER_DUPID says it better.
[[nodiscard]] constexpr int may(S state, Verb verb, Mode mode) noexcept {
  if (table::has_cell(table::branch, state, verb, mode)) return XA_OK;
  if (state == S::S0) return XAER_NOTA;
  if (verb == Verb::start && mode == Mode::plain) return XAER_DUPID;
  return XAER_PROTO;
}

/// XAER_RMFAIL loses what is not prepared, and nothing else: the server keeps prepared branches.
[[nodiscard]] constexpr S after(S state, Verb verb, Mode mode, int code) noexcept {
  const Reply reply = reply_of(code);
  if (reply == Reply::rmfail) return state == S::S3 || state == S::S5 ? state : S::S0;
  return table::next_or_same(table::branch, state, verb, mode, reply);
}

}  // namespace xabridge::rm
