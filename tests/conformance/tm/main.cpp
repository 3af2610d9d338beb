// tm-conformance: the statements about a transaction manager (class t, and K08 - K11, K28 of class
// f), tried on xabridge's over scripted resource managers.
//
//   tm-conformance [--only K05,H] [--json] [--list]
//
// Exit code 1 when a statement failed, 2 for a wrong command line.
#include <iostream>
#include <sstream>

#include "sections.hpp"

namespace {

namespace conformance = xabridge::conformance;
using tm_conformance::Bodies;

struct Options {
  std::vector<std::string> only;
  conformance::Report::Format format = conformance::Report::Format::text;
  bool list = false;
};

[[noreturn]] void usage(const std::string& problem) {
  std::cerr << "tm-conformance: " << problem << "\n"
            << "usage: tm-conformance [--only K05,H,D01-D08] [--json] [--list]\n";
  std::exit(2);
}

Options parse(const std::vector<std::string>& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--json") {
      options.format = conformance::Report::Format::json;
    } else if (arguments[i] == "--list") {
      options.list = true;
    } else if (arguments[i] == "--only" && i + 1 < arguments.size()) {
      std::istringstream entries(arguments[++i]);
      for (std::string entry; std::getline(entries, entry, ',');) options.only.push_back(entry);
    } else {
      usage("what is '" + arguments[i] + "'?");
    }
  }
  const std::string unknown = conformance::unknown_selection(options.only);
  if (!unknown.empty()) usage("--only " + unknown + " names no statement");
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
  const Options options = parse(arguments);
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
