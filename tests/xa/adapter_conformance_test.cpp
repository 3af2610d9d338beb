// The conformance statements every resource manager must meet (those without a capability), groups
// A to F, as far as they can be told without a server. The ids are those of the conformance list;
// the steps are explained in script.hpp.

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
  }
}

}  // namespace

TEST_CASE("XIDs are compared by the bytes in use and by their division") {
  static constexpr Statement statements[] = {
      {"A04", "open; start X; end X SUCCESS; prepare garbage; commit X"},
      {"A05", "open; start X; end X SUCCESS; prepare X; commit split = NOTA; commit X"},
      {"A06", "open; start X; end X SUCCESS; prepare X; commit format = NOTA; commit X"},
  };
  check(statements);
}

TEST_CASE("Opening and closing follow table 6-1") {
  static constexpr Statement statements[] = {
      {"B01", "open; start X"},
      {"B02", "open; open; start X"},
      {"B03", "open; start X; open; end X SUCCESS"},
      {"B04", "down; open = RMERR; start X = PROTO; up; open; start X"},
      {"B05", "open NULL = INVAL; start X = PROTO"},
      {"B06", "open LONG = INVAL; start X = PROTO"},
      {"B07", "open JOIN = INVAL; start X = PROTO"},
      {"B08", "open SUCCESS = INVAL; start X = PROTO"},
      {"B09", "open ONEPHASE = INVAL; start X = PROTO"},
      {"B10", "open REGISTER = INVAL; start X = PROTO"},
      {"B11", "open ASYNC = ASYNC; start X = PROTO"},
      {"B12", "open; close ASYNC = ASYNC; start X"},
      {"B13", "open; close; start X = PROTO"},
      {"B14", "close"},
      {"B15", "open; start X; close = PROTO; end X SUCCESS; prepare X"},
      {"B17", "open; close SUCCESS = INVAL; start X"},
      {"B18", "start X = PROTO"},
      {"B19", "end X SUCCESS = PROTO"},
      {"B20", "prepare X = PROTO"},
      {"B21", "commit X = PROTO"},
      {"B22", "rollback X = PROTO"},
      {"B23", "forget X = PROTO"},
      {"B24", "recover 3 START = PROTO"},
      {"B25", "open; start@2 X = PROTO"},
      {"B26", "open; 2:start X = PROTO; start X"},
      {"B27", "open; open@2 other; start X; close@2; end X SUCCESS; prepare X"},
      {"B28", "open; start X; cut; end X SUCCESS = RMFAIL; start Y = PROTO; open; start Y"},
      {"B29", "open; start X; end X SUCCESS; prepare X; close; open; recover 9 START|END = 1"},
      {"unknown key", "open BAD = INVAL; start X = PROTO"},
      {"other open string", "open; open other = INVAL; 2:open other = INVAL; 2:open; start X"},
      {"closed by all, then another",
       "open; 2:open; close; 2:open other = INVAL; 2:close; "
       "2:open other"},
      {"the last close ends it", "open; close; close; open; start X"},
  };
  check(statements);
}

TEST_CASE("Starting a branch follows table 6-2") {
  static constexpr Statement statements[] = {
      {"C01", "open; start X; end X SUCCESS"},
      {"C02", "open; start X; start X = PROTO/DUPID; end X SUCCESS"},
      {"C03", "open; start X; start Y = PROTO; end Y SUCCESS = NOTA; end X SUCCESS"},
      {"C04", "open; start X; start X JOIN = PROTO; end X SUCCESS"},
      {"C05", "open; start X; start X RESUME = PROTO; end X SUCCESS"},
      {"C06", "open; start X; end X SUCCESS; start X = DUPID; prepare X"},
      {"C07", "open; start X; end X SUCCESS; prepare X; start X = DUPID; commit X"},
      {"C08", "open; 2:open; 2:start X; start X = DUPID; 2:end X SUCCESS"},
      {"C09", "open; start X JOIN = NOTA; start X"},
      {"C10", "open; start X RESUME = NOTA; start X"},
      {"C11", "open; start X; end X SUCCESS; start X RESUME = PROTO; prepare X"},
      {"C12", "open; start X; end X SUCCESS; prepare X; start X JOIN = PROTO; commit X"},
      {"C16", "open; start X; end X SUCCESS; start X JOIN|RESUME = INVAL; prepare X"},
      {"C17", "open; start X SUCCESS = INVAL; start X"},
      {"C18", "open; start X ONEPHASE = INVAL; start X"},
      {"C19", "open; start X MIGRATE = INVAL; start X"},
      {"C20", "open; start X START = INVAL; start X"},
      {"C21", "open; start NULL = INVAL; start X"},
      {"C22", "open; start none = INVAL; start X"},
      {"C23", "open; start g0 = INVAL; start X"},
      {"C24", "open; start g65 = INVAL; start X"},
      {"C25", "open; start b65 = INVAL; start X"},
      {"an empty bqual is no new branch", "open; start b0 = INVAL; rollback b0 = NOTA"},
      {"C26", "open; start X ASYNC = ASYNC; start X"},
      {"async and no wait", "open; start X ASYNC|NOWAIT = INVAL; start X"},
      {"TMNOWAIT", "open; start X NOWAIT; end X SUCCESS"},
  };
  check(statements);
}

