// Every cell of table 6-5, asynchronous calls, against a second writing of it, made from the
// standard's table and not from ours. See written_table.hpp.

#include <string>
#include <vector>

#include "catch.hpp"
#include <xabridge/state_tables.hpp>
#include "written_table.hpp"

using namespace xabridge;
using namespace xabridge::rm;

namespace {

constexpr int handle = 7;

//                                                A0 A1
const std::vector<WrittenRow> table_6_5{
    {"synchronous", XA_OK, /*                  */ "0 -"},
    {"ASYNC", handle, /*                       */ "1 (-)"},
    {"complete", XA_OK, /*                     */ "- 0"},
    {"complete", XA_RETRY, /*                  */ "- 1"},
};

const std::vector<Verb> asynchronous_verbs{Verb::open,     Verb::close,   Verb::start,
                                           Verb::end,      Verb::prepare, Verb::commit,
                                           Verb::rollback, Verb::forget};

const std::vector<int> answers{
    XA_OK,      XA_RDONLY,  XA_RETRY,  XA_NOMIGRATE, XA_HEURMIX, XA_HEURHAZ, XA_RBBASE,    XA_RBEND,
    XAER_ASYNC, XAER_RMERR, XAER_NOTA, XAER_INVAL,   XAER_PROTO, XAER_DUPID, XAER_OUTSIDE, -10};

bool written_legal(const std::string& call, std::size_t state) {
  for (const auto& row : table_6_5)
    if (row.call == call && cells_of(row.cells)[state] != "-") return true;
  return false;
}

std::size_t written_next(const std::string& call, int answer, std::size_t state) {
  for (const auto& row : table_6_5)
    if (row.call == call && row.answer == answer)
      if (const auto cell = cells_of(row.cells)[state]; cell != "-") return std::stoul(cell);
  return state;
}

void check_cells(const std::string& name, Verb verb, long flags, int refusal) {
  for (std::size_t state = 0; state < 2; ++state) {
    const A from = static_cast<A>(state);
    INFO(name << " verb " << static_cast<int>(verb) << " in A" << state);
    CHECK(may(from, verb, flags) == (written_legal(name, state) ? XA_OK : refusal));
    for (const int answer : answers) {
      INFO("answers " << answer);
      // With TMASYNC every positive number is a handle, whatever else it means.
      const int row = name == "ASYNC" && answer > 0 ? handle : answer;
      const A reached = after(from, verb, flags, answer);
      CHECK(static_cast<std::size_t>(reached) == written_next(name, row, state));
    }
  }
}

}  // namespace

TEST_CASE("Table 6-5 lets no synchronous call pass while another call is pending") {
  for (const Verb verb : asynchronous_verbs) {
    check_cells("synchronous", verb, TMNOFLAGS, XAER_PROTO);
    check_cells("synchronous", verb, TMNOWAIT, XAER_PROTO);
  }
  check_cells("synchronous", Verb::recover, TMSTARTRSCAN | TMENDRSCAN, XAER_PROTO);
}

TEST_CASE("Table 6-5 allows one accepted call with TMASYNC at a time") {
  for (const Verb verb : asynchronous_verbs) {
    check_cells("ASYNC", verb, TMASYNC, XAER_ASYNC);  // the standard leaves the refusal open
    check_cells("ASYNC", verb, TMASYNC | TMNOWAIT, XAER_ASYNC);
  }
  const long extended = static_cast<int>(TMASYNC);  // a flag word that went through an int
  check_cells("ASYNC", Verb::commit, extended, XAER_ASYNC);
}

TEST_CASE("Table 6-5 ends a pending call when xa_complete has delivered its result") {
  for (const long flags : {TMNOFLAGS, TMMULTIPLE, TMNOWAIT, TMMULTIPLE | TMNOWAIT})
    check_cells("complete", Verb::complete, flags, XAER_PROTO);
}

TEST_CASE("A handle is not taken for the code with the same number") {
  for (const int number : {1, XA_RDONLY, XA_RETRY, XA_HEURCOM, XA_RBROLLBACK, XA_RBEND, 100000})
    CHECK(after(A::A0, Verb::commit, TMASYNC, number) == A::A1);
}

TEST_CASE("A call that xa_recover and xa_complete cannot make asynchronously gives no handle") {
  CHECK(after(A::A0, Verb::recover, TMASYNC, handle) == A::A0);
  CHECK(after(A::A0, Verb::complete, TMASYNC, handle) == A::A0);
}

TEST_CASE("A failing resource manager takes the pending call with it") {
  // The standard leaves it open; in A1 the xa_open that has to follow would be refused.
  for (const A any : {A::A0, A::A1})
    for (const Verb verb : {Verb::complete, Verb::commit, Verb::open})
      for (const long flags : {TMNOFLAGS, TMASYNC})
        CHECK(after(any, verb, flags, XAER_RMFAIL) == A::A0);
}
