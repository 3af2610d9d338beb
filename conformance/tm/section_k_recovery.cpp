// K08 - K11, K13, K25 - K27: recovery. Where the transaction manager is killed it is a process of
// its own over two directories of the file resource manager, and this one recovers.
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <register/file/file_register.hpp>
#include <thread>

#include "file_rm.h"
#include "sections.hpp"
#include "temporary_directory.hpp"

namespace tm_conformance {
namespace {

namespace fs = std::filesystem;
using xabridge::EventKind;
using xabridge::OutcomeKind;

// --- K08 - K11

/// Counts down the events of a kind and dies at the last.
class Killer final : public xabridge::Observer {
 public:
  explicit Killer(const std::string& event)
      : kind_(event.substr(0, event.find(':'))),
        left_(std::atoi(event.c_str() + event.find(':') + 1)) {}
  void on_event(const xabridge::Event& event) noexcept override {
    if (xabridge::to_string(event.kind) == kind_ && --left_ == 0) ::raise(SIGKILL);
  }

 private:
  std::string kind_;
  int left_;
};

const std::array<std::string, 2> kNames{"a", "b"};

xabridge::Config over_files(const fs::path& directory) {
  using namespace std::chrono_literals;
  xabridge::Config config;
  config.log_directory = directory / "log";
  config.log_segment_size = 64 * 1024;
  config.logging_level = xabridge::LogLevel::off;
  config.recovery_background = false;
  for (const std::string& name : kNames) {
    xabridge::ResourceManagerConfig rm;
    rm.name = name;
    rm.open = "directory=" + (directory / name).string() + " sync=no";
    rm.xa_switch = &file_rm_switch;
    config.resource_managers.push_back(rm);
  }
  return config;
}

std::string value_at(const fs::path& directory, const std::string& name) {
  std::array<char, 16> value{};
  const int code = file_rm_read((directory / name).c_str(), "key", value.data(), value.size());
  return code == FILE_RM_OK ? value.data() : "";
}

void killed(const std::string& event, bool committed) {
  const TemporaryDirectory directory;
  for (const std::string& name : kNames) fs::create_directory(directory.path() / name);
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string path = directory.path().string();
    ::execl("/proc/self/exe", "tm-conformance", "--victim", path.c_str(), event.c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  check(::waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
        "the transaction manager was not killed at " + event);

  { const xabridge::TransactionManager recovering(over_files(directory.path())); }
  for (const std::string& name : kNames) {
    check(value_at(directory.path(), name) == (committed ? "value" : ""),
          name + (committed ? " has not committed" : " has committed"));
    check(file_rm_prepared((directory.path() / name).c_str()) == 0, name + " is still prepared");
  }
  xabridge::tm::FileRegister::Options options;
  options.directory = directory.path() / "log";
  options.segment_size = 64 * 1024;
  const auto log =
      xabridge::tm::FileRegister::open(xabridge::tm::posix_environment(), options).value();
  check(static_cast<bool>(log->begin_pass()), "the log cannot be read");
  check(log->unfinished().empty(), "the record is still there");
  log->end_pass();
}

void k08() { killed("before_decide:1", false); }
void k09() { killed("before_commit:1", true); }
void k10() { killed("before_commit:2", true); }
void k11() { killed("before_done:1", true); }

// --- K13

void k13() {
  Stage stage({"a", "b"});
  stage.rm("a").answer("commit", {XAER_RMFAIL});
  stage.rm("a").during("commit", [&] { stage.rm("a").set_reachable(false); });
  const auto outcome = stage.commit();
  check(outcome.kind == OutcomeKind::committed_pending, outcome.to_string());
  check(stage.events(EventKind::done) == 0, "the record was dropped while a branch is in doubt");

  // The record outlives the process.
  stage.close();
  stage.rm("a").set_reachable(true);
  stage.rm("a").during("commit", nullptr);
  stage.log.clear();
  stage.open().recover_now();  // whatever the pass at start came to
  check(stage.log.count("open a") >= 1, "xa_open was not called again");
  check(stage.log.count("commit a") == 1,
        "xa_commit was called " + std::to_string(stage.log.count("commit a")) + " times");
  check(stage.rm("a").branches() == 0, "the branch is still prepared");
  check(stage.log.count("rollback a") == 0, "rolled back after the decision");
  stage.nothing_out_of_order();
}

// --- K25 - K27

void no_call_with(const Stage& stage, const xabridge::Xid& xid) {
  for (const CallLog::Call& call : stage.log.all()) {
    check(call.xid != xid.to_string(), "call with that XID: " + call.text);
  }
}

void k25() {
  Stage stage({"a"});
  const std::vector<xabridge::Xid> others{
      *xabridge::Xid::make(4711, "gtrid", "bqual"),
      // Our formatID, but no gtrid of ours, and one of another register.
      *xabridge::Xid::make(xabridge::tm::kFormatId, "gtrid", "bqual"),
      *xabridge::Xid::make(xabridge::tm::kFormatId, xabridge::tm::Gtrid{}.encode(),
                           xabridge::tm::make_bqual(1, "a"))};
  for (const auto& xid : others) stage.rm("a").add_prepared(xid);
  stage.open().recover_now();
  check(stage.log.count("recover a") != 0, "recovery did not look");
  for (const auto& xid : others) no_call_with(stage, xid);
  check(stage.rm("a").branches() == others.size(), "another's branch is gone");
}

/// While a is prepared and b asked, recovery runs: in this manager, and in another one on the same
/// log, which is what another process is.
void k26() {
  Stage stage({"a", "b"});
  const auto other = stage.open_another();
  auto& own = stage.open();
  std::size_t before = 0;
  std::size_t after = 0;
  stage.rm("b").during("prepare", [&] {
    std::thread recovery([&] {
      before = stage.log.all().size();
      own.recover_now();
      other->recover_now();
      after = stage.log.all().size();
    });
    recovery.join();
  });
  const auto outcome = stage.commit();
  check(after > before, "recovery did not run");
  const auto calls = stage.log.all();
  bool looked = false;
  for (std::size_t i = before; i < after; ++i) {
    looked = looked || calls[i].text == "recover a";
    // The transaction itself is in its votes.
    check(calls[i].xid.empty() || calls[i].text.starts_with("prepare"),
          "recovery called " + calls[i].text + " on a live branch");
  }
  check(looked, "recovery did not look");
  returned(tx_result(outcome, Asked::commit), TX_OK, outcome);
}

void k27() {
  Stage stage({"a"});
  for (int i = 0; i < 100; ++i) {
    stage.rm("a").add_prepared(*xabridge::Xid::make(4711, "gtrid " + std::to_string(i), "bqual"));
  }
  stage.rm("a").set_endless_recover();
  stage.open().recover_now();
  check(stage.events(EventKind::recovery_finished) != 0, "the pass did not end");
}

}  // namespace

const Bodies& section_k_recovery() {
  static const Bodies all{{"K08", k08}, {"K09", k09}, {"K10", k10}, {"K11", k11},
                          {"K13", k13}, {"K25", k25}, {"K26", k26}, {"K27", k27}};
  return all;
}

void run_victim(const std::string& directory, const std::string& event) {
  Killer killer(event);
  xabridge::Config config = over_files(directory);
  config.observers = {&killer};
  xabridge::TransactionManager manager(config);
  auto tx = manager.begin();
  for (const std::string& name : kNames) {
    tx.enlist(name);
    const int rmid = file_rm_rmid((fs::path(directory) / name).c_str());
    if (file_rm_put(rmid, "key", "value") != FILE_RM_OK) ::_exit(3);
  }
  (void)tx.commit();
  ::_exit(4);
}

}  // namespace tm_conformance
