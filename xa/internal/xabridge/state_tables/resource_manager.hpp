// Table 6-1: whether a resource manager is open, thread x rmid.
//
//   R0  not initialised.
//   R1  initialised; the other tables presuppose it.
#pragma once

#include <xabridge/state_tables/vocabulary.hpp>

namespace xabridge::rm {

enum class R { R0, R1 };

namespace table {

using enum R;

// clang-format off
// XAER_RMFAIL from any call leads to R0; see after().
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
// clang-format on

}  // namespace table

[[nodiscard]] constexpr int may(R state, Verb verb) noexcept {
  return table::has_cell(table::rm, state, verb, Mode::plain) ? XA_OK : XAER_PROTO;
}

[[nodiscard]] constexpr R after(R state, Verb verb, int code) noexcept {
  if (reply_of(code) == Reply::rmfail) return R::R0;
  return table::next_or_same(table::rm, state, verb, Mode::plain, reply_of(code));
}

}  // namespace xabridge::rm
