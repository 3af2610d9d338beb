// Every cell of tables 6-1, 6-2 and 6-4 against a second writing of them, made from the standard's
// tables and not from ours: for each call and answer one row, for each state one column.
// See written_table.hpp.

#include <xabridge/state_tables.hpp>

#include <map>
#include <string>
#include <vector>

#include "catch.hpp"
#include "written_table.hpp"

using namespace xabridge;
using namespace xabridge::rm;

namespace {

//                                                      S0 S1 S2 S3 S4 S5
const std::vector<WrittenRow> branch_table{
    {"start", XA_OK, /*                               */ "1 - - - - -"},
    {"start JOIN", XA_OK, /*                          */ "- (1) 1 - - -"},
    {"start RESUME", XA_OK, /*                        */ "- - 1 - - -"},
    {"start JOIN", XA_RBDEADLOCK, /*                  */ "- - 4 - (4) -"},
    {"start RESUME", XA_RBDEADLOCK, /*                */ "- - 4 - (4) -"},
    {"end", XA_OK, /*                                 */ "- 2 (2) - (4) -"},
    {"end", XA_RBROLLBACK, /*                         */ "- 4 (4) - (4) -"},
    {"end", XAER_RMERR, /*                            */ "- (4) (4) - (4) -"},
    {"end SUSPEND", XA_OK, /*                         */ "- 2 - - - -"},
    {"end SUSPEND", XA_NOMIGRATE, /*                  */ "- 2 - - - -"},
    {"end SUSPEND", XA_RBTIMEOUT, /*                  */ "- 4 - - - -"},
    {"prepare", XA_OK, /*                             */ "- - 3 - (-) -"},
    {"prepare", XA_RDONLY, /*                         */ "- - 0 - (-) -"},
    {"prepare", XA_RBINTEGRITY, /*                    */ "- - 0 - (-) -"},
    {"prepare", XAER_RMERR, /*                        */ "- - 2 - (-) -"},
    {"prepare", XAER_NOTA, /*                         */ "- - (0) - (-) -"},
    {"commit", XA_OK, /*                              */ "- - - 0 - (5)"},
    {"commit", XAER_RMERR, /*                         */ "- - - 0 - (5)"},
    {"commit", XA_RETRY, /*                           */ "- - - 3 - (5)"},
    {"commit", XA_HEURCOM, /*                         */ "- - - 5 - 5"},
    {"commit", XA_HEURMIX, /*                         */ "- - - 5 - 5"},
    {"commit", XAER_NOTA, /*                          */ "- - - (0) - (5)"},
    {"commit ONEPHASE", XA_OK, /*                     */ "- - 0 - - -"},
    {"commit ONEPHASE", XAER_RMERR, /*                */ "- - 0 - - -"},
    {"commit ONEPHASE", XA_RBOTHER, /*                */ "- - 0 - (-) -"},
    {"commit ONEPHASE", XA_HEURHAZ, /*                */ "- - (5) - - -"},
    {"commit ONEPHASE", XAER_NOTA, /*                 */ "- - (0) - - -"},
    {"rollback", XA_OK, /*                            */ "- - 0 0 0 (5)"},
    {"rollback", XA_RBROLLBACK, /*                    */ "- - 0 0 0 (5)"},
    {"rollback", XAER_RMERR, /*                       */ "- - 0 0 0 (5)"},
    {"rollback", XAER_NOTA, /*                        */ "- - (0) (0) (0) (5)"},
    {"rollback", XA_HEURRB, /*                        */ "- - (5) 5 (5) 5"},
    {"forget", XA_OK, /*                              */ "- - - - - 0"},
    {"forget", XAER_RMERR, /*                         */ "- - - - - 5"},
    {"open", XA_OK, /*                                */ "0 1 2 3 4 5"},
    {"recover", XA_OK, /*                             */ "0 1 2 3 4 5"},
};

//                                                T0 T1 T2
const std::vector<WrittenRow> association_table{
    {"start", XA_OK, /*                        */ "1 - -"},
    {"start JOIN", XA_OK, /*                   */ "1 - -"},
    {"start RESUME", XA_OK, /*                 */ "1 - 1"},
    {"start RESUME", XA_RBROLLBACK, /*         */ "0 - 0"},
    {"end SUSPEND", XA_OK, /*                  */ "- 2 -"},
    {"end SUSPEND", XA_NOMIGRATE, /*           */ "- 2 -"},
    {"end SUSPEND", XAER_RMERR, /*             */ "- (1) -"},
    {"end SUSPEND", XA_RBROLLBACK, /*          */ "- 0 -"},
    {"end", XA_OK, /*                          */ "- 0 0"},
    {"end", XA_RBROLLBACK, /*                  */ "- 0 0"},
    {"end", XAER_RMERR, /*                     */ "- (0) (0)"},
    {"open", XA_OK, /*                         */ "0 1 2"},
    {"recover", XA_OK, /*                      */ "0 1 2"},
};

struct Call {
  Verb verb;
  Mode mode;
};

const std::map<std::string, Call> calls{
    {"start", {Verb::start, Mode::plain}},
    {"start JOIN", {Verb::start, Mode::join}},
    {"start RESUME", {Verb::start, Mode::resume}},
    {"end", {Verb::end, Mode::plain}},
    {"end SUSPEND", {Verb::end, Mode::suspend}},
    {"prepare", {Verb::prepare, Mode::plain}},
    {"commit", {Verb::commit, Mode::plain}},
    {"commit ONEPHASE", {Verb::commit, Mode::one_phase}},
    {"rollback", {Verb::rollback, Mode::plain}},
    {"forget", {Verb::forget, Mode::plain}},
    {"open", {Verb::open, Mode::plain}},
    {"recover", {Verb::recover, Mode::plain}},
};

const std::vector<int> answers{XA_OK,      XA_RDONLY,    XA_RETRY,   XA_NOMIGRATE, XA_HEURMIX,
                               XA_HEURRB,  XA_HEURCOM,   XA_HEURHAZ, XA_RBBASE,    XA_RBEND,
                               XAER_ASYNC, XAER_RMERR,   XAER_NOTA,  XAER_INVAL,   XAER_PROTO,
                               XAER_DUPID, XAER_OUTSIDE, -10};

}  // namespace

