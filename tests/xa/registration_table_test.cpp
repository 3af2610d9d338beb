// Every cell of table 6-3, dynamic registration, against a second writing of it, made from the
// standard's table and not from ours. See written_table.hpp.

#include <map>
#include <string>
#include <vector>

#include "catch.hpp"
#include <xabridge/state_tables.hpp>
#include "written_table.hpp"

using namespace xabridge;
using namespace xabridge::rm;

namespace {

//                                                D0 D1 D2 D3
const std::vector<WrittenRow> xa_table{
    {"end SUSPEND", XA_OK, /*                  */ "- 2 - -"},
    {"end SUSPEND", XA_NOMIGRATE, /*           */ "- 2 - -"},
    {"end SUSPEND", XA_RBROLLBACK, /*          */ "- 0 - -"},
    {"end SUSPEND", XAER_RMERR, /*             */ "- (1) - -"},
    {"end", XA_OK, /*                          */ "- 0 0 -"},
    {"end", XA_RBROLLBACK, /*                  */ "- 0 0 -"},
    {"end", XAER_RMERR, /*                     */ "- (0) (0) -"},
    {"open", XA_OK, /*                         */ "0 1 2 3"},
    {"recover", XA_OK, /*                      */ "0 1 2 3"},
    {"close", XA_OK, /*                        */ "0 - (-) -"},
};

const std::vector<WrittenRow> ax_reg_xid_table{
    {"ax_reg", TM_OK, /*                       */ "1 - - -"},
    {"ax_reg", TM_JOIN, /*                     */ "1 - - -"},
    {"ax_reg", TM_RESUME, /*                   */ "(1) - 1 -"},
};

const std::vector<WrittenRow> ax_reg_null_table{
    {"ax_reg", TM_OK, /*                       */ "3 - - -"},
};

const std::vector<WrittenRow> ax_unreg_table{
    {"ax_unreg", TM_OK, /*                     */ "- - - 0"},
};

struct Call {
  Verb verb;
  Mode mode;
};

const std::map<std::string, Call> calls{
    {"start", {Verb::start, Mode::plain}},         {"start JOIN", {Verb::start, Mode::join}},
    {"start RESUME", {Verb::start, Mode::resume}}, {"end", {Verb::end, Mode::plain}},
    {"end SUSPEND", {Verb::end, Mode::suspend}},   {"open", {Verb::open, Mode::plain}},
    {"recover", {Verb::recover, Mode::plain}},     {"close", {Verb::close, Mode::plain}},
};

const std::vector<int> answers{
    XA_OK,      XA_RDONLY,  XA_RETRY,  XA_NOMIGRATE, XA_HEURMIX, XA_HEURHAZ, XA_RBBASE,    XA_RBEND,
    XAER_ASYNC, XAER_RMERR, XAER_NOTA, XAER_INVAL,   XAER_PROTO, XAER_DUPID, XAER_OUTSIDE, -10};

const std::vector<int> ax_answers{TM_OK, TM_RESUME, TM_JOIN, TMER_TMERR, TMER_INVAL, TMER_PROTO};

XID xid_of_format(long format) {
  XID xid{};
  xid.formatID = format;
  xid.gtrid_length = 1;
  xid.bqual_length = 1;
  return xid;
}

/// The next state by the one row for exactly this ax_ answer; ax_ codes have no classes.
std::size_t next_ax(const std::vector<WrittenRow>& table, int answer, std::size_t state) {
  for (const auto& row : table)
    if (row.answer == answer)
      if (const auto cell = cells_of(row.cells)[state]; cell != "-") return std::stoul(cell);
  return state;
}

}  // namespace

TEST_CASE("Table 6-3 says when an xa_ call is legal") {
  for (const auto& [name, call] : calls)
    for (std::size_t state = 0; state < 4; ++state) {
      INFO(name << " in D" << state);
      const int expected = legal(xa_table, name, state) ? XA_OK : XAER_PROTO;
      CHECK(may(static_cast<D>(state), call.verb, call.mode) == expected);
    }
}

TEST_CASE("Table 6-3 says where each xa_ answer leads") {
  for (const auto& [name, call] : calls)
    for (const int answer : answers)
      for (std::size_t state = 0; state < 4; ++state) {
        INFO(name << " in D" << state << " answers " << code_name(answer));
        const D reached = after(static_cast<D>(state), call.verb, call.mode, answer);
        CHECK(static_cast<std::size_t>(reached) == next(xa_table, name, answer, state));
      }
}

TEST_CASE("Table 6-3 lets a resource manager register once and unregister only local work") {
  CHECK(may(D::D0, Ax::reg) == TM_OK);
  CHECK(may(D::D1, Ax::reg) == TMER_PROTO);
  CHECK(may(D::D2, Ax::reg) == TM_OK);  // TM_RESUME
  CHECK(may(D::D3, Ax::reg) == TMER_PROTO);

  CHECK(may(D::D0, Ax::unreg) == TMER_PROTO);
  CHECK(may(D::D1, Ax::unreg) == TMER_PROTO);
  CHECK(may(D::D2, Ax::unreg) == TMER_PROTO);
  CHECK(may(D::D3, Ax::unreg) == TM_OK);
}

TEST_CASE("Table 6-3 says where each answer to ax_reg and ax_unreg leads") {
  const XID null_xid = xid_of_format(-1);
  for (const int answer : ax_answers)
    for (std::size_t state = 0; state < 4; ++state) {
      INFO("answer " << answer << " in D" << state);
      const D from = static_cast<D>(state);
      for (const long format : {0L, 1L}) {
        const D reached = after_ax_reg(from, answer, xid_of_format(format));
        CHECK(static_cast<std::size_t>(reached) == next_ax(ax_reg_xid_table, answer, state));
      }
      CHECK(static_cast<std::size_t>(after_ax_reg(from, answer, null_xid)) ==
            next_ax(ax_reg_null_table, answer, state));
      CHECK(static_cast<std::size_t>(after_ax_unreg(from, answer)) ==
            next_ax(ax_unreg_table, answer, state));
    }
}

TEST_CASE("A failing resource manager is not registered any more") {
  for (const auto& [name, call] : calls)
    for (const D any : {D::D0, D::D1, D::D2, D::D3}) {
      INFO(name << " in D" << static_cast<int>(any));
      CHECK(after(any, call.verb, call.mode, XAER_RMFAIL) == D::D0);
    }
}
