// The program against real servers: findings, branches in doubt of several owners, one recovery
// pass.
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>

#include "catch.hpp"
#include "die_at.hpp"
#include "environment.hpp"
#include "other_role.hpp"
#include "program.hpp"
#include "real_servers.hpp"
#include "register/file/file_register.hpp"

using nlohmann::json;
using xabridge::EventKind;
using xabridge::Transaction;
using xabridge::TransactionManager;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) FAIL(name << " is not set; eval \"$(scripts/servers env)\" sets it");
  return value;
}

bool on_mariadb() { return variable("XABRIDGE_TEST_SERVER") == "mariadb"; }

/// The configuration of RealServers as a file.
struct Configured : RealServers {
  xabridge::Config built = config();
  std::string file = built.log_directory.string() + ".toml";

  void add(const std::string& name, const std::string& driver, const std::string& open) {
    built.resource_managers.push_back({name, driver, open, nullptr, nullptr});
    write();
  }
  void write() const {
    std::ofstream out(file);
    out << "[log]\ndirectory = \"" << built.log_directory.string() << "\"\n";
    for (const auto& rm : built.resource_managers) {
      out << "[[resource_manager]]\nname = \"" << rm.name << "\"\ndriver = \"" << rm.driver
          << "\"\nopen = \"" << rm.open << "\"\n";
    }
  }
  Configured() { write(); }
  [[nodiscard]] ProgramResult xabridge(const std::string& command) const {
    return run_xabridge("--config " + file + " " + command);
  }
  /// The listed branches of the transaction, by resource manager.
  [[nodiscard]] json branches(const std::string& transaction) const {
    const json all = json::parse(xabridge("status --json").out);
    json found = json::object();
    for (const auto& rm : all["resource_managers"]) {
      for (const auto& b : rm["branches"]) {
        if (b["transaction"] == transaction) found[rm["name"].get<std::string>()] = b;
      }
    }
    return found;
  }
};

/// A transfer in a process of its own that dies at `kind`, after `before` at PostgreSQL; its gtrid.
std::string die_at(Configured& servers, EventKind kind, const std::string& before = "") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    DieAt observer(kind);
    auto config = servers.built;
    config.observers = {&observer};
    TransactionManager tm(config);
    Transaction tx = tm.begin();
    const std::string gtrid = tx.gtrid();
    (void)!::write(ends[1], gtrid.data(), gtrid.size());
    if (!before.empty()) Configured::pg(tx.postgresql("accounts"), before);
    servers.move(tx, 1, 250);
    (void)tx.commit();
    ::_exit(0);
  }
  ::close(ends[1]);
  char gtrid[256];
  const ssize_t n = ::read(ends[0], gtrid, sizeof gtrid);
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) == 9);
  return std::string(gtrid, n > 0 ? static_cast<std::size_t>(n) : 0);
}

/// Recovers until nothing of the gtrid is listed: a server needs a moment to notice that its client
/// is gone.
json recover_until_gone(const Configured& servers, const std::string& gtrid) {
  json left;
  for (int i = 0; i < 50; ++i) {
    (void)servers.xabridge("recover");
    left = servers.branches(gtrid);
    if (left.empty()) break;
  }
  return left;
}

}  // namespace

TEST_CASE_METHOD(Configured, "check finds nothing wrong with servers that can do XA") {
  const auto result = xabridge("check");
  INFO(result.out);
  CHECK(result.exit_code == 0);
  CHECK(contains(result.out, "resource manager accounts"));
  CHECK(contains(result.out, "0 errors"));
}

TEST_CASE_METHOD(Configured, "check says which grant is missing and what to do") {
  add("limited", "mysql",
      variable(on_mariadb() ? "XABRIDGE_TEST_MARIADB_LIMITED" : "XABRIDGE_TEST_MYSQL_LIMITED"));
  const auto result = xabridge("check");
  INFO(result.out);
  // MariaDB lets everybody see prepared branches.
  if (on_mariadb()) {
    CHECK_FALSE(contains(result.out, "XA_RECOVER_ADMIN"));
    CHECK(contains(result.out, "GRANT PROCESS ON *.* TO 'xabridge_limited'"));
  } else {
    CHECK(result.exit_code == 1);
    CHECK(contains(result.out, "XA_RECOVER_ADMIN"));
    CHECK(contains(result.out, "GRANT"));
  }
}

