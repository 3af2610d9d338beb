// Program: the command line all examples share: subcommands, --config, --kill-at, exit codes and
// errors, so that each main.cpp shows only what its example does.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "command_line.hpp"
#include "session.hpp"
#include "tally.hpp"

namespace examples {

enum ExitCode { ok = 0, failed = 1, refused = 2, not_committed = 3, books_differ = 4 };

class Program {
 public:
  Program(std::string name, const std::string& description);

  /// A subcommand; `function` is called when it was chosen, after the whole line was read. Its exit
  /// code is the program's; Refused and other exceptions become a message and a code.
  xabridge::cli::Command command(const std::string& name, const std::string& text,
                                 std::function<int()> function);

  /// The rest of main(). SIGINT and SIGTERM end a program between two transactions while it is in
  /// run_clients(); at any other time they end it at once, which loses nothing: recovery finishes.
  int run(int argc, char** argv);

  // --- For the subcommands.
  [[nodiscard]] xabridge::Config config() const;
  [[nodiscard]] Session session() const { return {config_file_, kill_at_}; }
  /// What watches the steps of AdHoc for --kill-at; null when it was not given.
  [[nodiscard]] std::unique_ptr<KillAt> ad_hoc_steps() const;

  /// Prints "WHAT: OUTCOME".
  static int print(const std::string& what, const xabridge::Outcome& outcome);
  /// Prints the counts; an error nobody expected makes it `failed`, a signal 128 + its number.
  [[nodiscard]] int print(const Answers& answers) const;
  /// Prints what a reconciliation found wrong.
  [[nodiscard]] int print_faults(const std::vector<std::string>& faults) const;

 private:
  void complain(const std::string& text) const;

  std::string name_;
  std::string config_file_;
  std::string kill_at_;
  xabridge::cli::CommandLine line_;
  std::function<int()> chosen_;
};

}  // namespace examples
