// xa-conformance: does this resource manager keep the XA contract, statement by statement?
#include <signal.h>
#include <unistd.h>
#include <xabridge/rm_extras.h>
#include <xabridge/version.h>

#include <cstdio>
#include <iostream>

#include "command_line.hpp"
#include "engine/executor.hpp"
#include "engine/last_words.hpp"
#include "engine/opening.hpp"
#include "engine/other_process.hpp"
#include "engine/registration.hpp"
#include "engine/runner.hpp"

// What a resource manager with TMREGISTER calls in whoever loads it.
extern "C" __attribute__((visibility("default"))) int ax_reg(int rmid, XID* xid, long flags) {
  return xabridge::conformance::Registration::of_this_thread().reg(rmid, xid, flags);
}

extern "C" __attribute__((visibility("default"))) int ax_unreg(int rmid, long flags) {
  return xabridge::conformance::Registration::of_this_thread().unreg(rmid, flags);
}

namespace xabridge::conformance {
namespace {

constexpr const char* kAbout =
    "Tries a resource manager against the numbered statements of the XA contract, through its "
    "xa_switch_t.";

constexpr const char* kFooter = R"(Examples:
  xa-conformance --switch libxabridge_postgresql.so --symbol xabridge_postgresql_switch \
                 --open "host=127.0.0.1 port=25432 user=u password=p dbname=d"
  xa-conformance --switch ./librm.so --symbol rm_switch --open "" --capability join,susp --only C
  xa-conformance --list --only B

The symbol is an xa_switch_t or a function without parameters that returns a pointer to one. What a
resource manager's users do (write, read, fail) is in a work library, built with
<xabridge/xa_conformance_work.h>; without one, and without a hook, the statements that need it are
not applicable, but B29, E16, E17 and E32 fail where a branch without work is not prepared. Hooks:
cut-session, restart, doom, busy, end-busy, operator-commit, operator-rollback; each command finds
XA_CONFORMANCE_OPEN (the open string) and XA_CONFORMANCE_XID (formatID:gtrid:bqual, hexadecimal) in
its environment.

Use a database that nobody else uses: xa_recover is expected to list exactly what is prepared here.

Exit codes: 0 no statement failed; 1 one did; 2 wrong usage, or the first xa_open failed; 130
interrupted. A switch that crashes ends the program by its signal; the statement and the call are
then named on standard error.)";

struct Options {
  std::string library, symbol, open, work, unreachable, prepare;
  std::vector<std::string> capabilities, only, hooks;
  bool json = false;
  bool list = false;
  int limit = 20;
};

/// For our own switches what they promise is known; of any other, it has to be said.
std::vector<std::string> default_capabilities(const std::string& driver) {
  if (driver == "postgresql") return {"join", "susp", "mig", "async", "heur", "rdo"};
  if (driver == "mysql") return {"join", "susp", "mig", "async"};
  return {};
}

std::string folder_of_program() {
  std::string path(4096, '\0');
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  path.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return path.substr(0, path.rfind('/'));
}

/// Where the work library for a switch of ours is: in the folder of a build, or installed.
std::string work_library(const std::string& driver) {
  const std::string name = "/xa_conformance_work_" + driver + ".so";
  const std::string built = folder_of_program() + "/../lib" + name;
  if (::access(built.c_str(), F_OK) == 0) return built;
  return folder_of_program() + "/" XA_CONFORMANCE_INSTALLED_WORK + name;
}

Subject subject_of(const Options& options) {
  Subject subject;
  load_switch(subject, options.library, options.symbol);
  subject.open_string = options.open;
  subject.unreachable = options.unreachable;
  subject.limit = std::chrono::seconds(options.limit);
  subject.program = "/proc/self/exe";

  std::string driver;
  if (subject.extras != nullptr)
    driver = static_cast<const xabridge_rm_extras_t*>(subject.extras)->driver;
  auto capabilities =
      options.capabilities.empty() ? default_capabilities(driver) : options.capabilities;
  for (const std::string& one : capabilities) {
    if (!one.empty()) subject.capabilities.insert(one);
  }
  std::string work = options.work;
  if (work.empty() && !default_capabilities(driver).empty()) work = work_library(driver);
  if (!work.empty()) load_work(subject, work);
  for (const std::string& hook : options.hooks) {
    const auto equals = hook.find('=');
    subject.hooks[hook.substr(0, equals)] = hook.substr(equals + 1);
  }
  return subject;
}

int attach(const Subject& subject) {
  if (subject.work == nullptr || subject.work->attach == nullptr) return 0;
  if (subject.work->attach(subject.extras, subject.open_string.c_str()) == XA_CONFORMANCE_DONE)
    return 0;
  std::cerr << "xa-conformance: " << subject.work->name << ": " << subject.work->reason() << '\n';
  return 2;
}

int try_all(const Subject& subject, const Options& options) {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupt_all(); };
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // twice: at once
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);

  Report report(std::cout, options.json ? Report::Format::json : Report::Format::text);
  const std::string remark = run_statements(subject, options.only, report);
  report.close(remark);
  if (subject.work != nullptr && subject.work->detach != nullptr) subject.work->detach();
  return remark.empty() ? report.exit_code() : 130;
}