TEST_CASE("Table 6-4 says when a call on a branch is legal") {
  for (const auto& [name, call] : calls)
    for (std::size_t state = 0; state < 6; ++state) {
      INFO(name << " in S" << state);
      const bool is_legal = legal(branch_table, name, state);
      const int expected = is_legal          ? XA_OK
                           : state == 0      ? XAER_NOTA
                           : name == "start" ? XAER_DUPID
                                             : XAER_PROTO;
      CHECK(may(static_cast<S>(state), call.verb, call.mode) == expected);
    }
}

TEST_CASE("Table 6-4 says where each answer leads") {
  for (const auto& [name, call] : calls)
    for (const int answer : answers)
      for (std::size_t state = 0; state < 6; ++state) {
        INFO(name << " in S" << state << " answers " << code_name(answer));
        const S reached = after(static_cast<S>(state), call.verb, call.mode, answer);
        CHECK(static_cast<std::size_t>(reached) == next(branch_table, name, answer, state));
      }
}

TEST_CASE("Table 6-2 says when an association can begin and end") {
  for (const auto& [name, call] : calls) {
    if (call.verb != Verb::start && call.verb != Verb::end && call.verb != Verb::open &&
        call.verb != Verb::recover)
      continue;
    for (std::size_t state = 0; state < 3; ++state) {
      INFO(name << " in T" << state);
      const int expected = legal(association_table, name, state) ? XA_OK : XAER_PROTO;
      CHECK(may(static_cast<T>(state), call.verb, call.mode) == expected);
    }
  }
  CHECK(may(T::T0, Verb::close, Mode::plain) == XA_OK);
  CHECK(may(T::T1, Verb::close, Mode::plain) == XAER_PROTO);
  CHECK(may(T::T2, Verb::close, Mode::plain) == XAER_PROTO);  // the standard leaves it open
}

TEST_CASE("Table 6-2 says where each answer leads") {
  for (const auto& [name, call] : calls)
    for (const int answer : answers)
      for (std::size_t state = 0; state < 3; ++state) {
        INFO(name << " in T" << state << " answers " << code_name(answer));
        const T reached = after(static_cast<T>(state), call.verb, call.mode, answer);
        CHECK(static_cast<std::size_t>(reached) == next(association_table, name, answer, state));
      }
}

TEST_CASE("Table 6-1 asks for xa_open first") {
  using enum Verb;
  for (const Verb verb : {open, close, start, end, prepare, commit, rollback, recover, forget}) {
    const bool always = verb == open || verb == close;
    CHECK(may(R::R0, verb) == (always ? XA_OK : XAER_PROTO));
    CHECK(may(R::R1, verb) == XA_OK);
    CHECK(after(R::R1, verb, XAER_RMFAIL) == R::R0);
    CHECK(after(R::R1, verb, XA_OK) == (verb == close ? R::R0 : R::R1));
    CHECK(after(R::R1, verb, XAER_RMERR) == R::R1);
  }
  CHECK(after(R::R0, open, XA_OK) == R::R1);
  CHECK(after(R::R0, open, XAER_RMERR) == R::R0);
  CHECK(after(R::R0, open, XAER_INVAL) == R::R0);
}

TEST_CASE("A failing resource manager keeps what is prepared and loses the rest") {
  for (const auto& [name, call] : calls) {
    INFO(name);
    for (const S lost : {S::S0, S::S1, S::S2, S::S4})
      CHECK(after(lost, call.verb, call.mode, XAER_RMFAIL) == S::S0);
    for (const S kept : {S::S3, S::S5})
      CHECK(after(kept, call.verb, call.mode, XAER_RMFAIL) == kept);
    for (const T any : {T::T0, T::T1, T::T2})
      CHECK(after(any, call.verb, call.mode, XAER_RMFAIL) == T::T0);
  }
}
