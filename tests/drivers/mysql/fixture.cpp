// See fixture.hpp. Waiting is always for a condition with a limit, never for a time.
#include "fixture.hpp"

#include <unistd.h>

#include <cstdlib>
#include <random>
#include <thread>
#include <xabridge/codes.hpp>

#include "plain_mysql.hpp"

namespace xabridge::mysql::test {
namespace {

std::string environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) FAIL(name << " is not set; eval \"$(scripts/servers env)\" sets it");
  return value;
}

}  // namespace

const std::string& server_name() {
  static const std::string name = environment("XABRIDGE_TEST_SERVER");
  return name;
}

bool on_mariadb() { return server_name() == "mariadb"; }

std::string server_setting(const std::string& suffix) {
  return environment((on_mariadb() ? "XABRIDGE_TEST_MARIADB" : "XABRIDGE_TEST_MYSQL") + suffix);
}

std::string open_string() { return server_setting(""); }

std::string open_string_with(const std::string& key, const std::string& value) {
  std::string text = " " + open_string();
  if (const auto at = text.find(" " + key + "="); at != std::string::npos) {
    const auto end = text.find(' ', at + 1);
    text.erase(at, end == std::string::npos ? end : end - at);
  }
  return value.empty() ? text : text + " " + key + "=" + value;
}

void control(const std::string& verb) {
  const std::string command = server_setting("_CONTROL") + " " + verb + " >/dev/null";
  REQUIRE(std::system(command.c_str()) == 0);
}

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

std::string unique_name(const std::string& prefix) {
  static const unsigned run = std::random_device{}();
  static int counter = 0;
  return prefix + "_" + std::to_string(::getpid()) + "_" + std::to_string(run) + "_" +
         std::to_string(++counter);
}

std::string locks_that_delay(const std::string& name) {
  std::string sql = "SELECT 0";
  for (int i = 0; i < 1000; ++i) sql += ", GET_LOCK('" + name + std::to_string(i) + "', 0)";
  return sql;
}

Plain::Plain(const std::string& open_string) {
  auto settings = parse_settings(open_string).value();
  connection_ = open_connection(settings, "").value();
  statement_.reset(connection_->createStatement());
  run("SET lock_wait_timeout = 10, innodb_lock_wait_timeout = 10");
}

void Plain::run(const std::string& sql) { statement_->execute(sql); }

std::string Plain::value(const std::string& sql) {
  const std::unique_ptr<sql::ResultSet> rows(statement_->executeQuery(sql));
  return rows->next() ? std::string(rows->getString(1)) : std::string();
}

int Plain::failure(const std::string& sql) {
  try {
    run(sql);
    return 0;
  } catch (const sql::SQLException& error) {
    return error.getErrorCode();
  }
}

void Plain::by_hand(const std::string& verb, const Xid& xid, const std::string& session) {
  REQUIRE(let_go_of_branch(*statement_, session));
  run(verb + " " + xid.to_mysql());
}

Fixture::Fixture()
    : observer(open_string()),
      table(unique_name("t")),
      settings_(std::make_shared<const Settings>(parse_settings(open_string()).value())) {
  observer.run("CREATE TABLE " + table + " (id INT PRIMARY KEY, v INT NOT NULL) ENGINE = InnoDB");
  observer.run("INSERT INTO " + table + " VALUES (1, 0), (2, 0)");
}

Fixture::~Fixture() {
  if (auto cleaner = MysqlSession::open(settings_, "")) {
    for (const Xid& xid : xids_) (void)settled(**cleaner, false, xid);
  }
  (void)observer.failure("DROP TABLE " + table);
}

std::unique_ptr<MysqlSession> Fixture::session(const std::string& owner_tag) {
  return MysqlSession::open(settings_, owner_tag).value();
}

Xid Fixture::xid() {
  const Xid xid = *Xid::make(4711, unique_name("g"), "branch");
  remember(xid);
  return xid;
}

int Fixture::work(MysqlSession& session, const std::string& sql) {
  try {
    auto* connection = static_cast<sql::Connection*>(session.native());
    const std::unique_ptr<sql::Statement> statement(connection->createStatement());
    if (statement->execute(sql)) {
      const std::unique_ptr<sql::ResultSet> rows(statement->getResultSet());
    }
    return 0;
  } catch (const sql::SQLException& failure) {
    return failure.getErrorCode();
  }
}

std::string Fixture::set(int id, int v) const {
  return "UPDATE " + table + " SET v = " + std::to_string(v) + " WHERE id = " + std::to_string(id);
}

int Fixture::v(int id) {
  return std::stoi(observer.value("SELECT v FROM " + table + " WHERE id = " + std::to_string(id)));
}

void Fixture::kill(const MysqlSession& session) {
  observer.run("KILL " + session.server_id());
  const std::string query =
      "SELECT COUNT(*) FROM information_schema.processlist WHERE id = " + session.server_id();
  REQUIRE(eventually([&] { return observer.value(query) == "0"; }));
}

rm::Answer Fixture::settled(MysqlSession& by, bool commit, const Xid& xid) {
  rm::Answer answer;
  (void)eventually([&] {
    answer = commit ? by.commit_prepared(xid) : by.rollback_prepared(xid);
    return answer.code != XA_RETRY;
  });
  return answer;
}

bool Fixture::listed(const Xid& xid) {
  const auto branches = session()->prepared(false).value();
  for (const auto& branch : branches) {
    if (branch.xid == xid) return true;
  }
  return false;
}

}  // namespace xabridge::mysql::test
