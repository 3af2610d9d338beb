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
#include "help.hpp"

namespace xabridge::cli {
namespace {

constexpr const char* kAbout =
    "Global transactions over PostgreSQL, MySQL and MariaDB: check, look, recover.";

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
  command.footer(help::kForgetServer);
  command.add_option("resource_manager", options.resource_manager, "as the decisions name it");
  command
      .add_option("--server", options.server,
                  "only branches prepared at this one, as `status` and `recover` show it")
      .type_name("SERVER");
  command.add_option("--reason,--why", options.reason, "what happened to it; goes on record")
      .type_name("TEXT")
      .required();
  return command;
}

/// What the command line says.
struct Given {
  std::string file;
  bool json = false;
  CheckOptions check;
  AcknowledgeOptions acknowledge;
  ForgetServerOptions forget_server;
  DumpOptions dump;
  std::string directory;
  std::vector<std::string> xids;
};

Command add_check(Command& app, Given& given) {
  Command command = app.add_subcommand(
      "check", "Servers, settings, grants and the log directory: each finding with its fix");
  command.footer(help::kCheck);
  command.add_flag("--strict", given.check.strict, "warnings, too, make the exit code 1");
  return command;
}

Command add_status(Command& app, Given& given) {
  Command command = app.add_subcommand("status",
                                       "Branches in doubt at every resource manager; changes "
                                       "nothing, also beside a running service");
  command.footer(help::kStatus);
  command.add_flag("--json", given.json, "for programs");
  return command;
}

Command add_recover(Command& app) {
  Command command =
      app.add_subcommand("recover", "One recovery pass for owners that are dead; says what it did");
  command.footer(help::kRecover);
  return command;
}

Command add_list(Command& heuristic, Given& given) {
  Command command = heuristic.add_subcommand(
      "list", "All that nobody acknowledged; changes nothing, also beside a running service");
  command.footer(help::kList);
  command.add_flag("--json", given.json, "for programs");
  return command;
}

Command add_acknowledge(Command& heuristic, AcknowledgeOptions& options) {
  Command command = heuristic.add_subcommand(
      "acknowledge",
      "The data is looked after: the record is kept no longer. Says in the log who "
      "did, when and why. A running process that keeps the record is asked to, and takes "
      "it in its next recovery pass");
  command.footer(help::kAcknowledge);
  Option transaction = command.add_option("transaction", options.transaction, "as `list` shows it");
  command
      .add_option("resource_manager", options.resource_manager,
                  "only this one's; default: every one's of the transaction")
      .needs(transaction);
  command.add_option("--why,--reason", options.why, "what was found and done").type_name("TEXT");
  command.add_flag("--all", options.all, "every record; needs --yes").excludes(transaction);
  command.add_flag("--yes", options.yes, "I have looked at each of them");
  return command;
}

Command add_dump(Command& log, Given& given) {
  Command command = log.add_subcommand("dump", "Records with file and offset; changes nothing");
  command.footer(help::kDump);
  command.add_flag("--json", given.json, "for programs");
  command.add_flag("--unfinished", given.dump.unfinished,
                   "only the records of decisions that are not done");
  command
      .add_option("--directory", given.directory, "a log directory; default: the configuration's")
      .type_name("DIR");
  return command;
}

Command add_xid(Command& app, Given& given) {
  Command command = app.add_subcommand(
      "xid",
      "Which transaction an XID belongs to, as a server lists it: a gid of PostgreSQL, a row of XA "
      "RECOVER CONVERT XID of MySQL or of XA RECOVER FORMAT='SQL' of MariaDB, or the xid in "
      "`status --json`");
  command.footer(help::kXid);
  command.add_option("xid", given.xids, "default: one in each line of standard input");
  return command;
}

int run(int argc, char** argv) {
  CommandLine app(kAbout, "xabridge");
  app.footer(help::kProgram);
  app.version("xabridge " XABRIDGE_VERSION);
  app.require_subcommand();
  app.fallthrough();
  Given given;
  app.add_option("--config", given.file, "TOML file; default: the one $XABRIDGE_CONFIG names")
      .envname("XABRIDGE_CONFIG")
      .type_name("FILE");
  Command check_command = add_check(app, given);
  Command status_command = add_status(app, given);
  Command recover_command = add_recover(app);
  Command heuristic_command = app.add_subcommand(
      "heuristic", "Outcomes that resource managers decided by themselves, against the decision");
  heuristic_command.footer(help::kHeuristic);
  heuristic_command.require_subcommand();
  Command list_command = add_list(heuristic_command, given);
  Command acknowledge_command = add_acknowledge(heuristic_command, given.acknowledge);
  Command forget_command = add_forget_server(heuristic_command, given.forget_server);
  Command log_command = app.add_subcommand("log", "The decision log");
  log_command.footer(help::kLog);
  log_command.require_subcommand();
  Command dump_command = add_dump(log_command, given);
  Command xid_command = add_xid(app, given);
  for (Command command : {heuristic_command, list_command, acknowledge_command, forget_command,
                          log_command, dump_command}) {
    command.fallthrough();
  }

  if (const auto ended = app.parse(argc, argv, static_cast<int>(Exit::usage))) return *ended;
  if (xid_command.chosen()) return static_cast<int>(explain_xids(given.xids));
  given.dump.json = given.json;
  if (dump_command.chosen() && !given.directory.empty())
    return static_cast<int>(dump_log(given.directory, given.dump));

  Config config;
  try {
    config = load(given.file);
  } catch (const Exception& e) {
    std::cerr << "xabridge: " << e.what() << '\n';
    return static_cast<int>(Exit::usage);
  }
  if (check_command.chosen()) return static_cast<int>(check(config, given.check));
  if (status_command.chosen()) return static_cast<int>(status(config, given.json));
  if (list_command.chosen())
    return static_cast<int>(list_heuristics(config.log_directory, given.json));
  if (acknowledge_command.chosen()) return static_cast<int>(acknowledge(config, given.acknowledge));
  if (forget_command.chosen()) return static_cast<int>(forget_server(config, given.forget_server));
  if (recover_command.chosen()) return static_cast<int>(recover(config));
  return static_cast<int>(dump_log(config.log_directory, given.dump));
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