TEST_CASE_METHOD(Configured, "check finds two names for one database") {
  add("again", "postgresql", built.resource_managers[0].open);
  const auto result = xabridge("check");
  INFO(result.out);
  CHECK(result.exit_code == 1);
  CHECK(contains(result.out, "same database as 'accounts'"));
}

TEST_CASE_METHOD(Configured, "check reports a wrong password without showing it") {
  std::string open = built.resource_managers[0].open;
  const auto at = open.find("password=");
  open = open.substr(0, at) + "password=wrong-one" + open.substr(open.find(' ', at));
  add("locked", "postgresql", open);
  const auto result = xabridge("check");
  INFO(result.out);
  CHECK(result.exit_code == 3);
  CHECK(contains(result.out, "password authentication failed"));
  CHECK_FALSE(contains(result.out, "wrong-one"));
}

TEST_CASE_METHOD(Configured,
                 "A decided transaction of a dead process is shown and then committed") {
  const std::string gtrid = die_at(*this, EventKind::before_commit);
  const json in_doubt = branches(gtrid);
  INFO(in_doubt.dump(2));
  REQUIRE(in_doubt.size() == 2);
  for (const auto& [name, branch] : in_doubt.items()) {
    CHECK(branch["owner"] == "dead");
    CHECK(branch["decision"] == "commit");
  }
  const auto status = xabridge("status");
  CHECK(status.exit_code == 1);
  CHECK(contains(status.out, "xabridge recover"));
  CHECK(contains(xabridge("log dump --unfinished").out, "  decided commit "));
  CHECK(recover_until_gone(*this, gtrid).empty());
  CHECK_FALSE(contains(xabridge("log dump --unfinished").out, "  decided commit "));
  CHECK(pg_balance(1) == 750);
  CHECK(my_balance(1) == 1250);
  CHECK(xabridge("status").exit_code == 0);
  // On record before the program ends, though nothing waits for that record.
  const auto dump = xabridge("log dump");
  INFO(dump.out);
  const std::regex done("(done|finished [^\n]*) " + gtrid + "\n");
  CHECK(std::regex_search(dump.out, done));
}

TEST_CASE_METHOD(Configured,
                 "An undecided transaction of a dead process is shown and then rolled back") {
  const std::string gtrid = die_at(*this, EventKind::before_decide);
  const json in_doubt = branches(gtrid);
  INFO(in_doubt.dump(2));
  REQUIRE(in_doubt.size() == 2);
  CHECK(in_doubt["accounts"]["owner"] == "dead");
  CHECK(in_doubt["accounts"]["decision"] == "none: rollback");
  CHECK(recover_until_gone(*this, gtrid).empty());
  CHECK(pg_balance(1) == 1000);
  CHECK(my_balance(1) == 1000);
}

TEST_CASE_METHOD(Configured, "Branches that were committed before are counted as that") {
  (void)die_at(*this, EventKind::before_done);
  const auto recovered = xabridge("recover");
  INFO(recovered.out << recovered.err);
  CHECK(recovered.exit_code == 0);
  CHECK(contains(recovered.out, "0 branches committed, 2 committed before, 0 rolled back"));
  CHECK(pg_balance(1) == 750);
}

TEST_CASE_METHOD(Configured, "recover says which branches a running process is at work on") {
  struct Recovers final : xabridge::Observer {
    const Configured& servers;
    ProgramResult result;
    explicit Recovers(const Configured& of) : servers(of) {}
    void on_event(const xabridge::Event& event) noexcept override {
      if (event.kind == EventKind::before_decide) result = servers.xabridge("recover");
    }
  } observer(*this);
  auto config = built;
  config.observers = {&observer};
  TransactionManager tm(config);
  Transaction tx = tm.begin();
  move(tx, 1, 250);
  (void)tx.commit();
  INFO(observer.result.out << observer.result.err);
  CHECK(observer.result.exit_code == 0);
  CHECK(contains(observer.result.out, "at work"));
  CHECK_FALSE(contains(observer.result.out, "  left  "));
  CHECK(pg_balance(1) == 750);
}

