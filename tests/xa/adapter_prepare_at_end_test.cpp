// prepare_at_end=1. A second rmid stands for another process: it has a branch table and connections
// of its own, and the same server behind it.

#include <string>

#include "catch.hpp"
#include "script.hpp"

using namespace xabridge;
using namespace xabridge::rm::test;

namespace {

constexpr const char* ended = "open at_end; open@2 at_end; start X; end X SUCCESS";

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("xa_end prepares the branch and lets go of its session") {
  Scenario scenario;
  scenario.run("ended", ended);
  CHECK(scenario.world.is_prepared(xid_named("X")));
  // That of rmid 2's xa_open is all that is left: a server may bind a session to what it prepared.
  CHECK(scenario.world.connected() == 1);
  scenario.run("listed", "recover 9 START|END = 1; recover@2 9 START|END = 1");
}

TEST_CASE("Without the option xa_end does not prepare and another process knows nothing") {
  Scenario scenario;
  scenario.run("usual", "open; open@2; start X; end X SUCCESS");
  CHECK_FALSE(scenario.world.is_prepared(xid_named("X")));
  scenario.run("elsewhere",
               "prepare@2 X = NOTA; prepare X; prepare@2 X = NOTA; commit@2 X ONEPHASE = NOTA; "
               "start@2 X JOIN = NOTA; end@2 X SUCCESS = NOTA; commit@2 X");
}

TEST_CASE("What was prepared at its end is prepared for everybody, as often as it is asked") {
  struct {
    const char *id, *steps;
  } constexpr ways[] = {
      {"elsewhere, commit", "prepare@2 X; prepare@2 X; commit@2 X; commit@2 X = NOTA"},
      {"elsewhere, roll back", "prepare@2 X; rollback@2 X; rollback@2 X = NOTA"},
      {"here", "prepare X; commit X; prepare X = NOTA"},
      {"half here", "prepare X; commit@2 X; prepare X = NOTA; commit X = NOTA; start X"},
      {"unasked", "commit@2 X"},
      {"another thread", "2:open at_end; 2:prepare X; 2:commit X"},
      {"one phase here", "commit X ONEPHASE; commit X ONEPHASE = NOTA; prepare X = NOTA"},
      {"one phase elsewhere", "commit@2 X ONEPHASE; prepare X = NOTA"},
  };
  for (const auto& [id, steps] : ways) {
    Scenario scenario;
    scenario.run(id, std::string(ended) + "; " + steps);
    CHECK_FALSE(scenario.world.is_prepared(xid_named("X")));
  }
}

TEST_CASE("A prepared branch takes no more work, and the reason is that it is prepared") {
  Scenario scenario;
  scenario.run("prepared",
               std::string(ended) +
                   "; start X JOIN = PROTO; start X RESUME = PROTO; end X SUCCESS = PROTO; "
                   "end X SUSPEND = PROTO; start@2 X JOIN = PROTO; forget X = NOTA");
  scenario.run("text", "start X JOIN = PROTO");
  CHECK(contains(scenario.last_error().message, "prepared when it was ended"));
  scenario.run("gone", "commit X; start X JOIN = NOTA; end X SUCCESS = NOTA");
}

TEST_CASE("What never existed is never voted for") {
  Scenario scenario;
  scenario.run("never",
               "open at_end; prepare X = NOTA; commit X ONEPHASE = NOTA; rollback X = NOTA");
  scenario.run("active elsewhere", "open@2 at_end; start@2 X; prepare X = NOTA");
}

TEST_CASE("A branch that may only be rolled back is gone after its end") {
  Scenario scenario;
  scenario.run("open", "open at_end");
  std::string id;
  SECTION("the caller says so") {
    scenario.run("failed", "start X; end X FAIL = RB");
    CHECK(scenario.world.count("rollback") == 1);
  }
  SECTION("the server says so") {
    scenario.world.script("end", XA_RBDEADLOCK);
    scenario.run("doomed", "start X; end X SUCCESS = RB");
  }
  SECTION("it refuses to prepare") {
    scenario.world.script("prepare", XA_RBINTEGRITY);
    scenario.run("refused", "start X; end X SUCCESS = RB");
    CHECK(scenario.last_error().xa_code == XA_RBINTEGRITY);
  }
  SECTION("and the rollback is lost too: closing the session does it") {
    scenario.world.script("end", XA_RBDEADLOCK);
    scenario.world.script("rollback", XAER_RMFAIL);
    scenario.run("doomed", "start X; end X SUCCESS = RB");
    CHECK(scenario.world.connected() == 0);
  }
  CHECK_FALSE(scenario.world.is_prepared(xid_named("X")));
  scenario.run("gone", "prepare X = NOTA; rollback X = NOTA; start X; end X SUCCESS; commit X");
}

TEST_CASE("A connection lost while xa_end prepares is RMFAIL, and recovery finds the outcome") {
  Scenario scenario;
  scenario.run("open", "open at_end; start X");
  xabridge::Error lost;
  lost.xa_code = XAER_RMFAIL;
  lost.outcome_known = false;
  scenario.world.script("prepare", lost);
  scenario.run("lost", "end X SUCCESS = RMFAIL");
  CHECK(scenario.last_error().outcome_known == 0);
  const bool arrived = GENERATE(false, true);
  if (arrived) scenario.world.add_prepared(xid_named("X"));
  scenario.run("again", "prepare X = PROTO; open at_end");
  if (arrived)
    scenario.run("arrived", "recover 9 START|END = 1; prepare X; commit X");
  else
    scenario.run("lost", "recover 9 START|END = 0; prepare X = NOTA");
}

TEST_CASE("Where nobody knows whether xa_end has prepared, its session is closed") {
  Scenario scenario;
  scenario.run("open", "open at_end; start X");
  scenario.world.script("prepare", XAER_RMERR);
  scenario.run("unclear",
               "end X SUCCESS = RMERR; prepare X = NOTA; start X; end X SUCCESS; commit X");
}

TEST_CASE("A suspended association is not the end of the branch") {
  struct {
    const char *id, *before, *last;
  } constexpr ways[] = {
      {"resumed", "end X SUSPEND; prepare X = PROTO; start X RESUME", "end X SUCCESS"},
      {"ended while suspended", "end X SUSPEND", "end X SUCCESS"},
      {"another thread has suspended",
       "end X SUSPEND; 2:open at_end; 2:start X JOIN; end X SUCCESS", "2:end X SUCCESS"},
      {"migrated", "end X SUSPEND|MIGRATE; 2:open at_end; 2:start X RESUME", "2:end X SUCCESS"},
  };
  for (const auto& [id, before, last] : ways) {
    Scenario scenario;
    scenario.run(id, "open at_end; start X");
    scenario.run(id, before);
    CHECK_FALSE(scenario.world.is_prepared(xid_named("X")));
    scenario.run(id, last);
    CHECK(scenario.world.is_prepared(xid_named("X")));
  }
}

TEST_CASE("The last to end a branch that another thread has failed rolls it back") {
  Scenario scenario;
  scenario.run("failed",
               "open at_end; 2:open at_end; start X; end X SUSPEND; 2:start X JOIN; "
               "end X FAIL = RB; 2:end X SUCCESS = RB; rollback X = NOTA; start X");
  CHECK_FALSE(scenario.world.is_prepared(xid_named("X")));
}

TEST_CASE("A branch committed by hand is not called rolled back") {
  Scenario scenario;
  scenario.run("open", "open at_end; start X");
  scenario.world.script("end", XA_RBPROTO);
  scenario.world.script("rollback", XA_HEURCOM);
  scenario.run("by hand",
               "end X SUCCESS = RMERR; recover 9 START|END = 1; rollback X = HEURCOM; "
               "prepare X = PROTO; forget X; rollback X = NOTA");
}

TEST_CASE("One phase that cannot be done now leaves the branch prepared and says so") {
  Scenario scenario;
  scenario.run("ended", ended);
  scenario.world.script("commit_prepared", XAER_RMERR);
  scenario.run("cannot", "commit@2 X ONEPHASE = RMFAIL");
  CHECK(scenario.last_error(2).outcome_known == 0);
  CHECK(contains(scenario.last_error(2).message, "still prepared"));
  scenario.run("later", "recover 9 START|END = 1; open@2 at_end; commit@2 X");
}

TEST_CASE("A list that cannot be had is no vote") {
  Scenario scenario;
  scenario.run("ended", ended);
  scenario.world.script("prepared", XAER_RMERR);
  scenario.run("refused", "prepare@2 X = RMERR; prepare@2 X; commit@2 X");
}

TEST_CASE("An asynchronous xa_end prepares before it completes") {
  for (const bool sends : {false, true}) {
    Scenario scenario(TMUSEASYNC);
    if (sends) scenario.world.set_sends();
    scenario.run("async",
                 "open at_end; start X; end X SUCCESS|ASYNC = HANDLE; result; "
                 "prepare X ASYNC = HANDLE; result; commit X ASYNC = HANDLE; result; "
                 "prepare X = NOTA");
  }
}

TEST_CASE("A thread that ends without xa_end leaves nothing prepared") {
  Scenario scenario;
  scenario.run("dies", "open at_end; 2:open at_end; 2:start X; 2:exit; prepare X = NOTA; start X");
  CHECK_FALSE(scenario.world.is_prepared(xid_named("X")));
}