TEST_CASE("Ending an association follows table 6-2") {
  static constexpr Statement statements[] = {
      {"C27", "open; start X; end X SUCCESS|ASYNC = ASYNC; end X SUCCESS"},
      {"C29", "open; start X; end X SUCCESS; prepare X"},
      {"C30", "open; start X; end X FAIL = RB; prepare X = PROTO; rollback X; rollback X = NOTA"},
      {"C44", "open; start X; end X 0 = INVAL; end X SUCCESS"},
      {"C45", "open; start X; end X MIGRATE = INVAL; end X SUCCESS"},
      {"C46", "open; start X; end X SUCCESS|MIGRATE = INVAL; end X SUCCESS"},
      {"C47", "open; start X; end X SUCCESS|FAIL = INVAL; end X SUCCESS"},
      {"C48", "open; start X; end X SUCCESS|SUSPEND = INVAL; end X SUCCESS"},
      {"C49", "open; start X; end X SUCCESS|JOIN = INVAL; end X SUCCESS"},
      {"C50", "open; end X SUCCESS = NOTA"},
      {"C51", "open; start Y; end X SUCCESS = NOTA; end Y SUCCESS"},
      {"C52", "open; start X; end X SUCCESS; end X SUCCESS = PROTO; prepare X"},
      {"C53", "open; start X; end X SUCCESS; prepare X; end X SUCCESS = PROTO; commit X"},
      {"C54", "open; start X; end X SUCCESS; start Y; end X SUCCESS = PROTO; end Y SUCCESS"},
      {"C55", "open; 2:open; 2:start X; end X SUCCESS = PROTO; 2:end X SUCCESS"},
      {"C56", "open; start X; end X SUCCESS; start Y; end Y SUCCESS; prepare X; prepare Y"},
  };
  check(statements);
}

TEST_CASE("Completing a branch follows table 6-4") {
  static constexpr Statement statements[] = {
      {"E01", "open; start X; end X SUCCESS; prepare X; commit X"},
      {"E04", "open; start X; prepare X = PROTO; end X SUCCESS; prepare X"},
      {"E05", "open; 2:open; 2:start X; prepare X = PROTO; 2:end X SUCCESS; prepare X"},
      {"E06", "open; start X; end X SUCCESS; prepare X; prepare X = PROTO; commit X"},
      {"E07", "open; prepare X = NOTA"},
      {"E08", "open; commit X = NOTA"},
      {"E09", "open; commit X ONEPHASE = NOTA"},
      {"E10", "open; rollback X = NOTA"},
      {"E11", "open; start X; end X SUCCESS; prepare X ONEPHASE = INVAL; prepare X"},
      {"E12", "open; start X; end X SUCCESS; prepare X NOWAIT = INVAL; prepare X"},
      {"E14", "open; start X; end X SUCCESS; prepare X; commit X; recover 9 START|END = 0"},
      {"E15", "open; 2:open; start X; end X SUCCESS; prepare X; 2:commit X; commit X = NOTA"},
      {"E18", "open; start X; end X SUCCESS; commit X ONEPHASE; commit X = NOTA"},
      {"E19", "open; start X; end X SUCCESS; commit X = PROTO; commit X ONEPHASE"},
      {"E20", "open; start X; end X SUCCESS; prepare X; commit X ONEPHASE = PROTO; commit X"},
      {"E21", "open; start X; commit X = PROTO; end X SUCCESS"},
      {"E22", "open; start X; commit X ONEPHASE = PROTO; end X SUCCESS"},
      {"E26", "open; start X; end X SUCCESS; prepare X; commit X; commit X = NOTA"},
      {"E27", "open; start X; end X SUCCESS; prepare X; commit X FAIL = INVAL; commit X"},
      {"E28", "open; start X; end X SUCCESS; prepare X; commit X JOIN = INVAL; commit X"},
      {"E29", "open; start X; end X SUCCESS; prepare X; commit X NOWAIT = OK/RETRY"},
      {"E30", "open; start X; end X SUCCESS; prepare X; start Y; commit X; end Y SUCCESS"},
      {"E34", "open; start X; end X SUCCESS; rollback X = OK/RB; rollback X = NOTA"},
      {"E35", "open; start X; end X SUCCESS; prepare X; rollback X; commit X = NOTA"},
      {"E36", "open; start X; end X FAIL = RB; rollback X = OK/RB; start X"},
      {"E37", "open; start X; rollback X = PROTO; end X SUCCESS"},
      {"E38", "open; 2:open; 2:start X; rollback X = PROTO; 2:end X SUCCESS"},
      {"E39", "open; start X; end X SUCCESS; prepare X; rollback X ONEPHASE = INVAL; commit X"},
      {"E40", "open; start X; end X SUCCESS; prepare X; rollback X NOWAIT = INVAL; commit X"},
      {"E41", "open; start X; end X SUCCESS; prepare X ASYNC = ASYNC; prepare X"},
      {"E42", "open; start X; end X SUCCESS; prepare X; commit X ASYNC = ASYNC; commit X"},
      {"E43", "open; start X; end X SUCCESS; prepare X; rollback X ASYNC = ASYNC; commit X"},
      {"E44", "open; forget X ASYNC = ASYNC"},
      {"E45", "open; prepare NULL = INVAL"},
      {"E46", "open; commit NULL = INVAL"},
      {"E47", "open; rollback NULL = INVAL"},
      {"E48", "open; forget NULL = INVAL"},
      {"E49",
       "open; start X; end X SUCCESS; commit X ONEPHASE; start X; end X SUCCESS; "
       "rollback X; start X"},
      {"E50", "open; 2:open; 2:start X; 2:exit; recover 9 START|END = 0; rollback X = NOTA"},
      {"E52", "open; start X; end X FAIL = RB; prepare X = PROTO/RB; rollback X = OK/RB/NOTA"},
      {"E53", "open; start X; end X FAIL = RB; commit X ONEPHASE = PROTO/RB; rollback X"},
      {"E62", "open; forget X = NOTA"},
      {"E63", "open; start X; end X SUCCESS; forget X = NOTA/PROTO; prepare X"},
      {"E64", "open; start X; end X SUCCESS; prepare X; forget X = NOTA/PROTO; commit X"},
      {"G01", "open; complete = PROTO/INVAL; complete FAIL = INVAL; complete MULTIPLE = PROTO"},
  };
  check(statements);
}

