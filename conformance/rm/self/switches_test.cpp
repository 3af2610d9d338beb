// Every statement, on our switches and the real servers: none fails, and what is not applicable is
// so for a reason that is known and the server's.
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>

#include "catch.hpp"
#include "self/leftovers.hpp"
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

nlohmann::json report_of(const std::string& symbol, const std::string& open,
                         const std::string& more) {
  const std::string library = server() == "postgresql" ? POSTGRESQL_RM : MYSQL_RM;
  const Said said = run_conformance("--json --switch " + library + " --symbol " + symbol +
                                    " --open " + quoted(open) + more);
  if (said.exit_code != 0 && said.exit_code != 1) FAIL(said.text);
  return nlohmann::json::parse(said.text);
}

/// What the run has against the switch, in the words of the failing statements.
std::string objections(const nlohmann::json& report, const std::set<std::string>& known) {
  std::string text;
  for (const auto& row : report["statements"]) {
    const bool surprising = row["verdict"] == "not applicable" && !known.contains(row["text"]);
    if (row["verdict"] != "fail" && !surprising) continue;
    for (const char* part : {"id", "verdict", "before", "call", "must_return"})
      text += std::string(row[part]) + (std::string(part) == "must_return" ? "\n" : " | ");
    text += std::string(row["text"]) + "\n";
  }
  return text;
}

void conforms(bool dynamic) {
  std::string open = setting("");
  if (open.empty()) FAIL("no server to test on; eval \"$(scripts/servers env)\" sets it");
  std::string symbol =
      server() == "postgresql" ? "xabridge_postgresql_switch" : "xabridge_mysql_switch";
  if (dynamic) symbol += "_dynamic";
  auto known = known_reasons(dynamic);
  const bool ours = !setting("_CONTROL").empty();
  if (ours) {
    INFO("left prepared by a test before this one, and rolled back now");
    CHECK(roll_back_leftovers(server() == "postgresql", setting("_ADMIN")) == "");
  }

  // First as a user would connect; and the server restarts.
  const auto first = report_of(symbol, open, restart_hook() + " --only B,E51");
  CHECK(first["statements"].size() == 30);
  std::string wrong = objections(first, known);

  // Nearly all the time of the rest would go into TLS, which servers of ours can do without: MySQL
  // since it has seen the password above.
  if (ours && server() != "postgresql") open += " sslmode=disable";
  known.insert("needs --hook restart=COMMAND");
  const auto rest = report_of(symbol, open, "");
  CHECK(rest["statements"].size() == 291);
  wrong += objections(rest, known);
  if (!wrong.empty()) FAIL(wrong);
}

}  // namespace

TEST_CASE("the static switch keeps every statement") { conforms(false); }

TEST_CASE("the dynamic switch keeps every statement") { conforms(true); }
