// OtherRole: a role that the test servers' user may SET ROLE to, with rights on the test's tables.
#pragma once

#include <libpq-fe.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>

#include "real_servers.hpp"

class OtherRole {
 public:
  explicit OtherRole(RealServers& servers) : name("role_of_" + servers.account) {
    if (PQstatus(admin_.get()) != CONNECTION_OK)
      throw std::runtime_error(PQerrorMessage(admin_.get()));
    run("CREATE ROLE " + name);
    run("GRANT " + name + " TO xabridge");
    run("GRANT ALL ON " + servers.account + ", " + servers.transfer + " TO " + name);
    run("SET lock_timeout = '5s'");  // a branch that a failed test left keeps its locks
  }
  OtherRole(const OtherRole&) = delete;
  OtherRole& operator=(const OtherRole&) = delete;
  ~OtherRole() {
    PQclear(PQexec(admin_.get(), ("DROP OWNED BY " + name).c_str()));
    PQclear(PQexec(admin_.get(), ("DROP ROLE " + name).c_str()));
  }

  const std::string name;

 private:
  struct Close {
    void operator()(PGconn* c) const { PQfinish(c); }
  };
  void run(const std::string& sql) { RealServers::pg(admin_.get(), sql); }

  static const char* open_string() {
    const char* const value = std::getenv("XABRIDGE_TEST_POSTGRESQL_ADMIN");
    if (value == nullptr) throw std::runtime_error("XABRIDGE_TEST_POSTGRESQL_ADMIN is not set");
    return value;
  }
  std::unique_ptr<PGconn, Close> admin_{PQconnectdb(open_string())};
};