TEST_CASE("A recovery scan has a cursor per thread and rmid") {
  const std::string three =
      "open; start X; end X SUCCESS; prepare X; start Y; end Y SUCCESS; "
      "prepare Y; start Z; end Z SUCCESS; prepare Z; ";
  const std::pair<const char*, std::string> statements[] = {
      {"F01", "open; recover 9 START|END = 0; recover 9 0 = INVAL"},
      {"F02", three + "recover 9 START|END = 3; recover 9 0 = INVAL"},
      {"F03", three + "recover 2 START = 2; recover 2 0 = 1; recover 2 0 = 0"},
      {"F04", three + "recover 3 START = 3; recover 3 0 = 0"},
      {"F05", three + "recover 2 START = 2; recover 2 END = 1; recover 2 0 = INVAL"},
      {"F06", three + "recover 2 START = 2; recover 2 START = 2; recover 2 0 = 1"},
      {"F07", "open; recover 2 0 = INVAL"},
      {"F08", "open; recover 2 END = INVAL"},
      {"F09", "open; recover 1 START NULL = INVAL; recover 1 0 = INVAL"},
      {"F10", "open; recover -1 START = INVAL; recover 1 0 = INVAL"},
      {"F11", "open; recover 1 START|JOIN = INVAL; recover 1 0 = INVAL"},
      {"F12", three + "recover 0 START|END NULL = 0"},
      {"F13", "open; recover 1 START|ASYNC = INVAL/ASYNC; recover 1 0 = INVAL"},
      {"F14",
       "open; start X; end X SUCCESS; prepare X; start Y; recover 9 START|END = 1; "
       "end Y SUCCESS; prepare Y"},
      {"F15", "open; start X; end X SUCCESS; recover 9 START|END = 0; prepare X"},
      {"F17", three + "recover 2 START = 2; close; open; recover 2 0 = INVAL"},
      {"F18", three + "2:open; recover 2 START = 2; 2:recover 2 0 = INVAL; recover 2 0 = 1"},
  };
  for (const auto& [id, steps] : statements) {
    Scenario scenario;
    scenario.run(id, steps);
  }
}

TEST_CASE("A listed name that is no XID invents no XID") {
  Scenario scenario;  // F16
  scenario.world.add_foreign("somebody else's");
  scenario.run("F16", "open; recover 9 START|END = 0");
}

TEST_CASE("A branch of another process is completed at the server") {
  using xabridge::rm::test::xid_named;
  Scenario scenario;  // E16 and E17
  scenario.world.add_prepared(xid_named("X"));
  scenario.world.add_prepared(xid_named("Y"));
  scenario.run("E16", "open; commit X; commit X = NOTA");
  scenario.run("E17", "rollback Y; rollback Y = NOTA");
  CHECK_FALSE(scenario.world.is_prepared(xid_named("X")));
}

TEST_CASE("Flags whose sign was extended by an int are understood") {
  Scenario scenario;
  scenario.run("open", "open");
  const XID xid = xabridge::rm::test::xid_named("X").raw();
  const long through_int = static_cast<long>(static_cast<int>(TMASYNC));
  CHECK(scenario.rm.prepare(&xid, 1, through_int) == XAER_ASYNC);
  CHECK(scenario.rm.prepare(&xid, 1, -1L) == XAER_INVAL);
}
