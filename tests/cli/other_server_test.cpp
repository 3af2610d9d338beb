// A process died after its decision, and the address of a resource manager leads to another server:
// what the program says, what it leaves alone, and what an operator can do.
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <fstream>
#include <functional>
#include <iterator>
#include <mutex>
#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "die_at.hpp"
#include "moving_address.hpp"
#include "other_servers.hpp"
#include "program.hpp"
#include "real_servers.hpp"

using nlohmann::json;
using xabridge::EventKind;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Waits until recovery has committed a branch at a resource manager.
class RecoveredAt final : public xabridge::Observer {
 public:
  explicit RecoveredAt(std::string name) : name_(std::move(name)) {}
  void on_event(const xabridge::Event& event) noexcept override {
    if (event.kind != EventKind::recovered_commit || event.resource_manager != name_) return;
    const std::lock_guard lock(mutex_);
    seen_ = true;
    changed_.notify_all();
  }
  bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [this] { return seen_; });
  }

 private:
  const std::string name_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool seen_ = false;
};

/// Decided and prepared at both, nothing committed, the process gone. Then an address moves.
struct Decided : RealServers {
  xabridge::Config built = config();
  const std::string right_accounts = built.resource_managers[0].open;
  const std::string right_ledger = built.resource_managers[1].open;
  MovingAddress accounts{right_accounts};
  MovingAddress ledger{right_ledger};
  std::string file = built.log_directory.string() + ".toml";

  Decided() {
    built.resource_managers[0].open = accounts.open_string();
    built.resource_managers[1].open = ledger.open_string();
    std::ofstream out(file);
    out << "[log]\ndirectory = \"" << built.log_directory.string() << "\"\n";
    for (const auto& rm : built.resource_managers) {
      out << "[[resource_manager]]\nname = \"" << rm.name << "\"\ndriver = \"" << rm.driver
          << "\"\nopen = \"" << rm.open << "\"\n";
    }
    out.close();
    transfer_and_die(EventKind::decided);
  }
  void transfer_and_die(EventKind kind) {
    const pid_t child = ::fork();
    if (child == 0) {
      DieAt observer(kind);
      auto c = built;
      c.observers = {&observer};
      xabridge::TransactionManager tm(c);
      auto tx = tm.begin();
      move(tx, 1, 250);
      (void)tx.commit();
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) == 9);
  }
  [[nodiscard]] ProgramResult xabridge(const std::string& command) const {
    return run_xabridge("--config " + file + " " + command);
  }
  /// A server needs a moment to notice that its client is gone.
  [[nodiscard]] bool recovers(const std::function<bool()>& done) const {
    for (int i = 0; i < 100; ++i) {
      (void)xabridge("recover");
      if (done()) return true;
    }
    return false;
  }
  [[nodiscard]] bool transferred() { return pg_balance(1) == 750 && my_balance(1) == 1250; }
  [[nodiscard]] std::size_t unfinished() const {
    return json::parse(xabridge("status --json").out)["unfinished_decisions"].size();
  }
  [[nodiscard]] std::size_t heuristics() const {
    return json::parse(xabridge("heuristic list --json").out).size();
  }

  void survives_another_server_at(MovingAddress& address, const std::string& name,
                                  const std::string& other, const std::string& right) {
    address.lead_to(other);
    for (int i = 0; i < 2; ++i) {
      const auto recover = xabridge("recover");
      INFO(recover.out << recover.err);
      CHECK(recover.exit_code == 1);
      CHECK(contains(recover.out, "another server answers at its address"));
      CHECK(contains(recover.out, "on record: "));
    }
    const auto status = xabridge("status");
    INFO(status.out);
    CHECK(status.exit_code == 1);
    CHECK(contains(status.out, "another server at " + name));
    CHECK(unfinished() == 1);
    CHECK(heuristics() == 0);
    address.lead_to(right);
    CHECK(recovers([this] { return transferred() && unfinished() == 0; }));
    CHECK(heuristics() == 0);
  }
};

}  // namespace

TEST_CASE_METHOD(Decided, "a decision outlives a moment with another MySQL or MariaDB there") {
  survives_another_server_at(ledger, "ledger", other_mysql_or_mariadb(), right_ledger);
}

TEST_CASE_METHOD(Decided, "a decision outlives a moment with another PostgreSQL there") {
  const OtherPostgresql other;
  survives_another_server_at(accounts, "accounts", other.open_string(), right_accounts);
}

