// An instance opened with prepare_at_end=1, for transaction managers whose processes share the
// work: one ends a branch, another one prepares and completes it. Here the end of the last
// association is also the vote, and from then on the branch is the server's: this process keeps no
// session for it and no entry, so that what it says of the branch is what any other process would
// say.
//
// Two tables beside 6-4, which stays as it is:
//
//  * After the end: what follows an answer, by the state it led to, until nothing follows. The
//    states move by table 6-4 at each step.
//
//       xa_end: S1 --end--> S2 --prepare--> S3 --leave--> S0
//                     |          +--RB*--> S0
//                     +-RB*-> S4 --rollback--> S0, or S5 where the server had decided by itself
//
//  * The unknown: what a call is answered on a branch that is S0 here, because it may be prepared
//    at the server. Without the option only phase two asks the server.
#pragma once

#include "branch.hpp"

namespace xabridge::rm {

enum class Then {
  nothing,
  prepare,
  roll_back,  // nobody will ask this process for it
  leave       // to the server and to whoever asks for the branch
};

/// What is to be done with a call on a branch this process does not know.
enum class Unknown {
  not_known,      // XAER_NOTA
  out_of_place,   // XAER_PROTO if the server lists it as prepared, else XAER_NOTA
  has_voted,      // XA_OK if the server lists it as prepared, else XAER_NOTA
  second_phase    // the server is told
};

namespace table {

using enum Then;

struct AfterEnd {
  Verb answered;
  std::array<Then, 6> then;  // by the state it led to
};

struct OfUnknown {
  Verb verb;
  Mode mode;
  std::array<Unknown, 2> what;  // usually; with prepare_at_end
};

// clang-format off
// S2 after xa_prepare is that of XAER_RMERR, which leaves open whether the branch is prepared: its
// session is closed, and recovery finds it if it is.
inline constexpr std::array<AfterEnd, 3> after_end{{
    //                S0       S1       S2       S3       S4         S5
    {Verb::end,      {nothing, nothing, prepare, nothing, roll_back, nothing}},
    {Verb::prepare,  {nothing, nothing, leave,   leave,   nothing,   nothing}},
    {Verb::rollback, {nothing, nothing, nothing, nothing, nothing,   nothing}},
}};

// A prepared branch can be committed with TMONEPHASE too: whoever does that has not asked for the
// vote, and does not know that there was one.
inline constexpr std::array<OfUnknown, 9> of_unknown{{
    //                                usually                with prepare_at_end
    {Verb::start,    Mode::join,      {Unknown::not_known,    Unknown::out_of_place}},
    {Verb::start,    Mode::resume,    {Unknown::not_known,    Unknown::out_of_place}},
    {Verb::end,      Mode::plain,     {Unknown::not_known,    Unknown::out_of_place}},
    {Verb::end,      Mode::suspend,   {Unknown::not_known,    Unknown::out_of_place}},
    {Verb::prepare,  Mode::plain,     {Unknown::not_known,    Unknown::has_voted}},
    {Verb::commit,   Mode::plain,     {Unknown::second_phase, Unknown::second_phase}},
    {Verb::commit,   Mode::one_phase, {Unknown::not_known,    Unknown::second_phase}},
    {Verb::rollback, Mode::plain,     {Unknown::second_phase, Unknown::second_phase}},
    {Verb::forget,   Mode::plain,     {Unknown::not_known,    Unknown::not_known}},
}};
// clang-format on

}  // namespace table

[[nodiscard]] constexpr Then then_after(Verb answered, S state) noexcept {
  for (const auto& row : table::after_end)
    if (row.answered == answered) return row.then[static_cast<std::size_t>(state)];
  return Then::nothing;
}

[[nodiscard]] constexpr Unknown of_unknown(Verb verb, Mode mode, bool prepare_at_end) noexcept {
  for (const auto& row : table::of_unknown)
    if (row.verb == verb && row.mode == mode) return row.what[prepare_at_end ? 1 : 0];
  return Unknown::not_known;
}

}  // namespace xabridge::rm
