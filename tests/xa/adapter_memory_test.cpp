// What must outlive the instance of an rmid, or the loss of its server: heuristic outcomes until
// xa_forget, connections until somebody closes them.

#include <string>

#include "catch.hpp"
#include "script.hpp"

using namespace xabridge;
using namespace xabridge::rm::test;

namespace {

constexpr const char* heuristic =
    "open; start X; end X SUCCESS; prepare X; commit X = HEURRB; recover 9 START|END = 1";
constexpr const char* still_known =
    "recover 9 START|END = 1; commit X = HEURRB; start X = DUPID; forget X; forget X = NOTA; "
    "recover 9 START|END = 0; start X";

}  // namespace

TEST_CASE("A heuristic outcome is kept across the last xa_close") {
  for (const char* between : {"; close; open; ", "; close; open; close; 2:open; open; ",
                              "; 2:open; close; 2:exit; open; ", "; exit; open; "}) {
    Scenario scenario;  // B29, of S5
    INFO(between);
    scenario.world.script("commit_prepared", XA_HEURRB);
    scenario.run("S5", std::string(heuristic) + between + still_known);
  }
}

TEST_CASE("A heuristic outcome belongs to the rmid and the open string it was learnt with") {
  Scenario scenario;
  scenario.world.script("commit_prepared", XA_HEURRB);
  scenario.run("elsewhere", std::string(heuristic) +
                                "; close; open other; recover 9 START|END = 0; forget X = NOTA; "
                                "open@2; recover@2 9 START|END = 0; close; open");
  scenario.run("here", still_known);
}

TEST_CASE("The only thread that loses the server loses nothing that is kept") {
  Scenario scenario;
  scenario.world.script("commit_prepared", XA_HEURRB);
  scenario.run("S5", std::string(heuristic) + "; start Y; end Y SUCCESS; prepare Y; start Z");
  const int made = scenario.world.made();
  scenario.world.script("end", XAER_RMFAIL);
  scenario.run("lost",
               "end Z SUCCESS = RMFAIL; recover 9 START = PROTO; start Z = PROTO; open; "
               "recover 9 START|END = 2; commit Y; rollback Z = NOTA");
  CHECK(scenario.world.made() == made);  // only that of Z was lost
  scenario.run("here", still_known);
}

TEST_CASE("A server that stays away is looked for at each xa_open") {
  Scenario scenario;
  scenario.world.script("commit_prepared", XA_HEURRB);
  scenario.run("S5", heuristic);
  scenario.run("away",
               "cut; down; start Y = RMFAIL; open = RMERR; open = RMERR; start Y = PROTO; "
               "up; open");
  scenario.run("here", still_known);
}

TEST_CASE("After a loss xa_close or another open string or the end of the thread lets go") {
  for (const char* steps : {"close", "exit"}) {
    Scenario scenario;
    scenario.run("lost", "open; start X; end X SUCCESS; prepare X; cut; down; start Y = RMFAIL");
    CHECK(scenario.world.connected() > 0);
    scenario.run("let go", steps);
    CHECK(scenario.world.connected() == 0);
    scenario.run("again", "up; open other; commit X");
  }
  Scenario scenario;
  scenario.run("another",
               "open; start X; end X SUCCESS; prepare X; cut; down; start Y = RMFAIL; "
               "up; open other; start Y; open = INVAL");
}