void declare(cli::CommandLine& app, Options& options) {
  app.add_flag("--list", options.list, "the statements, without trying them");
  app.add_option("--switch", options.library, "shared library with the switch")
      .type_name("LIBRARY");
  app.add_option("--symbol", options.symbol, "the xa_switch_t, or a function returning it");
  app.add_option("--open", options.open, "xa_info for xa_open").type_name("TEXT");
  app.add_option("--unreachable", options.unreachable,
                 "xa_info of a target that is not there (B04)")
      .type_name("TEXT");
  app.add_option(
         "--capability", options.capabilities,
         "what the resource manager claims: join,susp,mig,async,heur,rdo; default: nothing, "
         "for xabridge's switches what they promise")
      .delimiter(',')
      .one_of({"join", "susp", "mig", "async", "heur", "rdo", ""});
  app.add_option("--only", options.only, "ids, ranges or sections: C13,B05-B10,E").delimiter(',');
  app.add_flag("--json", options.json, "for programs");
  app.add_option("--work", options.work,
                 "work library: a C library that does work in a branch, "
                 "see <xabridge/xa_conformance_work.h>")
      .type_name("LIBRARY");
  app.add_option("--hook", options.hooks, "how to bring about a fault; may be repeated")
      .type_name("NAME=COMMAND")
      .one_value_each()
      .check([](const std::string& text) {
        for (const char* name : {"cut-session", "restart", "doom", "busy", "end-busy",
                                 "operator-commit", "operator-rollback"}) {
          if (text.starts_with(std::string(name) + "=")) return std::string();
        }
        return "no hook of that name: " + text;
      });
  app.add_option("--limit", options.limit, "seconds that one call may take").range(1, 3600);
  app.add_option("--prepare-and-wait", options.prepare).hidden();
}

int run(int argc, char** argv) {
  cli::CommandLine app(kAbout, "xa-conformance");
  app.footer(kFooter);
  app.version("xa-conformance " XABRIDGE_VERSION);
  Options options;
  declare(app, options);
  if (const std::optional<int> ended = app.parse(argc, argv, 2)) return *ended;
  if (const auto unknown = unknown_selection(options.only)) {
    std::cerr << "xa-conformance: --only '" << *unknown << "' names no statement; see --list\n";
    return 2;
  }
  if (options.list) {
    print_catalogue(std::cout, options.only,
                    options.json ? Report::Format::json : Report::Format::text);
    return 0;
  }
  if (options.library.empty() || options.symbol.empty() || !app.given("--open")) {
    std::cerr << "xa-conformance: --switch, --symbol and --open are needed; see --help\n";
    return 2;
  }
  leave_last_words();
  now_trying("loading the switch");
  try {
    const Subject subject = subject_of(options);
    if (const int code = attach(subject); code != 0) return code;
    if (!options.prepare.empty()) return prepare_and_wait(subject, xid_from_text(options.prepare));
    if (const auto reason = cannot_open(subject)) throw Unusable(*reason);
    return try_all(subject, options);
  } catch (const Unusable& e) {
    std::cerr << "xa-conformance: " << e.what() << '\n';
    return 2;
  }
}

}  // namespace
}  // namespace xabridge::conformance

int main(int argc, char** argv) {
  int code = 1;
  try {
    code = xabridge::conformance::run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "xa-conformance: %s\n", e.what());
  }
  std::fflush(nullptr);
  // Threads may hang in a call for ever, and would be torn down under it.
  ::_exit(code);
}
