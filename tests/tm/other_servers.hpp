// Servers that are not the ones a resource manager was configured for, but would let it in.
#pragma once

#include <libpq-fe.h>

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "../drivers/postgresql/private_cluster.hpp"
#include "real_servers.hpp"

/// Another PostgreSQL, with the same role and database as the test server.
class OtherPostgresql {
 public:
  OtherPostgresql() {
    PGconn* const admin = PQconnectdb(cluster_.open_string().c_str());
    RealServers::pg(admin, "CREATE ROLE xabridge LOGIN");
    RealServers::pg(admin, "CREATE DATABASE xabridge OWNER xabridge");
    PQfinish(admin);
  }

  [[nodiscard]] std::string open_string() const {
    return "host=" + cluster_.folder() + " user=xabridge dbname=xabridge";
  }

 private:
  const xabridge::test::PrivateCluster cluster_{"max_prepared_transactions=20"};
};

/// The one of the two test servers that XABRIDGE_TEST_SERVER does not name.
inline std::string other_mysql_or_mariadb() {
  const char* server = std::getenv("XABRIDGE_TEST_SERVER");
  const bool mariadb = server != nullptr && std::string(server) == "mariadb";
  const char* open = std::getenv(mariadb ? "XABRIDGE_TEST_MYSQL" : "XABRIDGE_TEST_MARIADB");
  if (open == nullptr) throw std::runtime_error("eval \"$(scripts/servers env)\"");
  return open;
}
