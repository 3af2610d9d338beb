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

std::vector<std::string> commands_of(CLI::App* app) {
  std::vector<std::string> names;
  for (const CLI::App* one : app->get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(one->get_name());
  return names;
}

/// What may stand where `app` is: its options, and those of the commands it is one of.
std::vector<std::string> options_of(const CLI::App* app) {
  std::vector<std::string> names;
  for (; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* option : app->get_options()) {
      // Those that --help does not show are nobody's business.
      if (option->get_lnames().empty() || option->get_group().empty()) continue;
      const std::string name = "--" + option->get_lnames().front();
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

/// "; did you mean 'check'?", or all of them.
std::string meant_text(const std::string& word, const std::vector<std::string>& names) {
  const std::vector<std::string_view> known(names.begin(), names.end());
  if (const auto meant = word.size() > 1 ? nearest(word, known) : std::nullopt)
    return "; did you mean '" + std::string(*meant) + "'?";
  std::string text = "; there are:";
  for (const std::string& name : names) text += " " + name;
  return text;
}

/// A mistyped command is only "a subcommand is required" to CLI11, and a mistyped option an
/// argument that it did not expect. What is wrong, if it is one of these.
std::string wrong_word(CLI::App* app, int argc, const char* const* argv) {
  const auto option_of = [&](const std::string& word) {
    for (CLI::App* at = app; at != nullptr; at = at->get_parent()) {
      if (auto* option = at->get_option_no_throw(word)) return option;
    }
    return static_cast<CLI::Option*>(nullptr);
  };
  const auto is_number = [](const std::string& word) {
    return word.find_first_not_of("-0123456789.") == std::string::npos;
  };
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--") break;  // values from here
    if (word.starts_with('-') && !is_number(word)) {
      const std::string name = word.substr(0, word.find('='));
      const CLI::Option* option = option_of(name);
      if (option == nullptr)
        return "there is no option '" + name + "'" + meant_text(name, options_of(app));
      if (name != word) continue;
      if (option->get_type_size() > 0) ++i;  // its value
      continue;
    }
    const std::vector<std::string> names = commands_of(app);
    if (names.empty()) continue;  // one of the command's words
    if (std::find(names.begin(), names.end(), word) == names.end())
      return "there is no command '" + word + "'" + meant_text(word, names);
    app = app->get_subcommand(word);
  }
  const std::vector<std::string> names = commands_of(app);
  if (names.empty() || app->get_require_subcommand_min() == 0) return {};
  std::string text = "a command is missing; there are:";
  for (const std::string& name : names) text += " " + name;
  return text;
}

/// As all messages of the program begin.
void print_error(const CLI::App& app, const std::string& text) {
  std::cerr << app.get_name() << ": " << text << "\nRun with --help for more information.\n";
}

}  // namespace

std::optional<int> CommandLine::parse(int argc, const char* const* argv, int usage) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::Success& done) {
    return app_->exit(done);
  } catch (const CLI::ParseError& error) {
    const std::string wrong = wrong_word(app_, argc, argv);
    print_error(*app_, wrong.empty() ? error.what() : wrong);
    return usage;
  }
  return std::nullopt;
}

void CommandLine::complain(const std::string& option, const std::string& text) const {
  print_error(*app_, CLI::ValidationError(option, text).what());
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
