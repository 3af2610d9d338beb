// Servers that are not the ones a resource manager was configured for, but would let it in.
#pragma once

#include <libpq-fe.h>

#include <cstdlib>
#include <stdexcept>
#include <string>

/// Another PostgreSQL, with the same role and database as the test server.
class OtherPostgresql {
 public:
  OtherPostgresql() {
    if (mkdtemp(folder_.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    run("start", "max_prepared_transactions=20");
    sql("CREATE ROLE xabridge LOGIN");
    sql("CREATE DATABASE xabridge OWNER xabridge");
  }
  ~OtherPostgresql() { (void)!std::system((XABRIDGE_PRIVATE_CLUSTER " stop " + folder_).c_str()); }
  OtherPostgresql(const OtherPostgresql&) = delete;
  OtherPostgresql& operator=(const OtherPostgresql&) = delete;

  [[nodiscard]] std::string open_string() const {
    return "host=" + folder_ + " user=xabridge dbname=xabridge";
  }

 private:
  void run(const std::string& command, const std::string& argument) const {
    const std::string line =
        XABRIDGE_PRIVATE_CLUSTER " " + command + " " + folder_ + " " + argument;
    if (std::system(line.c_str()) != 0) throw std::runtime_error(line);
  }
  void sql(const std::string& statement) const {
    PGconn* connection =
        PQconnectdb(("host=" + folder_ + " user=postgres dbname=postgres").c_str());
    PGresult* result = PQexec(connection, statement.c_str());
    const bool ok = PQresultStatus(result) == PGRES_COMMAND_OK;
    const std::string text = PQerrorMessage(connection);
    PQclear(result);
    PQfinish(connection);
    if (!ok) throw std::runtime_error(text);
  }

  std::string folder_ = "/tmp/xabridge-other-XXXXXX";
};

/// The one of the two test servers that XABRIDGE_TEST_SERVER does not name.
inline std::string other_mysql_or_mariadb() {
  const char* server = std::getenv("XABRIDGE_TEST_SERVER");
  const bool mariadb = server != nullptr && std::string(server) == "mariadb";
  const char* open = std::getenv(mariadb ? "XABRIDGE_TEST_MYSQL" : "XABRIDGE_TEST_MARIADB");
  if (open == nullptr) throw std::runtime_error("eval \"$(scripts/servers env)\"");
  return open;
}
