// A MariaDB with its binary log, which the shared test server has not.
#include <cstdlib>
#include <string>

#include "../support/plain_mysql.hpp"
#include "catch.hpp"
#include "real_servers.hpp"
#include "temporary_directory.hpp"

using xabridge::EventKind;
using xabridge::Transaction;
using xabridge::TransactionManager;

namespace {

class PrivateMariadb {
 public:
  explicit PrivateMariadb(const std::string& options) { run("start", options); }
  PrivateMariadb(const PrivateMariadb&) = delete;
  PrivateMariadb& operator=(const PrivateMariadb&) = delete;
  ~PrivateMariadb() {
    if (std::system(command("stop", "").c_str()) != 0)
      WARN("could not stop the server in " << folder_.path());
  }
  /// Ends without shutting down, and starts again: returns when logins work.
  void crash() const { run("crash", ""); }
  [[nodiscard]] std::string open_string() const {
    return "socket=" + (folder_.path() / "socket").string() + " user=root dbname=xabridge";
  }

 private:
  [[nodiscard]] std::string command(const std::string& verb, const std::string& options) const {
    return PRIVATE_MARIADB " " + verb + " " + folder_.path().string() + " " + options;
  }
  void run(const std::string& verb, const std::string& options) const {
    INFO(verb);
    REQUIRE(std::system(command(verb, options).c_str()) == 0);
  }

  TemporaryDirectory folder_;
};

struct CountVotes final : xabridge::Observer {
  int votes = 0;
  void on_event(const xabridge::Event& event) noexcept override {
    votes += event.kind == EventKind::prepared ? 1 : 0;
  }
};

/// A single branch adds a row, and the server crashes after the answer.
struct AfterCrash {
  explicit AfterCrash(const std::string& options) : server(options) {
    RealServers::my(*plain_mysql(server.open_string()), "CREATE TABLE t (id INT PRIMARY KEY)");
    xabridge::Config config;
    config.log_directory = directory.path() / "log";
    config.recovery_background = false;
    config.logging_level = xabridge::LogLevel::off;
    config.observers = {&count};
    config.resource_managers.push_back(
        {"ledger", "mysql", server.open_string() + " sslmode=disable", nullptr, nullptr});
    TransactionManager tm(config);
    const auto outcome = tm.run([](Transaction& tx) {
      RealServers::my(tx.mysql("ledger"), "INSERT INTO t VALUES (1)");
    });
    INFO(outcome.to_string());
    REQUIRE(outcome.kind == xabridge::OutcomeKind::committed);
    server.crash();
    tm.recover_now();
    const auto connection = plain_mysql(server.open_string());
    const std::unique_ptr<sql::Statement> statement(connection->createStatement());
    const std::unique_ptr<sql::ResultSet> found(statement->executeQuery("SELECT id FROM t"));
    rows = found->rowsCount();
  }

  TemporaryDirectory directory;
  PrivateMariadb server;
  CountVotes count;
  std::size_t rows = 0;
};

}  // namespace

// It answers XA COMMIT ... ONE PHASE before the commit is durable, however it is set; what was
// prepared and decided survives.
TEST_CASE("A single branch at a MariaDB with a binary log survives a crash of the server") {
  const AfterCrash with_log("--log-bin --server-id=7 --sync-binlog=1");
  CHECK(with_log.rows == 1);
  CHECK(with_log.count.votes == 1);
}

TEST_CASE("A single branch at a MariaDB without a binary log is committed in one phase") {
  const AfterCrash without("");
  CHECK(without.rows == 1);
  CHECK(without.count.votes == 0);
}