TEST_CASE_METHOD(Decided, "an undecided branch is rolled back once the right server is back") {
  transfer_and_die(EventKind::before_decide);
  ledger.lead_to(other_mysql_or_mariadb());
  (void)xabridge("recover");
  ledger.lead_to(right_ledger);
  CHECK(recovers([this] { return transferred() && unfinished() == 0; }));
}

TEST_CASE_METHOD(Decided, "a server that is gone for good is forgotten with a reason on record") {
  ledger.lead_to(other_mysql_or_mariadb());
  CHECK(recovers([this] { return pg_balance(1) == 750; }));
  CHECK(unfinished() == 1);
  CHECK(xabridge("heuristic forget-server").exit_code == 2);
  CHECK(xabridge("heuristic forget-server ledger").exit_code == 2);
  CHECK(xabridge("heuristic forget-server ledger --reason ' '").exit_code == 2);
  const auto nobody = xabridge("heuristic forget-server stock --reason test");
  CHECK(nobody.exit_code == 1);
  CHECK(contains(nobody.out, "nothing to forget"));

  const auto forgot = xabridge("heuristic forget-server ledger --reason 'disk burnt, INC-7'");
  INFO(forgot.out << forgot.err);
  CHECK(forgot.exit_code == 0);
  CHECK(contains(forgot.out, "forgotten: "));
  const auto rest = xabridge("recover");
  INFO(rest.out);
  CHECK(rest.exit_code == 0);
  CHECK(unfinished() == 0);
  const auto list = json::parse(xabridge("heuristic list --json").out);
  REQUIRE(list.size() == 1);
  CHECK(list[0]["resource_manager"] == "ledger");
  CHECK(list[0]["code"] == "XA_HEURHAZ");
  CHECK(contains(list[0]["text"].get<std::string>(), "disk burnt, INC-7"));
  CHECK(contains(list[0]["text"].get<std::string>(), "prepared at m"));  // mysql:, mariadb:

  // It was not gone after all: its branch comes back under a decision that is done.
  ledger.lead_to(right_ledger);
  CHECK(recovers([this] { return transferred(); }));
}

TEST_CASE_METHOD(Decided, "a server that answers is only forgotten when it is named itself") {
  accounts.lead_to("host=/nowhere");
  const auto refused = xabridge("heuristic forget-server ledger --reason test");
  INFO(refused.out << refused.err);
  CHECK(refused.exit_code == 1);
  CHECK(contains(refused.out, "not forgotten: "));
  CHECK(unfinished() == 1);
  const auto status = json::parse(xabridge("status --json").out);
  const std::string server = status["resource_managers"][1]["server"];
  const auto forgot = xabridge("heuristic forget-server --reason test --server '" + server + "'");
  INFO(forgot.out << forgot.err);
  CHECK(forgot.exit_code == 0);
  accounts.lead_to(right_accounts);
  CHECK(recovers([this] { return transferred() && unfinished() == 0; }));
}

// Another database of the same cluster is another server by its identity, and shows the branch.
TEST_CASE_METHOD(Decided, "a branch that its cluster still holds is not forgotten") {
  std::string text;
  {
    std::ifstream in(file);
    text.assign(std::istreambuf_iterator<char>(in), {});
  }
  const auto at = text.find("dbname=");
  REQUIRE(at != std::string::npos);
  const auto end = text.find_first_of(" \"", at);
  std::ofstream(file) << std::string(text).replace(at, end - at, "dbname=postgres");
  const auto refused = xabridge("heuristic forget-server accounts --reason test");
  INFO(refused.out << refused.err);
  CHECK(refused.exit_code == 1);
  CHECK(contains(refused.out, "a server still holds the branch"));
  CHECK(heuristics() == 0);
  std::ofstream(file) << text;
  CHECK(recovers([this] { return transferred() && unfinished() == 0; }));
}

TEST_CASE_METHOD(Decided, "a running service forgets a server when it is left word") {
  ledger.lead_to(other_mysql_or_mariadb());
  auto c = built;
  c.completion_timeout = std::chrono::milliseconds(100);
  RecoveredAt recovered("ledger");
  c.observers = {&recovered};
  const xabridge::TransactionManager service(c);  // takes the dead owner's decision over
  // For a moment after the decision the process that keeps it may be at work on it.
  ProgramResult forgot;
  for (int i = 0; i < 100 && forgot.exit_code != 0; ++i)
    forgot = xabridge("heuristic forget-server ledger --reason 'replaced'");
  INFO(forgot.out << forgot.err);
  CHECK(forgot.exit_code == 0);
  CHECK(heuristics() == 1);
  ledger.lead_to(right_ledger);
  REQUIRE(recovered.wait());
  CHECK(transferred());
}
