// Associations: joined, suspended, resumed, moved to another thread; tables 6-2 and 6-4 as the
// caller sees them. The ids are those of the conformance list; the steps are explained in
// script.hpp.

#include "catch.hpp"
#include "script.hpp"

using xabridge::rm::test::Scenario;

namespace {

struct Statement {
  const char* id;
  const char* steps;
};

template <std::size_t count>
void check(const Statement (&statements)[count]) {
  for (const auto& [id, steps] : statements) {
    Scenario scenario;
    scenario.run(id, steps);
    INFO(id << ": " << steps);
    CHECK(scenario.world.violations().empty());
  }
}

}  // namespace

TEST_CASE("An idle branch is joined by any thread") {
  static constexpr Statement statements[] = {
      {"C12", "open; start X; end X SUCCESS; prepare X; start X JOIN = PROTO; commit X"},
      {"C13", "open; start X; end X SUCCESS; start X JOIN; end X SUCCESS; prepare X"},
      {"C14", "open; 2:open; start X; end X SUCCESS; 2:start X JOIN; 2:end X SUCCESS; prepare X"},
      {"C15",
       "open; 2:open; start X; 2:start X JOIN|NOWAIT = RETRY; 2:start Y; 2:end Y SUCCESS; "
       "end X SUCCESS; 2:start X JOIN|NOWAIT; 2:end X SUCCESS; prepare X"},
      {"C16", "open; start X; end X SUCCESS; start X JOIN|RESUME = INVAL; prepare X"},
      {"E04", "open; 2:open; start X; end X SUCCESS; 2:start X JOIN; 2:prepare X = PROTO"},
      {"E05", "open; 2:open; start X; end X SUCCESS; 2:start X JOIN; prepare X = PROTO"},
      {"E38", "open; 2:open; start X; end X SUCCESS; 2:start X JOIN; rollback X = PROTO"},
      {"again and again",
       "open; 2:open; start X; end X SUCCESS; 2:start X JOIN; 2:end X SUCCESS; start X JOIN; "
       "end X SUCCESS; 2:start X JOIN; 2:end X SUCCESS; commit X ONEPHASE; start X JOIN = NOTA"},
  };
  check(statements);
}

TEST_CASE("A suspended association goes on or ends") {
  static constexpr Statement statements[] = {
      {"B15", "open; start X; close = PROTO; end X SUSPEND; start X RESUME; end X SUCCESS"},
      {"B16", "open; start X; end X SUSPEND; close = PROTO; end X SUCCESS; close"},
      {"B27", "open; open@2 other; start X; close@2; end X SUSPEND; start X RESUME"},
      {"C05", "open; start X; end X SUSPEND; start X RESUME; start X RESUME = PROTO"},
      {"C11", "open; start X; end X SUCCESS; start X RESUME = PROTO; prepare X"},
      {"C31", "open; start X; end X SUSPEND; end X SUCCESS; prepare X; commit X"},
      {"C32", "open; start X; end X SUSPEND; start X RESUME; end X SUCCESS; prepare X; commit X"},
      {"C33", "open; start X; end X SUSPEND; end X SUCCESS; end X SUCCESS = PROTO; prepare X"},
      {"C34", "open; start X; end X SUSPEND; end X FAIL = RB; prepare X = PROTO; rollback X"},
      {"C35", "open; start X; end X SUSPEND; end X SUSPEND = PROTO; start X RESUME"},
      {"C36",
       "open; start X; end X SUSPEND; start X = DUPID; start X JOIN = PROTO; start X RESUME"},
      {"C37",
       "open; start X; end X SUSPEND; start Y; start X RESUME = PROTO; end Y SUCCESS; "
       "start X RESUME; end X SUCCESS; prepare X; prepare Y"},
      {"E23", "open; start X; end X SUSPEND; prepare X = PROTO; start X RESUME"},
      {"E24", "open; start X; end X SUSPEND; commit X ONEPHASE = PROTO; start X RESUME"},
      {"E25", "open; start X; end X SUSPEND; rollback X = PROTO; start X RESUME"},
      {"resumed with no wait", "open; start X; end X SUSPEND; start X RESUME|NOWAIT"},
      {"another thread sees it idle",
       "open; 2:open; start X; end X SUSPEND; 2:end X SUCCESS = PROTO; 2:start X = DUPID; "
       "2:prepare X = PROTO; 2:commit X ONEPHASE = PROTO; 2:rollback X = PROTO"},
  };
  check(statements);
}

