// tm-conformance: the statements about a transaction manager (class t, and K08 - K11, K28 of class
// f), tried on xabridge's over scripted resource managers.
//
// Exit code 1 when a statement failed, 2 for a wrong command line.
#include <iostream>
#include <optional>

#include "command_line.hpp"
#include "sections.hpp"

namespace {

namespace conformance = xabridge::conformance;
using tm_conformance::Bodies;

struct Options {
  std::vector<std::string> only;
  conformance::Report::Format format = conformance::Report::Format::text;
  bool list = false;
};

/// Empty: the program has said what there is to say, and ends with `code`.
std::optional<Options> parse(int argc, char** argv, int& code) {
  xabridge::cli::CommandLine app(
      "Tries xabridge's transaction manager against the statements about one.", "tm-conformance");
  Options options;
  bool json = false;
  app.add_flag("--list", options.list, "the statements, without trying them");
  app.add_option("--only", options.only, "ids, ranges or sections: K05,D01-D08,H").delimiter(',');
  app.add_flag("--json", json, "for programs");
  app.footer("Exit codes: 0 no statement failed; 1 one did; 2 wrong usage.");
  if (const std::optional<int> ended = app.parse(argc, argv, 2)) {
    code = *ended;
    return std::nullopt;
  }
  if (const auto unknown = conformance::unknown_selection(options.only)) {
    app.complain("--only", "'" + *unknown + "' names no statement");
    code = 2;
    return std::nullopt;
  }
  if (json) options.format = conformance::Report::Format::json;
  return options;
}

Bodies all_bodies() {
  Bodies all;
  for (const Bodies* section :
       {&tm_conformance::section_d(), &tm_conformance::section_h(), &tm_conformance::section_k(),
        &tm_conformance::section_k_recovery()}) {
    all.insert(section->begin(), section->end());
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() == 3 && arguments[0] == "--victim") {
    tm_conformance::run_victim(arguments[1], arguments[2]);
  }
  int code = 0;
  const std::optional<Options> parsed = parse(argc, argv, code);
  if (!parsed) return code;
  const Options& options = *parsed;
  const Bodies bodies = all_bodies();
  conformance::Report report(std::cout, options.format);
  for (const conformance::Statement& statement : conformance::catalogue()) {
    // Statements whose bodies are in xa-conformance test a resource manager.
    if (statement.run != nullptr || !conformance::selected(statement.id, options.only)) continue;
    if (options.list) {
      conformance::print_catalogue(std::cout, {std::string(statement.id)}, options.format);
      continue;
    }
    const auto body = bodies.find(statement.id);
    report.add(conformance::judge(statement, [&] {
      if (body == bodies.end()) throw conformance::NotApplicable{"no body yet"};
      body->second();
    }));
  }
  if (options.list) return 0;
  report.close();
  return report.exit_code();
}
