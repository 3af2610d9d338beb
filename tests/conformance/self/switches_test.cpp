// Every statement, on our switches and the real servers: none fails, and what is not applicable is
// so for a reason that is known and the server's.
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>

#include "catch.hpp"
#include "self/program.hpp"

using namespace xabridge::conformance;

namespace {

std::string variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}

/// "postgresql", "mysql" or "mariadb".
std::string server() { return variable("XABRIDGE_TEST_SERVER"); }

/// XABRIDGE_TEST_<SERVER><suffix>
std::string setting(const std::string& suffix) {
  std::string name = server();
  for (char& c : name) c = static_cast<char>(c - 'a' + 'A');
  return variable("XABRIDGE_TEST_" + name + suffix);
}

std::set<std::string> known_reasons(bool dynamic) {
  std::set<std::string> known{
      "tests a transaction manager: run tm-conformance",
      "the switch has TMUSEASYNC",
      "the switch has no TMNOMIGRATE",
      "C39 gave XA_OK",
  };
  if (dynamic) {
    known.insert("table 6-2 is for switches without TMREGISTER");
    known.insert("xa_start is not for switches with TMREGISTER");
  } else {
    known.insert("the switch has no TMREGISTER");
  }
  if (server() != "mariadb")
    known.insert("able at any time as far as the suite can tell: needs --hook busy=COMMAND");
  if (server() != "postgresql") {
    known.insert("capability heur not claimed");
    known.insert("capability rdo not claimed");
    known.insert("MySQL and MariaDB have no constraint that is checked at prepare or commit");
  }
  // Servers of somebody else's are not restarted.
  if (setting("_CONTROL").empty()) known.insert("needs --hook restart=COMMAND");
  return known;
}

/// "scripts/servers mysql", a word that names the server last.
std::string restart_hook() {
  const std::string control = setting("_CONTROL");
  const auto space = control.rfind(' ');
  if (control.empty() || space == std::string::npos) return "";
  return " --hook " +
         quoted("restart=" + control.substr(0, space) + " restart" + control.substr(space));
}

void conforms(bool dynamic) {
  const std::string open = setting("");
  if (open.empty()) FAIL("no server to test on; eval \"$(scripts/servers env)\" sets it");
  const bool postgresql = server() == "postgresql";
  std::string symbol = postgresql ? "xabridge_postgresql_switch" : "xabridge_mysql_switch";
  if (dynamic) symbol += "_dynamic";
  const Said said =
      run_conformance("--json --switch " + std::string(postgresql ? POSTGRESQL_RM : MYSQL_RM) +
                      " --symbol " + symbol + " --open " + quoted(open) + restart_hook());
  INFO(said.text.substr(0, 4000));
  REQUIRE(said.exit_code < 2);
  const auto report = nlohmann::json::parse(said.text);
  CHECK(report["statements"].size() == 291);
  const auto known = known_reasons(dynamic);
  std::string wrong;
  for (const auto& row : report["statements"]) {
    const std::string text = row["text"];
    const bool surprising = row["verdict"] == "not applicable" && !known.contains(text);
    if (row["verdict"] == "fail" || surprising) {
      wrong += std::string(row["id"]) + " " + std::string(row["verdict"]) + ": " +
               std::string(row["before"]) + " | " + std::string(row["call"]) + " | " +
               std::string(row["must_return"]) + "\n" + text + "\n";
    }
  }
  if (!wrong.empty()) FAIL(wrong);
}

}  // namespace

TEST_CASE("the static switch keeps every statement") { conforms(false); }

TEST_CASE("the dynamic switch keeps every statement") { conforms(true); }