TEST_CASE("An association moves to another thread only when it was suspended for that") {
  static constexpr Statement statements[] = {
      {"C38",
       "open; 2:open; start X; end X SUSPEND; 2:start X RESUME = PROTO; "
       "2:start X RESUME|NOWAIT = PROTO; start X RESUME"},
      {"C39", "open; start X; end X SUSPEND|MIGRATE; prepare X = PROTO; end X SUCCESS; prepare X"},
      {"C40",
       "open; 2:open; start X; end X SUSPEND|MIGRATE; 2:start X RESUME; end X SUCCESS = PROTO; "
       "2:end X SUCCESS; end X SUCCESS = PROTO; start X RESUME = PROTO; prepare X"},
      {"C41", "open; start X; end X SUSPEND|MIGRATE; start X RESUME; end X SUCCESS; prepare X"},
      {"only once",
       "open; 2:open; 3:open; start X; end X SUSPEND|MIGRATE; 2:start X RESUME; 2:end X SUSPEND; "
       "3:start X RESUME = PROTO; start X RESUME = PROTO; 2:start X RESUME"},
      {"resumed here it is bound again",
       "open; 2:open; start X; end X SUSPEND|MIGRATE; start X RESUME; end X SUSPEND; "
       "2:start X RESUME = PROTO; start X RESUME"},
      {"there and back",
       "open; 2:open; start X; end X SUSPEND|MIGRATE; 2:start X RESUME; "
       "2:end X SUSPEND|MIGRATE; start X RESUME; 2:close; end X SUCCESS; prepare X"},
      {"the first thread may close",
       "open; 2:open; start X; end X SUSPEND|MIGRATE; close = PROTO; 2:start X RESUME; close; "
       "2:end X SUCCESS; 2:prepare X; 2:commit X"},
      {"not to a thread that is active",
       "open; 2:open; 2:start Y; start X; end X SUSPEND|MIGRATE; 2:start X RESUME = PROTO"},
  };
  check(statements);
}

TEST_CASE("A switch that promises no migration refuses the flag") {
  Scenario scenario(TMNOMIGRATE);
  scenario.run("C43",
               "open; 2:open; start X; end X SUSPEND|MIGRATE = INVAL; end X SUSPEND; "
               "2:start X RESUME = PROTO; start X RESUME; end X SUCCESS; prepare X");
}

TEST_CASE("A thread has several branches in different states") {
  static constexpr Statement statements[] = {
      {"idle prepared suspended active",
       "open; start X; end X SUCCESS; prepare X; start Y; end Y SUSPEND; start Z; commit X; "
       "recover 9 START|END = 0; end Z SUCCESS; rollback Z; start Y RESUME; end Y SUCCESS; "
       "commit Y ONEPHASE"},
      {"two suspended",
       "open; start X; end X SUSPEND; start Y; end Y SUSPEND; start X RESUME; end X SUSPEND; "
       "start Y RESUME; end X SUCCESS; prepare X; end Y SUCCESS; prepare Y"},
      {"E30",
       "open; start X; end X SUCCESS; prepare X; start Y; commit X; end Y SUSPEND; close = PROTO"},
      {"F14",
       "open; start X; end X SUCCESS; prepare X; start Y; end Y SUSPEND; "
       "recover 9 START|END = 1; start Y RESUME; end Y SUCCESS; prepare Y"},
  };
  check(statements);
}

TEST_CASE("A branch is complete when every thread has ended its association") {
  static constexpr Statement statements[] = {
      {"both suspended",
       "open; 2:open; start X; end X SUSPEND; 2:start X JOIN; 2:end X SUSPEND; prepare X = PROTO; "
       "end X SUCCESS; prepare X = PROTO; 2:end X SUCCESS; prepare X; commit X"},
      {"one ends while the other works",
       "open; 2:open; start X; end X SUSPEND; 2:start X JOIN; end X SUCCESS; prepare X = PROTO; "
       "2:end X SUCCESS; prepare X"},
      {"resuming waits for the other",
       "open; 2:open; start X; end X SUSPEND; 2:start X JOIN; start X RESUME|NOWAIT = RETRY; "
       "2:end X SUSPEND; start X RESUME|NOWAIT; end X SUCCESS; 2:end X SUCCESS; prepare X"},
  };
  check(statements);
}

