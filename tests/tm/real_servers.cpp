// Tables are named by process and test, so that tests run beside each other.
#include "real_servers.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <xabridge/xid.hpp>

#include "../support/plain_mysql.hpp"

namespace {

std::string required(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) {
    throw std::runtime_error(std::string(name) + " is not set: eval \"$(scripts/servers env)\"");
  }
  return value;
}

std::string other_server() {
  const char* server = std::getenv("XABRIDGE_TEST_SERVER");
  const bool mariadb = server != nullptr && std::string(server) == "mariadb";
  return required(mariadb ? "XABRIDGE_TEST_MARIADB" : "XABRIDGE_TEST_MYSQL");
}

std::string table_name(const char* kind) {
  static std::atomic<int> number{0};
  return std::string("tm_") + kind + "_" + std::to_string(::getpid()) + "_" +
         std::to_string(++number);
}

}  // namespace

RealServers::RealServers()
    : account(table_name("account")),
      transfer(table_name("transfer")),
      pg_open_(required("XABRIDGE_TEST_POSTGRESQL")),
      my_open_(other_server()),
      pg_(PQconnectdb(pg_open_.c_str())),
      my_(plain_mysql(my_open_)) {
  if (PQstatus(pg_.get()) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(pg_.get()));
  const std::string columns = "(id INT PRIMARY KEY, balance BIGINT NOT NULL)";
  pg_admin("CREATE TABLE " + account + columns);
  my_admin("CREATE TABLE " + account + columns + " ENGINE=InnoDB");
  pg_admin("CREATE TABLE " + transfer + " (id VARCHAR(64) PRIMARY KEY)");
  my_admin("CREATE TABLE " + transfer + " (id VARCHAR(64) PRIMARY KEY) ENGINE=InnoDB");
  const std::string rows = "INSERT INTO " + account + " VALUES (1,1000),(2,1000),(3,1000),(4,1000)";
  pg_admin(rows);
  my_admin(rows);
}

RealServers::~RealServers() {
  // A branch a failed test left behind holds the table: dropping it must not wait for ever.
  try {
    pg_admin("SET lock_timeout = '2s'");
    my_admin("SET SESSION lock_wait_timeout = 2");
    for (const auto& table : {account, transfer}) {
      pg_admin("DROP TABLE IF EXISTS " + table);
      my_admin("DROP TABLE IF EXISTS " + table);
    }
  } catch (const std::exception&) {
    // The next throw-away servers start empty.
  }
}

xabridge::Config RealServers::config() const {
  xabridge::Config c;
  c.log_directory = directory_.path() / "log";
  c.log_segment_size = 64 * 1024;
  c.recovery_interval = std::chrono::milliseconds(100);
  c.logging_level = xabridge::LogLevel::off;
  c.resource_managers.push_back({"accounts", "postgresql", pg_open_, nullptr, nullptr});
  c.resource_managers.push_back({"ledger", "mysql", my_open_, nullptr, nullptr});
  return c;
}

void RealServers::pg(PGconn* connection, const std::string& sql) {
  PGresult* result = PQexec(connection, sql.c_str());
  const auto status = PQresultStatus(result);
  const std::string text = PQresultErrorMessage(result);
  PQclear(result);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) throw std::runtime_error(text);
}

void RealServers::my(sql::Connection& connection, const std::string& sql) {
  const std::unique_ptr<sql::Statement> statement(connection.createStatement());
  statement->execute(sql);
}

std::string RealServers::my_connection_id(sql::Connection& connection) {
  const std::unique_ptr<sql::Statement> statement(connection.createStatement());
  const std::unique_ptr<sql::ResultSet> id(statement->executeQuery("SELECT CONNECTION_ID()"));
  return id->next() ? std::to_string(id->getInt64(1)) : std::string();
}

void RealServers::move(xabridge::Transaction& tx, int id, int amount) const {
  const std::string where = " WHERE id = " + std::to_string(id);
  const std::string by = std::to_string(amount);
  pg(tx.postgresql("accounts"),
     "UPDATE " + account + " SET balance = balance - " + by + where);
  my(tx.mysql("ledger"),
     "UPDATE " + account + " SET balance = balance + " + by + where);
}

void RealServers::pg_admin(const std::string& sql) { pg(pg_.get(), sql); }
void RealServers::my_admin(const std::string& sql) { my(*my_, sql); }

bool RealServers::my_by_hand(const std::string& verb, std::string_view transaction,
                             const std::string& session) try {
  const std::unique_ptr<sql::Statement> statement(my_->createStatement());
  if (!session.empty() && !let_go_of_branch(*statement, session)) return false;
  statement->execute(verb + " " + my_branch(transaction));
  return true;
} catch (const sql::SQLException&) {
  return false;
}

std::string RealServers::pg_text(const std::string& sql) {
  PGresult* result = PQexec(pg_.get(), sql.c_str());
  std::string text = PQresultStatus(result) == PGRES_TUPLES_OK ? PQgetvalue(result, 0, 0) : "-1";
  PQclear(result);
  return text;
}

long RealServers::pg_number(const std::string& sql) { return std::stol(pg_text(sql)); }

long RealServers::my_number(const std::string& sql) {
  const std::unique_ptr<sql::Statement> statement(my_->createStatement());
  const std::unique_ptr<sql::ResultSet> rows(statement->executeQuery(sql));
  return rows->next() ? static_cast<long>(rows->getInt64(1)) : -1;
}

bool RealServers::my_prepared(std::string_view transaction) try {
  return !my_branch(transaction).empty();
} catch (const std::runtime_error&) {
  return false;
}

std::string RealServers::my_branch(std::string_view transaction) {
  const std::string incarnation(transaction.substr(0, transaction.find('-')));
  const std::unique_ptr<sql::Statement> statement(my_->createStatement());
  const std::unique_ptr<sql::ResultSet> rows(statement->executeQuery("XA RECOVER"));
  while (rows->next()) {
    const std::string data(rows->getString(4));
    if (xabridge::to_hex(data.substr(0, 64)).find(incarnation) == std::string::npos) continue;
    return xabridge::Xid::make(rows->getInt(1), data.substr(0, 64), data.substr(64))->to_mysql();
  }
  throw std::runtime_error("no branch of " + std::string(transaction) + " is prepared");
}

long RealServers::pg_balance(int id) {
  return pg_number("SELECT balance FROM " + account + " WHERE id = " + std::to_string(id));
}
long RealServers::my_balance(int id) {
  return my_number("SELECT balance FROM " + account + " WHERE id = " + std::to_string(id));
}
