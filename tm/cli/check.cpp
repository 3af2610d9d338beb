// xabridge check: would a transaction work, and would what is promised hold? Before the first one.
#include <iostream>
#include <map>

#include "ask_all.hpp"
#include "command.hpp"
#include "log_directory.hpp"
#include "picture.hpp"

namespace xabridge::cli {
namespace {

using tm::ServerFinding;

const char* word(int severity) {
  switch (severity) {
    case XABRIDGE_FINDING_OK:
      return "ok";
    case XABRIDGE_FINDING_WARNING:
      return "WARNING";
    default:
      return "ERROR";
  }
}

class Report {
 public:
  void section(const std::string& title) { std::cout << title << '\n'; }
  void finding(const ServerFinding& f) {
    if (f.severity == XABRIDGE_FINDING_WARNING) ++warnings_;
    if (f.severity == XABRIDGE_FINDING_ERROR) ++errors_;
    std::string tag = word(f.severity);
    tag.resize(7, ' ');
    std::cout << "  " << tag << "  " << f.subject << ": " << f.text << '\n';
    if (!f.fix.empty() && f.severity != XABRIDGE_FINDING_OK) {
      std::cout << "           fix: " << f.fix << '\n';
    }
  }
  void not_opened(const Error& error) {
    ++errors_;
    worst_ = worse(worst_, exit_of(error));
    std::cout << "  ERROR    cannot be opened: " << error.to_string() << '\n';
  }
  void log_unusable(const Error& error) {
    ++errors_;
    worst_ = worse(worst_, Exit::log);
    std::cout << "  ERROR    cannot be used: " << error.to_string() << '\n';
  }
  [[nodiscard]] Exit finish(bool strict) const {
    std::cout << count_text(errors_, "error", "errors") << ", "
              << count_text(warnings_, "warning", "warnings") << '\n';
    const bool findings = errors_ != 0 || (strict && warnings_ != 0);
    return worse(worst_, findings ? Exit::findings : Exit::ok);
  }

 private:
  std::size_t errors_ = 0;
  std::size_t warnings_ = 0;
  Exit worst_ = Exit::ok;
};

struct Checked {
  std::vector<ServerFinding> findings;
  std::optional<std::string> identity;
  Listed listed;  // what it holds, and what is out of reach
};

Result<Checked> check_one(tm::ResourceManager& rm) {
  auto findings = rm.preflight();
  if (!findings) return std::move(findings.error());
  auto identity = rm.identity();
  return Checked{std::move(*findings), identity ? std::move(*identity) : std::nullopt, list_of(rm)};
}

/// Two names for one database are two branches that do not see each other's locks: the second waits
/// for the first, which waits for the commit, for ever.
void check_identity(Report& report, const std::string& name,
                    const std::optional<std::string>& identity,
                    std::map<std::string, std::string>& seen) {
  if (!identity) return;
  const auto [first, fresh] = seen.emplace(*identity, name);
  if (fresh) return;
  report.finding({XABRIDGE_FINDING_ERROR, "database",
                  "is the same database as '" + first->second +
                      "': a transaction that writes one row through both blocks itself",
                  "use one resource manager for both, or point one at another database"});
}

/// What the service would refuse to start with, or leave alone.
void check_log(Report& report, const Picture& picture) {
  std::vector<const Error*> errors;
  if (picture.log_error) errors.push_back(&*picture.log_error);
  if (picture.log) {
    for (const tm::SlotView& slot : picture.log->slots) {
      if (slot.error) errors.push_back(&*slot.error);
    }
  }
  if (errors.empty()) return;
  report.section("decision log");
  for (const Error* error : errors) report.log_unusable(*error);
}

/// Branches of this log root's that no configured account can complete keep their locks for ever,
/// and the account in the open string was most likely exchanged. A running owner has its own.
void check_out_of_reach(Report& report, const Picture& picture) {
  bool titled = false;
  for (const auto& rm : picture.resource_managers) {
    for (const PicturedBranch& b : rm.branches) {
      if (b.obstacle.empty() || b.owner == BranchOwner::live) continue;
      if (!titled) report.section("branches in doubt");
      titled = true;
      report.finding({XABRIDGE_FINDING_ERROR, "prepared branch of " + b.transaction,
                      "is held by the server of " + rm.name +
                          " and cannot be completed from here: " + printable(b.obstacle),
                      "run `xabridge recover` once with an open string that may, before this one "
                      "is used"});
    }
  }
}

/// The directory is empty because its volume is not mounted, or it is not the one of before: the
/// servers show it before the service starts there.
void check_another_log(Report& report, const Config& config, const Picture& picture) {
  const auto& another = picture.another_log;
  if (!another) return;
  report.section("branches of another decision log");
  report.finding({another->is_finding() ? XABRIDGE_FINDING_ERROR : XABRIDGE_FINDING_OK,
                  "Another log", another->found(config.log_directory.string()), another->fix()});
}

}  // namespace

Exit check(const Config& config, const CheckOptions& options) {
  Report report;
  if (!config.warnings.empty()) {
    report.section("configuration");
    for (const std::string& text : config.warnings)
      report.finding({XABRIDGE_FINDING_WARNING, "secrecy", text, ""});
  }
  report.section("log directory " + config.log_directory.string());
  for (const ServerFinding& f : check_log_directory(config.log_directory)) report.finding(f);

  std::map<std::string, std::string> identities;
  const std::vector<Looked> looked = load_resource_managers(config);
  const auto answers = ask_all<Checked>(looked, config.recovery_call_timeout, "check", check_one);
  std::vector<Listed> lists;
  for (std::size_t i = 0; i < looked.size(); ++i) {
    report.section("resource manager " + looked[i].name);
    if (!answers[i]) {
      report.not_opened(answers[i].error());
      continue;
    }
    for (const ServerFinding& f : answers[i]->findings) report.finding(f);
    check_identity(report, looked[i].name, answers[i]->identity, identities);
    lists.push_back(answers[i]->listed);
  }
  Picture picture = draw(config, lists);
  picture.another_log = find_another_log(config, looked, picture);
  check_log(report, picture);
  check_out_of_reach(report, picture);
  check_another_log(report, config, picture);
  return report.finish(options.strict);
}

}  // namespace xabridge::cli
