// The xabridge program: what an operator asks about global transactions, and one recovery pass on
// demand.
#include <xabridge/version.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <new>

#include "command.hpp"
#include "command_line.hpp"

namespace xabridge::cli {
namespace {

constexpr const char* kAbout =
    "Global transactions over PostgreSQL, MySQL and MariaDB: check, look, recover.";

constexpr const char* kFooter = R"(Examples:
  xabridge --config bank.toml check         can every resource manager do what is promised?
  xabridge --config bank.toml status        what is in doubt, why, and since when
  xabridge --config bank.toml recover       finish what dead processes left behind
  xabridge --config bank.toml heuristic list
                                            what resource managers decided by themselves
  xabridge --config bank.toml heuristic acknowledge 9c41f20be6d8735a-17 accounts --why "corrected"
  xabridge --config bank.toml heuristic forget-server accounts --reason "disk lost, see INC-7"
                                            decisions no longer wait for a server that is gone
  xabridge --config bank.toml log dump      the decision log, record by record
  psql -At -c "SELECT gid FROM pg_prepared_xacts" | xabridge xid
                                            which transactions the server's names are
  XABRIDGE_CONFIG=bank.toml xabridge status --json

Exit codes (the highest that applies):
  0  nothing to attend to
  1  check: errors found (with --strict also warnings); status: branches of dead or unknown
     owners, or of another log of this host, or heuristic outcomes; recover: something is
     left; heuristic list: there are some; heuristic acknowledge, forget-server: nothing
     was, or not all; xid: one is not ours
  2  the command line or the configuration is wrong
  3  a resource manager could not be used: not reached, or refused the log-in or the question
  4  the log directory is unusable or damaged, or has no log where one is needed
  5  xabridge itself failed: no memory, no thread, or its output could not be written

Every command may be interrupted at any time: nothing is half done by that.)";

Config load(const std::string& file) {
  if (file.empty()) {
    Error e;
    e.xa_code = XAER_INVAL;
    e.message = "no configuration: give --config FILE or set XABRIDGE_CONFIG";
    throw Exception(std::move(e));
  }
  return Config::load(file);
}

Command add_forget_server(Command heuristic, ForgetServerOptions& options) {
  Command command = heuristic.add_subcommand(
      "forget-server",
      "A server is gone for good, with the branches that were prepared there: commit decisions no "
      "longer wait for it. Each branch given up becomes a heuristic outcome, with who, when and "
      "why; check what it should have changed. Name the resource manager, the server, or both. A "
      "running process that keeps a decision is asked to, and does it in its next recovery pass");
  command.add_option("resource_manager", options.resource_manager, "as the decisions name it");
  command
      .add_option("--server", options.server,
                  "only branches prepared at this one, as `status` and `recover` show it")
      .type_name("SERVER");
  command.add_option("--reason", options.reason, "what happened to it; goes on record")
      .type_name("TEXT")
      .required();
  return command;
}

int run(int argc, char** argv) {
  CommandLine app(kAbout, "xabridge");
  app.footer(kFooter);
  app.version("xabridge " XABRIDGE_VERSION);
  app.require_subcommand();
  app.fallthrough();
  std::string file;
  app.add_option("--config", file, "TOML file; default: the one $XABRIDGE_CONFIG names")
      .envname("XABRIDGE_CONFIG")
      .type_name("FILE");

  CheckOptions check_options;
  Command check_command = app.add_subcommand(
      "check", "Servers, settings, grants and the log directory: each finding with its fix");
  check_command.add_flag("--strict", check_options.strict, "warnings, too, make the exit code 1");

  bool json = false;
  Command status_command = app.add_subcommand("status",
                                              "Branches in doubt at every resource manager; "
                                              "changes nothing, also beside a running service");
  status_command.add_flag("--json", json, "for programs");

  Command recover_command =
      app.add_subcommand("recover", "One recovery pass for owners that are dead; says what it did");

  Command heuristic_command = app.add_subcommand(
      "heuristic", "Outcomes that resource managers decided by themselves, against the decision");
  heuristic_command.require_subcommand();
  Command list_command = heuristic_command.add_subcommand(
      "list", "All that nobody acknowledged; changes nothing, also beside a running service");
  list_command.add_flag("--json", json, "for programs");
  AcknowledgeOptions acknowledge_options;
  Command acknowledge_command = heuristic_command.add_subcommand(
      "acknowledge",
      "The data is looked after: the record is kept no longer. Says in the log who "
      "did, when and why. A running process that keeps the record is asked to, and takes "
      "it in its next recovery pass");
  Option transaction = acknowledge_command.add_option(
      "transaction", acknowledge_options.transaction, "as `list` shows it");
  acknowledge_command
      .add_option("resource_manager", acknowledge_options.resource_manager,
                  "only this one's; default: every one's of the transaction")
      .needs(transaction);
  acknowledge_command.add_option("--why", acknowledge_options.why, "what was found and done")
      .type_name("TEXT");
  acknowledge_command.add_flag("--all", acknowledge_options.all, "every record; needs --yes")
      .excludes(transaction);
  acknowledge_command.add_flag("--yes", acknowledge_options.yes, "I have looked at each of them");
  ForgetServerOptions forget_options;
  Command forget_command = add_forget_server(heuristic_command, forget_options);
  for (Command command : {heuristic_command, list_command, acknowledge_command, forget_command}) {
    command.fallthrough();
  }

  Command log_command = app.add_subcommand("log", "The decision log");
  log_command.require_subcommand();
  Command dump_command =
      log_command.add_subcommand("dump", "Every record, with file and offset; changes nothing");
  dump_command.add_flag("--json", json, "for programs");
  std::string directory;
  dump_command.add_option("--directory", directory, "a log directory; default: the configuration's")
      .type_name("DIR");
  std::vector<std::string> xid_words;
  Command xid_command = app.add_subcommand(
      "xid",
      "Which transaction an XID belongs to, as a server lists it: a gid of PostgreSQL, a row of XA "
      "RECOVER CONVERT XID of MySQL or of XA RECOVER FORMAT='SQL' of MariaDB, or the xid in "
      "`status --json`");
  xid_command.add_option("xid", xid_words, "default: one in each line of standard input");
  log_command.fallthrough();
  dump_command.fallthrough();

  if (const auto ended = app.parse(argc, argv, static_cast<int>(Exit::usage))) return *ended;
  if (xid_command.chosen()) return static_cast<int>(explain_xids(xid_words));
  if (dump_command.chosen() && !directory.empty())
    return static_cast<int>(dump_log(directory, json));

  Config config;
  try {
    config = load(file);
  } catch (const Exception& e) {
    std::cerr << "xabridge: " << e.what() << '\n';
    return static_cast<int>(Exit::usage);
  }
  if (check_command.chosen()) return static_cast<int>(check(config, check_options));
  if (status_command.chosen()) return static_cast<int>(status(config, json));
  if (list_command.chosen()) return static_cast<int>(list_heuristics(config.log_directory, json));
  if (acknowledge_command.chosen())
    return static_cast<int>(acknowledge(config, acknowledge_options));
  if (forget_command.chosen()) return static_cast<int>(forget_server(config, forget_options));
  if (recover_command.chosen()) return static_cast<int>(recover(config));
  return static_cast<int>(dump_log(config.log_directory, json));
}

}  // namespace
}  // namespace xabridge::cli

int main(int argc, char** argv) {
  using xabridge::cli::Exit;
  int code = 0;
  try {
    code = xabridge::cli::run(argc, argv);
  } catch (const xabridge::Exception& e) {
    std::fprintf(stderr, "xabridge: %s\n", e.what());
    code = static_cast<int>(Exit::log);
  } catch (const std::bad_alloc&) {
    std::fputs(
        "xabridge: memory ran out on this machine (ulimit -v, container limit); nothing is half "
        "done, run the command again with more\n",
        stderr);
    code = static_cast<int>(Exit::failed);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "xabridge: failed itself: %s\n", e.what());
    code = static_cast<int>(Exit::failed);
  }
  // A report that nobody can read is no report.
  errno = 0;
  if (std::cout.flush() && std::fflush(stdout) == 0) return code;
  std::fprintf(stderr,
               "xabridge: the output could not be written%s%s; what has arrived is not all of it\n",
               errno == 0 ? "" : ": ", errno == 0 ? "" : std::strerror(errno));
  return static_cast<int>(Exit::failed);
}