TEST_CASE_METHOD(Configured, "Branches of others are shown as foreign and never touched") {
  const std::string gid = "99_Zm9yZWlnbg==_" + account;  // no XID of anybody's
  pg_admin("BEGIN");
  pg_admin("UPDATE " + account + " SET balance = 1 WHERE id = 4");
  pg_admin("PREPARE TRANSACTION '" + gid + "'");
  const auto before = xabridge("status");
  CHECK(contains(before.out, "foreign"));
  { const TransactionManager made(built); }
  const auto recovered = xabridge("recover");
  INFO(recovered.out << recovered.err);
  CHECK(recovered.exit_code == 0);
  const json all = json::parse(xabridge("status --json").out);
  bool listed = false;
  for (const auto& b : all["resource_managers"][0]["branches"]) {
    listed = listed || (b["name"] == gid && b["owner"] == "foreign");
  }
  pg_admin("ROLLBACK PREPARED '" + gid + "'");
  CHECK(listed);
}

// The role or the database of the open string changes while branches are in doubt: they are not
// gone.
TEST_CASE_METHOD(Configured, "Branches of an account that is no longer configured stay in sight") {
  const std::string right = built.resource_managers[0].open;
  std::string other = variable("XABRIDGE_TEST_POSTGRESQL_OTHER");
  std::string who = "user=xabridge";
  bool decided = false;
  SECTION("undecided, another role") {}
  SECTION("decided, another role") { decided = true; }
  SECTION("decided, another database") {
    decided = true;
    other = right;
    const auto at = other.find("dbname=");
    other.replace(at, other.find(' ', at) - at, "dbname=xabridge2");
    who = right.substr(at, right.find(' ', at) - at);
  }
  const std::string gtrid =
      die_at(*this, decided ? EventKind::before_commit : EventKind::before_decide);
  built.resource_managers[0].open = other;
  write();
  for (int i = 0; i < 50 && branches(gtrid).size() > 1; ++i) {
    const auto recovered = xabridge("recover");
    INFO(recovered.out);
    CHECK(recovered.exit_code == 1);
    CHECK(contains(recovered.out, who));
    CHECK_FALSE(contains(recovered.out, "0 waiting"));
  }
  const json left = branches(gtrid);
  INFO(left.dump(2));
  REQUIRE(left.size() == 1);
  CHECK(left["accounts"]["owner"] == "dead");
  CHECK(left["accounts"]["decision"] == (decided ? "commit" : "none: rollback"));
  CHECK(contains(left["accounts"]["out_of_reach"], who));
  CHECK(xabridge("status").exit_code == 1);
  CHECK(contains(xabridge("status").out, "is out of reach: "));
  const auto checked = xabridge("check");
  INFO(checked.out);
  CHECK(checked.exit_code == 1);
  CHECK(contains(checked.out, who));

  built.resource_managers[0].open = right;
  write();
  CHECK(recover_until_gone(*this, gtrid).empty());
  CHECK(pg_balance(1) == (decided ? 750 : 1000));
  CHECK(my_balance(1) == (decided ? 1250 : 1000));
  CHECK(xabridge("status").exit_code == 0);
  CHECK(xabridge("check").exit_code == 0);
}

TEST_CASE_METHOD(Configured, "A branch that worked under another role is recovered as any other") {
  const OtherRole role(*this);
  const std::string gtrid = die_at(*this, EventKind::before_decide, "SET ROLE " + role.name);
  CHECK(branches(gtrid)["accounts"]["role"] == "xabridge");
  CHECK(xabridge("status").exit_code == 1);
  CHECK(recover_until_gone(*this, gtrid).empty());
  CHECK(pg_number("SELECT count(*) FROM pg_prepared_xacts WHERE owner = '" + role.name + "'") == 0);
  CHECK(pg_balance(1) == 1000);
  CHECK(my_balance(1) == 1000);
}

namespace {

json another_log(const Configured& servers) {
  return json::parse(servers.xabridge("status --json").out)["another_log"];
}

/// A log that a service made which has done nothing yet.
void make_log(const xabridge::Config& config) { const TransactionManager made(config); }

}  // namespace

