// The tables of prepare_at_end=1, every cell against a second writing of them.

#include <map>
#include <string>
#include <utility>

#include "catch.hpp"
#include <xabridge/state_tables.hpp>

using namespace xabridge;
using namespace xabridge::rm;

namespace {

constexpr std::pair<const char*, Verb> verbs[] = {
    {"open", Verb::open},         {"close", Verb::close},     {"start", Verb::start},
    {"end", Verb::end},           {"prepare", Verb::prepare}, {"commit", Verb::commit},
    {"rollback", Verb::rollback}, {"recover", Verb::recover}, {"forget", Verb::forget},
    {"complete", Verb::complete},
};
constexpr std::pair<const char*, Mode> modes[] = {
    {"", Mode::plain},           {" JOIN", Mode::join},          {" RESUME", Mode::resume},
    {" SUSPEND", Mode::suspend}, {" ONEPHASE", Mode::one_phase},
};

}  // namespace

TEST_CASE("What follows the end of a branch that is prepared at its end") {
  const std::map<std::pair<std::string, int>, Then> written{
      {{"end", 2}, Then::prepare},
      {{"end", 4}, Then::roll_back},
      {{"prepare", 2}, Then::leave},  // XAER_RMERR: prepared or not, nobody knows
      {{"prepare", 3}, Then::leave},
  };
  for (const auto& [name, verb] : verbs)
    for (int state = 0; state < 6; ++state) {
      INFO("after " << name << " in S" << state);
      const auto cell = written.find({name, state});
      const Then expected = cell == written.end() ? Then::nothing : cell->second;
      CHECK((then_after(verb, static_cast<S>(state)) == expected));
    }
}

TEST_CASE("What a call on a branch that only the server may know comes to") {
  const std::map<std::string, std::pair<Unknown, Unknown>> written{
      {"start JOIN", {Unknown::not_known, Unknown::out_of_place}},
      {"start RESUME", {Unknown::not_known, Unknown::out_of_place}},
      {"end", {Unknown::not_known, Unknown::out_of_place}},
      {"end SUSPEND", {Unknown::not_known, Unknown::out_of_place}},
      {"prepare", {Unknown::not_known, Unknown::has_voted}},
      {"commit", {Unknown::second_phase, Unknown::second_phase}},
      {"commit ONEPHASE", {Unknown::not_known, Unknown::second_phase}},
      {"rollback", {Unknown::second_phase, Unknown::second_phase}},
  };
  for (const auto& [name, verb] : verbs)
    for (const auto& [suffix, mode] : modes) {
      const std::string call = std::string(name) + suffix;
      INFO(call);
      const auto row = written.find(call);
      const auto expected =
          row == written.end() ? std::pair(Unknown::not_known, Unknown::not_known) : row->second;
      CHECK((of_unknown(verb, mode, false) == expected.first));
      CHECK((of_unknown(verb, mode, true) == expected.second));
    }
}

TEST_CASE("The books are closed only on what is prepared") {
  for (const S state : {S::S0, S::S1, S::S2, S::S4, S::S5})
    CHECK(after(state, Verb::close, Mode::plain, XA_OK) == state);
  CHECK(after(S::S3, Verb::close, Mode::plain, XA_OK) == S::S0);
}
