// The program itself, without a server: its options, and that it sees what breaks the contract.
#include "self/program.hpp"

#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <set>

#include "catch.hpp"
#include "engine/statement.hpp"

using namespace xabridge::conformance;

namespace {

std::string with_switch(const std::string& symbol, const std::string& more) {
  return "--switch " OBLIGING_RM " --symbol " + symbol + " --open '' " + more;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the catalogue has 291 statements with ids of their own in order") {
  const auto all = catalogue();
  CHECK(all.size() == 291);
  CHECK(std::is_sorted(all.begin(), all.end(),
                       [](const auto& a, const auto& b) { return a.id < b.id; }));
  std::set<std::string_view> ids;
  for (const Statement& statement : all) {
    INFO(statement.id);
    CHECK(ids.insert(statement.id).second);
    CHECK_FALSE(statement.call.empty());
    const bool of_manager = statement.kind == Kind::manager || statement.id.front() == 'K';
    CHECK((statement.run == nullptr) == of_manager);
  }
}

TEST_CASE("list prints every statement and needs no switch") {
  const Said said = run_conformance("--list");
  CHECK(said.exit_code == 0);
  CHECK(std::count(said.text.begin(), said.text.end(), '\n') == 291);
  const Said some = run_conformance("--list --json --only B05-B10,C13,G");
  CHECK(some.exit_code == 0);
  CHECK(nlohmann::json::parse(some.text).size() == 6 + 1 + 9);
}

TEST_CASE("wrong usage exits with 2 and says what is wrong") {
  const auto refused = [](const std::string& arguments, const std::string& words) {
    const Said said = run_conformance(arguments);
    INFO(arguments << '\n' << said.text);
    CHECK(said.exit_code == 2);
    CHECK(has(said.text, words));
  };
  refused("", "--switch, --symbol and --open are needed");
  refused("--nonsense", "--nonsense");
  refused("--list --only Q17", "Q17");
  refused("--list --only ''", "--only '' names no statement");
  refused("--switch /nowhere/librm.so --symbol s --open ''", "/nowhere/librm.so");
  refused(with_switch("no_such_rm", ""), "no_such_rm");
  refused(with_switch("no_rm", ""), "it is something else");
  refused(with_switch("obliging_rm", "--capability flying"), "flying");
  refused(with_switch("obliging_rm", "--hook explode=true"), "explode");
  refused(with_switch("obliging_rm", "--work " OBLIGING_RM), "xa_conformance_work");
}

TEST_CASE("help tells of exit codes and hooks") {
  const Said said = run_conformance("--help");
  CHECK(said.exit_code == 0);
  CHECK(has(said.text, "cut-session"));
  CHECK(has(said.text, "Exit codes"));
}

TEST_CASE("a resource manager that agrees to everything fails") {
  for (const std::string symbol : {"obliging_rm", "obliging_rm_of"}) {
    const Said said = run_conformance(with_switch(symbol, "--json"));
    REQUIRE(said.exit_code == 1);
    const auto report = nlohmann::json::parse(said.text);
    CHECK(report["statements"].size() == 291);
    std::set<std::string> failed;
    for (const auto& row : report["statements"])
      if (row["verdict"] == "fail") failed.insert(row["id"]);
    CHECK(failed.size() == report["count"]["fail"]);
    // Of each table something, and nothing of what an obliging one does keep.
    for (const char* id : {"A05", "A07", "B05", "B15", "B18", "C02", "C09", "C44", "E04", "E07",
                           "E11", "E19", "E62", "F02", "F07", "F09", "G01"})
      CHECK(failed.contains(id));
    for (const char* id : {"A01", "A02", "A03", "B01", "C01"}) CHECK_FALSE(failed.contains(id));
  }
}

TEST_CASE("a call that hangs fails its statement and the program goes on") {
  const Said said =
      run_conformance(with_switch("hanging_rm", "--limit 1 --json --only A03,A04,B14"));
  CHECK(said.exit_code == 1);
  const auto report = nlohmann::json::parse(said.text);
  REQUIRE(report["statements"].size() == 3);
  CHECK(report["statements"][1]["verdict"] == "fail");
  CHECK(has(report["statements"][1]["text"], "did not return within 1 s"));
  CHECK(report["count"]["fail"] == 2);  // B14's check that the rmid is closed
}

TEST_CASE("a crash of the switch names the statement and the call") {
  const Said said = run_conformance(with_switch("crashing_rm", "--only A03,A04"));
  CHECK(said.exit_code == 128 + SIGABRT);
  CHECK(has(said.text, "A03  pass"));
  CHECK(has(said.text, "SIGABRT in A04"));
  CHECK(has(said.text, "xa_prepare"));
}

TEST_CASE("a list longer than its array fails the statement and harms nothing") {
  const Said said = run_conformance(with_switch("overrunning_rm", "--only F01,B14"));
  CHECK(said.exit_code == 1);
  CHECK(has(said.text, "wrote behind the array"));
  CHECK(has(said.text, "2 statements"));
}

TEST_CASE("a switch without entries fails every statement and none is called") {
  const Said said = run_conformance(with_switch("empty_rm", "--only A03,B01,E01"));
  CHECK(said.exit_code == 1);
  CHECK(has(said.text, "lacks xa_open, xa_close"));
  CHECK(has(said.text, "3 failed"));
}

TEST_CASE("an open string that is refused is told before any statement is tried") {
  const Said said = run_conformance(with_switch("choosy_rm", ""));
  INFO(said.text);
  CHECK(said.exit_code == 2);
  CHECK(has(said.text, "xa_open with this --open answers XAER_INVAL"));
  CHECK_FALSE(has(said.text, "A01"));
  const Said reason = run_conformance("--switch " POSTGRESQL_SWITCH
                                      " --symbol xabridge_postgresql_switch --open dir=x");
  INFO(reason.text);
  CHECK(reason.exit_code == 2);
  CHECK(has(reason.text, "unknown key \"dir\""));
}

TEST_CASE("an interrupt ends the run with the report so far") {
  const Said said = run_conformance(with_switch("interrupting_rm", "--only A03,A04,B14"));
  CHECK(said.exit_code == 130);
  CHECK(has(said.text, "1 statements: 1 passed"));
  CHECK(has(said.text, "interrupted in A04"));
}