TEST_CASE("Work that one thread gave up is not committed by another") {
  static constexpr Statement statements[] = {
      {"joining", "open; 2:open; start X; end X FAIL = RB; 2:start X JOIN = RB; rollback X"},
      {"resuming",
       "open; 2:open; start X; end X SUSPEND; 2:start X JOIN; 2:end X FAIL = RB; "
       "start X RESUME = RB; end X SUCCESS = PROTO; rollback X; rollback X = NOTA"},
      {"ending a suspended one",
       "open; 2:open; start X; end X SUSPEND; 2:start X JOIN; 2:end X FAIL = RB; "
       "rollback X = PROTO; end X SUCCESS = RB; prepare X = PROTO; rollback X"},
      {"ending the active one",
       "open; 2:open; start X; end X SUSPEND; 2:start X JOIN; end X FAIL = RB; "
       "2:end X SUCCESS = RB; prepare X = PROTO; rollback X"},
      {"suspending the active one",
       "open; 2:open; start X; end X SUSPEND; 2:start X JOIN; end X FAIL = RB; "
       "2:end X SUSPEND = RB; 2:start X RESUME = PROTO; rollback X"},
      {"migrating",
       "open; 2:open; 3:open; start X; end X SUSPEND|MIGRATE; 3:start X JOIN; "
       "3:end X FAIL = RB; 2:start X RESUME = RB; end X SUCCESS = PROTO; rollback X"},
  };
  check(statements);
}

TEST_CASE("What the server says when a branch is suspended or goes on") {
  struct Answered {
    const char* id;
    const char* verb;
    int code;
    const char* before;
    const char* steps;
  };
  static constexpr Answered answers[] = {
      {"C57", "end", XA_RBDEADLOCK, "open; start X",
       "end X SUCCESS = RBDEADLOCK; end X SUCCESS = PROTO; prepare X = PROTO; rollback X"},
      {"C58", "end", XA_RBDEADLOCK, "open; start X",
       "end X SUSPEND = RBDEADLOCK; start X RESUME = PROTO; prepare X = PROTO; start Y; rollback "
       "X"},
      {"C59", "resume", XA_RBTIMEOUT, "open; start X; end X SUSPEND",
       "start X RESUME = RBTIMEOUT; end X SUCCESS = PROTO; prepare X = PROTO; start Y; rollback X"},
      {"C60", "resume", XA_RBTIMEOUT, "open; start X; end X SUCCESS",
       "start X JOIN = RBTIMEOUT; end X SUCCESS = PROTO; start X JOIN = RBTIMEOUT; rollback X"},
      {"migrating", "resume", XA_RBOTHER, "open; 2:open; start X; end X SUSPEND|MIGRATE",
       "2:start X RESUME = RBOTHER; end X SUCCESS = PROTO; 2:end X SUCCESS = PROTO; 2:rollback X"},
      {"not suspended", "end", XAER_RMERR, "open; start X",
       "end X SUSPEND = RMERR; end X SUCCESS; prepare X"},
      {"not resumed", "resume", XAER_RMERR, "open; start X; end X SUSPEND",
       "start X RESUME = RMERR; start X RESUME; end X SUCCESS; prepare X"},
      {"not joined", "resume", XAER_RMERR, "open; start X; end X SUCCESS",
       "start X JOIN = RMERR; end X SUCCESS = PROTO; prepare X"},
      {"lost while suspending", "end", XAER_RMFAIL, "open; 2:open; start X",
       "end X SUSPEND = RMFAIL; 2:rollback X = NOTA; open; start X"},
      {"lost while resuming", "resume", XAER_RMFAIL, "open; 2:open; start X; end X SUSPEND",
       "start X RESUME = RMFAIL; start X = PROTO; 2:rollback X = NOTA; open; start X"},
      {"lost while joining", "resume", XAER_RMFAIL, "open; 2:open; start X; end X SUCCESS",
       "2:start X JOIN = RMFAIL; prepare X = NOTA; start X"},
  };
  for (const auto& [id, verb, code, before, steps] : answers) {
    Scenario scenario;
    scenario.run(id, before);
    scenario.world.script(verb, code);
    scenario.run(id, steps);
    INFO(id);
    CHECK(scenario.world.violations().empty());
  }
}

TEST_CASE("Ending a suspended association asks the server nothing") {
  Scenario scenario;
  scenario.run("suspended", "open; start X; end X SUSPEND");
  const auto calls = scenario.world.calls().size();
  scenario.run("ended", "end X SUCCESS");
  CHECK(scenario.world.calls().size() == calls);
  scenario.run("doomed meanwhile", "start Y; end Y SUSPEND");
  scenario.world.set_doomed(XA_RBTIMEOUT);
  scenario.run("the session knows", "end Y SUCCESS = RBTIMEOUT; rollback Y");
}
