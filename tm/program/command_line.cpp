// The one file that includes CLI11.
#include "command_line.hpp"

#include <CLI/CLI.hpp>
#include <utility>

namespace xabridge::cli {

Option& Option::required() {
  option_->required();
  return *this;
}

Option& Option::envname(const char* variable) {
  option_->envname(variable);
  return *this;
}

Option& Option::type_name(const char* name) {
  option_->type_name(name);
  return *this;
}

Option& Option::range(long long least, long long most) {
  option_->check(CLI::Range(least, most));
  return *this;
}

Option& Option::real_range(double least, double most) {
  option_->check(CLI::Range(least, most));
  return *this;
}

Option& Option::one_of(std::vector<std::string> values) {
  option_->check(CLI::IsMember(std::move(values)));
  return *this;
}

Option& Option::check(std::function<std::string(const std::string&)> complaint) {
  option_->check(std::move(complaint));
  return *this;
}

Option& Option::delimiter(char between) {
  option_->delimiter(between);
  return *this;
}

Option& Option::one_value_each() {
  option_->allow_extra_args(false);
  return *this;
}

Option& Option::needs(Option other) {
  option_->needs(other.option_);
  return *this;
}

Option& Option::excludes(Option other) {
  option_->excludes(other.option_);
  return *this;
}

Option& Option::hidden() {
  option_->group("");
  return *this;
}

template <class T>
Option Command::add_option(const std::string& name, T& value, const std::string& help) {
  return Option(app_->add_option(name, value, help));
}

Option Command::add_flag(const std::string& name, bool& value, const std::string& help) {
  return Option(app_->add_flag(name, value, help));
}

Command Command::add_subcommand(const std::string& name, const std::string& help) {
  return Command(app_->add_subcommand(name, help));
}

void Command::require_subcommand() { app_->require_subcommand(1); }

void Command::fallthrough() { app_->fallthrough(); }

void Command::footer(const std::string& text) { app_->footer(text); }

void Command::callback(std::function<void()> function) { app_->callback(std::move(function)); }

bool Command::chosen() const { return app_->parsed(); }

bool Command::given(const std::string& option) const { return app_->count(option) != 0; }

CommandLine::CommandLine(const std::string& about, const std::string& program)
    : Command(nullptr), owned_(std::make_unique<CLI::App>(about, program)) {
  app_ = owned_.get();
}

CommandLine::~CommandLine() = default;

void CommandLine::version(const std::string& text) { app_->set_version_flag("--version", text); }

std::optional<int> CommandLine::parse(int argc, const char* const* argv, int usage) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app_->exit(error) == 0 ? 0 : usage;
  }
  return std::nullopt;
}

void CommandLine::complain(const std::string& option, const std::string& text) const {
  static_cast<void>(app_->exit(CLI::ValidationError(option, text)));
}

template Option Command::add_option(const std::string&, int&, const std::string&);
template Option Command::add_option(const std::string&, long&, const std::string&);
template Option Command::add_option(const std::string&, unsigned long&, const std::string&);
template Option Command::add_option(const std::string&, double&, const std::string&);
template Option Command::add_option(const std::string&, std::string&, const std::string&);
template Option Command::add_option(const std::string&, std::vector<int>&, const std::string&);
template Option Command::add_option(const std::string&, std::vector<std::string>&,
                                    const std::string&);

}  // namespace xabridge::cli
