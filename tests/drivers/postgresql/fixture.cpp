// The fixture's statements; all through connections of its own.

#include "fixture.hpp"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <random>
#include <thread>
#include <xabridge/codes.hpp>

namespace xabridge::test {
namespace {

constexpr std::chrono::seconds patience{20};

std::string random_bytes(std::size_t count) {
  static std::random_device source;
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = static_cast<char>(source());
  return bytes;
}

}  // namespace

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  if (value == nullptr) FAIL(name << " is not set; run: eval \"$(scripts/servers env)\"");
  return value;
}

std::string with_database(const std::string& open_string, const std::string& dbname) {
  const auto at = open_string.find("dbname=");
  const auto end = open_string.find(' ', at);
  return open_string.substr(0, at) + "dbname=" + dbname +
         (end == std::string::npos ? "" : open_string.substr(end));
}

std::string unique_name(const std::string& prefix) {
  static std::atomic<int> counter = 0;
  return prefix + "_" + std::to_string(getpid()) + "_" + to_hex(random_bytes(4)) + "_" +
         std::to_string(++counter);
}

Sql sql(PGconn* connection, const std::string& statement) {
  const ResultSet result(PQexec(connection, statement.c_str()));
  const ExecStatusType status = PQresultStatus(result.get());
  Sql outcome;
  outcome.ok = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
  if (result != nullptr) outcome.tag = PQcmdStatus(result.get());  // null: the connection is lost
  if (const char* const code = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE))
    outcome.sqlstate = code;
  if (PQntuples(result.get()) > 0) outcome.value = PQgetvalue(result.get(), 0, 0);
  return outcome;
}

Connection open_raw(const std::string& conninfo) {
  Connection connection(PQconnectdb(conninfo.c_str()));
  INFO(PQerrorMessage(connection.get()));
  REQUIRE(PQstatus(connection.get()) == CONNECTION_OK);
  PQsetNoticeProcessor(
      connection.get(), [](void*, const char*) {}, nullptr);
  return connection;
}

SessionPtr open_session(const std::string& open_string) {
  auto server = postgresql::driver().parse(open_string).value();
  return server->connect("test").value();
}

bool eventually(const std::function<bool()>& condition) {
  const auto limit = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::yield();
  }
  return true;
}

std::string text_of(const rm::Answer& answer) {
  return code_name(answer.code) + (answer.error ? ": " + answer.error->to_string() : "");
}

Corner::Corner()
    : admin_(open_raw(environment("XABRIDGE_TEST_POSTGRESQL_ADMIN"))),
      server_(postgresql::driver().parse(environment("XABRIDGE_TEST_POSTGRESQL")).value()),
      table_(unique_name("t")) {
  REQUIRE(sql(admin(), "CREATE TABLE " + table_ + " (id int PRIMARY KEY, amount int NOT NULL)").ok);
  REQUIRE(sql(admin(), "INSERT INTO " + table_ + " SELECT i, 100 FROM generate_series(1, 4) i").ok);
  REQUIRE(sql(admin(), "GRANT ALL ON " + table_ + " TO PUBLIC").ok);
}

Corner::~Corner() {
  for (const std::string& gid : gids_) sql(admin(), "ROLLBACK PREPARED '" + gid + "'");
  // A session a test left open would otherwise make the clean-up wait for its locks for ever.
  sql(admin(), "SET lock_timeout = '5s'");
  sql(admin(), "DROP TABLE IF EXISTS " + table_ + " CASCADE");
}

SessionPtr Corner::connect(const std::string& extra, const std::string& tag) {
  if (extra.empty()) return server_->connect(tag).value();
  auto other = postgresql::driver().parse(environment("XABRIDGE_TEST_POSTGRESQL") + " " + extra);
  return std::move(other).value()->connect(tag).value();
}

Xid Corner::xid() {
  const auto made = Xid::make(0x7862, random_bytes(24), random_bytes(8));
  REQUIRE(made.has_value());
  gids_.push_back(made->to_gid());
  return *made;
}

std::string Corner::add(int id, int amount) const {
  return "UPDATE " + table_ + " SET amount = amount + (" + std::to_string(amount) +
         ") WHERE id = " + std::to_string(id);
}

int Corner::amount(int id) {
  const Sql row =
      sql(admin(), "SELECT amount FROM " + table_ + " WHERE id = " + std::to_string(id));
  REQUIRE(row.ok);
  return row.value.empty() ? 0 : std::stoi(row.value);
}

bool Corner::listed(const Xid& xid) {
  return sql(admin(), "SELECT count(*) FROM pg_prepared_xacts WHERE gid = '" + xid.to_gid() + "'")
             .value == "1";
}

void Corner::wait_until_blocked(rm::Session& session) {
  const std::string blocked =
      "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND pid = " +
      session.server_id();
  REQUIRE(eventually([&] { return sql(admin(), blocked).value == "1"; }));
}

}  // namespace xabridge::test
