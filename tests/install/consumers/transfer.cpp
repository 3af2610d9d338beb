// A program as a user of the installed library writes it: moves money from PostgreSQL to MySQL or
// MariaDB in one transaction, and then asks both servers over plain connections what they hold.
//
//   transfer CONFIG TABLE
//
// The configuration has the resource managers inst_a (PostgreSQL) and inst_b (MySQL or MariaDB);
// any other takes part as well. Ends with 0 when everything is as it must be.
#include <xabridge/version.h>

#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <xabridge/mysql.hpp>
#include <xabridge/postgresql.hpp>

#if !__has_include(<mysql/jdbc.h>)
#include <cppconn/driver.h>
#endif

namespace {

std::string postgresql(PGconn* connection, const std::string& sql) {
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(connection, sql.c_str()),
                                                             &PQclear);
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    throw std::runtime_error(sql + ": " + PQerrorMessage(connection));
  }
  return PQntuples(result.get()) == 0 ? PQcmdTuples(result.get())
                                      : PQgetvalue(result.get(), 0, 0);
}

std::string mysql(sql::Connection& connection, const std::string& sql) {
  const std::unique_ptr<sql::Statement> statement(connection.createStatement());
  if (!statement->execute(sql)) return std::to_string(statement->getUpdateCount());
  const std::unique_ptr<sql::ResultSet> rows(statement->getResultSet());
  std::string first;
  while (rows->next()) first = rows->getString(1).asStdString();
  return first;
}

void expect(const std::string& what, const std::string& found, const std::string& wanted) {
  std::cout << what << ": " << found << '\n';
  if (found != wanted) throw std::runtime_error(what + " is not " + wanted);
}

/// Plain connections, and a table at each server for as long as this lives.
class Tables {
 public:
  Tables(const xabridge::Config& config, std::string name) : name_(std::move(name)) {
    std::map<std::string, std::string> open;
    for (const auto& one : config.resource_managers) open[one.name] = one.open;
    pg_.reset(PQconnectdb(open.at("inst_a").c_str()));
    if (PQstatus(pg_.get()) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(pg_.get()));
    my_ = connect(open.at("inst_b"));
    postgresql(pg_.get(), "CREATE TABLE " + name_ + " (balance BIGINT)");
    postgresql(pg_.get(), "INSERT INTO " + name_ + " VALUES (100)");
    mysql(*my_, "CREATE TABLE " + name_ + " (balance BIGINT) ENGINE=InnoDB");
    mysql(*my_, "INSERT INTO " + name_ + " VALUES (100)");
  }
  ~Tables() {
    try {
      postgresql(pg_.get(), "DROP TABLE IF EXISTS " + name_);
      mysql(*my_, "DROP TABLE IF EXISTS " + name_);
    } catch (const std::exception& error) {
      std::cerr << "transfer: " << error.what() << '\n';
    }
  }
  Tables(const Tables&) = delete;
  Tables& operator=(const Tables&) = delete;

  PGconn* pg() { return pg_.get(); }
  sql::Connection& my() { return *my_; }

 private:
  static std::unique_ptr<sql::Connection> connect(const std::string& open) {
    std::map<std::string, std::string> values;
    std::istringstream words(open);
    for (std::string word; words >> word;) {
      const auto equals = word.find('=');
      values[word.substr(0, equals)] = word.substr(equals + 1);
    }
    sql::ConnectOptionsMap options;
    options["hostName"] = sql::SQLString(values["host"]);
    options["port"] = std::stoi(values["port"]);
    options["userName"] = sql::SQLString(values["user"]);
    options["password"] = sql::SQLString(values["password"]);
    options["schema"] = sql::SQLString(values["dbname"]);
    return std::unique_ptr<sql::Connection>(::get_driver_instance()->connect(options));
  }

  struct Close {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  const std::string name_;
  std::unique_ptr<PGconn, Close> pg_;
  std::unique_ptr<sql::Connection> my_;
};

/// One committed transfer, one that is rolled back, and what the servers hold after them.
void work(const xabridge::Config& config, const std::string& table) {
  Tables tables(config, table);
  xabridge::TransactionManager tm(config);
  const auto transfer = [&](xabridge::Transaction& tx) {
    for (const auto& one : config.resource_managers) tx.enlist(one.name);
    PGconn* inst_a = tx.postgresql("inst_a");
    expect("debit", postgresql(inst_a, "UPDATE " + table + " SET balance = balance - 30"), "1");
    sql::Connection& inst_b = tx.mysql("inst_b");
    expect("credit", mysql(inst_b, "UPDATE " + table + " SET balance = balance + 30"), "1");
  };
  const xabridge::Outcome outcome = tm.run(transfer);
  expect("outcome", outcome.to_string(), "committed");
  expect("branches", std::to_string(outcome.branches.size()),
         std::to_string(config.resource_managers.size()));

  xabridge::Transaction undone = tm.begin();
  transfer(undone);
  expect("outcome", std::string(to_string(undone.rollback().kind)), "rolled back");

  const std::string balance = "SELECT balance FROM " + table;
  expect("inst_a", postgresql(tables.pg(), balance), "70");
  expect("inst_b", mysql(tables.my(), balance), "130");
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) throw std::runtime_error("usage: transfer CONFIG TABLE");
  std::cout << "xabridge " XABRIDGE_VERSION "\n";
  work(xabridge::Config::load(argv[1]), argv[2]);
  return 0;
} catch (const std::exception& error) {
  std::cerr << "transfer: " << error.what() << '\n';
  return 1;
}
