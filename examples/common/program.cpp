// The command line of the examples; see the header.
#include "program.hpp"

#include <iomanip>
#include <iostream>
#include <utility>

#include "ad_hoc.hpp"
#include "refused.hpp"

namespace examples {

Program::Program(std::string name, const std::string& description)
    : name_(std::move(name)), line_(description, name_) {
  line_.add_option("--config", config_file_, "configuration of the transaction manager")
      .envname("XABRIDGE_CONFIG")
      .required();
  line_.add_option("--kill-at", kill_at_, "die by SIGKILL at EVENT or EVENT:COUNT, e.g. decided:3");
  line_.require_subcommand();
  line_.footer(
      "Exit codes: 0 done, 1 failed, 2 refused by a business rule, 3 not committed, 4 the databases"
      "\ndiffer, 130 or 143 stopped by SIGINT or SIGTERM: what was begun is finished.");
}

xabridge::cli::Command Program::command(const std::string& name, const std::string& text,
                                        std::function<int()> function) {
  xabridge::cli::Command added = line_.add_subcommand(name, text);
  added.callback([this, function = std::move(function)] { chosen_ = function; });
  return added;
}

int Program::run(int argc, char** argv) {
  command("recover", "Finish what a killed program left behind",
          [this] { return session().finish_recovery() ? ok : failed; });
  if (const std::optional<int> ended = line_.parse(argc, argv, failed)) return *ended;
  try {
    return chosen_();
  } catch (const Refused& refusal) {
    complain(refusal.what());
    return refused;
  } catch (const std::exception& error) {
    complain(error.what());
    return failed;
  }
}

xabridge::Config Program::config() const { return xabridge::Config::load(config_file_); }

std::unique_ptr<KillAt> Program::ad_hoc_steps() const {
  if (kill_at_.empty()) return nullptr;
  return std::make_unique<KillAt>(kill_at_, AdHoc::events());
}

void Program::complain(const std::string& text) const {
  std::cerr << name_ << ": " << text << '\n';
}

int Program::print(const std::string& what, const xabridge::Outcome& outcome) {
  std::cout << what << ": " << outcome.to_string() << '\n';
  return outcome.committed() ? ok : not_committed;
}

int Program::print(const Answers& answers) const {
  std::cout << "asked " << answers.asked << "\ncommitted " << answers.committed << "\npending "
            << answers.pending << "\nrolled_back " << answers.rolled_back << "\nunclear "
            << answers.unclear << "\nretries " << answers.retries << "\nper_second " << std::fixed
            << std::setprecision(0)
            << (answers.seconds > 0 ? static_cast<double>(answers.committed) / answers.seconds : 0)
            << '\n';
  if (!answers.first_error.empty()) {
    complain(answers.first_error);
    return failed;
  }
  if (answers.stopped_by == 0) return ok;
  complain("stopped by a signal; everything that was begun is finished");
  return 128 + answers.stopped_by;
}

int Program::print_faults(const std::vector<std::string>& faults) const {
  for (const std::string& fault : faults) complain(fault);
  return faults.empty() ? ok : books_differ;
}

}  // namespace examples