// The volume of the log is not mounted, or log.directory names another one.
TEST_CASE_METHOD(Configured, "status says that branches of this service are in another log") {
  const std::string gtrid = die_at(*this, EventKind::before_commit);
  const auto right = built.log_directory;
  built.log_directory += ".other";
  write();
  const auto is_told = [&](const std::string& why, const char* age) {
    const auto status = xabridge("status");
    INFO(status.out);
    CHECK(status.exit_code == 1);
    CHECK(contains(status.out, "Another log: "));
    CHECK(contains(status.out, "begun on this host under another decision log"));
    CHECK(contains(status.out, why));
    const json told = another_log(*this);
    CHECK(told["this_log_is"] == age);
    CHECK(told["finding"] == true);
    CHECK(told["branches"] >= 2);
    CHECK(told["resource_managers"] == json::array({"accounts", "ledger"}));
  };
  is_told("there is none in " + built.log_directory.string(), "missing");
  const auto checked = xabridge("check");
  INFO(checked.out);
  CHECK(checked.exit_code == 1);
  CHECK(contains(checked.out, "ERROR    Another log: "));
  // It is mounted where nothing is: `recover` must not make that the truth.
  std::filesystem::create_directory(built.log_directory);
  is_told("there is none in " + built.log_directory.string(), "missing");
  CHECK(xabridge("recover").exit_code == 4);
  CHECK(std::filesystem::is_empty(built.log_directory));
  make_log(built);
  is_told("was made later", "younger");
  const auto recovered = xabridge("recover");
  INFO(recovered.out);
  CHECK(recovered.exit_code == 1);
  CHECK(contains(recovered.out, "Another log: "));
  CHECK(contains(recovered.out, "not ours"));
  CHECK(contains(recovered.out, "one of another decision log: never touched"));

  built.log_directory = right;
  write();
  CHECK(another_log(*this).is_null());
  CHECK(recover_until_gone(*this, gtrid).empty());
}

TEST_CASE_METHOD(Configured, "Two services of one host with a log each are no finding") {
  const auto right = built.log_directory;
  const auto other = right.string() + ".other";
  struct : xabridge::tm::Clock {
    [[nodiscard]] std::chrono::steady_clock::time_point now() const noexcept override {
      return std::chrono::steady_clock::now();
    }
    [[nodiscard]] std::chrono::system_clock::time_point wall() const noexcept override {
      return std::chrono::system_clock::now() - std::chrono::hours(1);
    }
  } hour_ago;
  auto& posix = xabridge::tm::posix_environment();
  xabridge::tm::Environment environment{posix.files, hour_ago, posix.entropy, posix.host};
  xabridge::tm::FileRegister::Options options;
  options.directory = other;
  REQUIRE(xabridge::tm::FileRegister::open(environment, options));

  const std::string gtrid = die_at(*this, EventKind::before_commit);
  built.log_directory = other;
  write();
  const auto status = xabridge("status");
  INFO(status.out);
  CHECK(contains(status.out, "A second service with a log of its own"));
  CHECK(status.exit_code == 0);
  CHECK(another_log(*this)["finding"] == false);
  CHECK(xabridge("check").exit_code == 0);
  CHECK(xabridge("recover").exit_code == 0);
  built.log_directory = right;
  write();
  CHECK(recover_until_gone(*this, gtrid).empty());
}

// As recovery leaves it on record after a backup was put back.
TEST_CASE_METHOD(Configured, "A server that could not tell is in the text and in other_servers") {
  const json before = json::parse(xabridge("status --json").out);
  const std::string server = before["resource_managers"][0]["server"];
  std::string gtrid;
  {
    xabridge::tm::FileRegister::Options options;
    options.directory = built.log_directory;
    auto opened = xabridge::tm::FileRegister::open(xabridge::tm::posix_environment(), options);
    REQUIRE(opened);
    xabridge::tm::FileRegister& log = **opened;
    using xabridge::tm::make_bqual;
    gtrid = xabridge::tm::Gtrid{log.id(), log.slot(), log.incarnation(), 1, "host"}.encode();
    const xabridge::tm::Participant accounts{
        "accounts", make_bqual(1, "accounts"),
        server + " start=1.5 at=00000001:0/1D40DD8 xid=725"};
    REQUIRE(log.decide(gtrid, {accounts}, xabridge::tm::Decision::commit));
    CHECK(json::parse(xabridge("status --json").out)["other_servers"].empty());
    auto doubted = accounts;
    doubted.server += " doubted";
    REQUIRE(log.evidence(gtrid, doubted));
  }
  const auto status = xabridge("status");
  INFO(status.out);
  CHECK(status.exit_code == 1);
  CHECK(contains(status.out, "server in doubt at accounts: "));
  CHECK(contains(status.out, "Server in doubt: "));
  const json all = json::parse(xabridge("status --json").out);
  REQUIRE(all["other_servers"].size() == 1);
  const json told = all["other_servers"][0];
  CHECK(told["transaction"] == xabridge::tm::transaction_text(gtrid));
  CHECK(told["resource_manager"] == "accounts");
  CHECK(told["in_doubt"] == true);
  CHECK(told["answers"] == server);
}
