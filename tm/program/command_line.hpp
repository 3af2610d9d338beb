// The command line of our programs: subcommands, options, flags, help and errors, by CLI11.
//
// CLI11 is header-only, and including it costs as much to compile as twenty files of ours. So only
// command_line.cpp does. Names and rules are CLI11's own; what no program here uses is left out.
// Command and Option are handles of what the CommandLine owns: copy them as you like while it
// lives. The variables that options are bound to outlive the call of parse().
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace xabridge::cli {

class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}

  Option& required();
  /// Taken from this variable of the environment where the command line does not give it.
  Option& envname(const char* variable);
  /// What --help calls the value.
  Option& type_name(const char* name);
  /// Both ends are allowed.
  Option& range(long long least, long long most);
  Option& real_range(double least, double most);
  Option& one_of(std::vector<std::string> values);
  /// The function says what is wrong with a value; empty: nothing.
  Option& check(std::function<std::string(const std::string&)> complaint);
  /// Several values in one word.
  Option& delimiter(char between);
  /// Each value has the option's name before it.
  Option& one_value_each();
  Option& needs(Option other);
  Option& excludes(Option other);
  /// Not in --help.
  Option& hidden();

 private:
  CLI::Option* option_;
};

class Command {
 public:
  explicit Command(CLI::App* app) : app_(app) {}

  /// T: int, long, unsigned long, double, std::string, or a vector of int or std::string. Without
  /// dashes it is positional. The value at the time of the call is the default.
  template <class T>
  Option add_option(const std::string& name, T& value, const std::string& help = {});
  Option add_flag(const std::string& name, bool& value, const std::string& help = {});
  Command add_subcommand(const std::string& name, const std::string& help);
  /// Exactly one subcommand must be chosen.
  void require_subcommand();
  /// Options unknown here may be the parent's.
  void fallthrough();
  /// Text below --help.
  void footer(const std::string& text);
  /// Called once the whole command line was read, where this command was chosen.
  void callback(std::function<void()> function);

  [[nodiscard]] bool chosen() const;
  [[nodiscard]] bool given(const std::string& option) const;

 protected:
  CLI::App* app_;
};

class CommandLine : public Command {
 public:
  CommandLine(const std::string& about, const std::string& program);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  /// --version prints this.
  void version(const std::string& text);
  /// A value: the program ends with it. 0: --help or --version was asked for and printed; `usage`:
  /// the line is wrong, and standard error says why.
  [[nodiscard]] std::optional<int> parse(int argc, const char* const* argv, int usage);
  /// Prints what is wrong with an option's value as parse() does; for what only the program knows.
  void complain(const std::string& option, const std::string& text) const;

 private:
  std::unique_ptr<CLI::App> owned_;
};

extern template Option Command::add_option(const std::string&, int&, const std::string&);
extern template Option Command::add_option(const std::string&, long&, const std::string&);
extern template Option Command::add_option(const std::string&, unsigned long&, const std::string&);
extern template Option Command::add_option(const std::string&, double&, const std::string&);
extern template Option Command::add_option(const std::string&, std::string&, const std::string&);
extern template Option Command::add_option(const std::string&, std::vector<int>&,
                                           const std::string&);
extern template Option Command::add_option(const std::string&, std::vector<std::string>&,
                                           const std::string&);

}  // namespace xabridge::cli
