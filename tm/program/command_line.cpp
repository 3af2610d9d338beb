// The one file that includes CLI11.
#include "command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <utility>
#include <xabridge/nearest.hpp>

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

namespace {

/// A mistyped command is only "a subcommand is required" to CLI11. What is wrong, if it is that.
std::string wrong_command(CLI::App* app, int argc, const char* const* argv) {
  const auto option_of = [&](const std::string& word) {
    for (CLI::App* at = app; at != nullptr; at = at->get_parent()) {
      if (auto* option = at->get_option_no_throw(word)) return option;
    }
    return static_cast<CLI::Option*>(nullptr);
  };
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.starts_with('-')) {
      const CLI::Option* option = option_of(word);
      if (option != nullptr && option->get_type_size() > 0) ++i;  // its value
      continue;
    }
    const auto commands = app->get_subcommands([](const CLI::App*) { return true; });
    if (commands.empty()) return {};
    const auto chosen = std::find_if(commands.begin(), commands.end(), [&](const CLI::App* one) {
      return one->get_name() == word;
    });
    if (chosen != commands.end()) {
      app = *chosen;
      continue;
    }
    std::vector<std::string> names;
    for (const CLI::App* one : commands) names.push_back(one->get_name());
    const std::vector<std::string_view> known(names.begin(), names.end());
    std::string text = "there is no command '" + word + "'";
    if (const auto meant = nearest(word, known))
      return text + "; did you mean '" + std::string(*meant) + "'?";
    text += "; there are:";
    for (const std::string& name : names) text += " " + name;
    return text;
  }
  return {};
}

}  // namespace

std::optional<int> CommandLine::parse(int argc, const char* const* argv, int usage) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::Success& done) {
    return app_->exit(done);
  } catch (const CLI::ParseError& error) {
    const std::string wrong = wrong_command(app_, argc, argv);
    if (wrong.empty()) return app_->exit(error) == 0 ? 0 : usage;
    std::cerr << app_->get_name() << ": " << wrong << "\nRun with --help for more information.\n";
    return usage;
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
