// A connection to MySQL or MariaDB that is no branch's, for what a test sets up and looks at.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <thread>

#if __has_include(<mysql/jdbc.h>)
#include <mysql/jdbc.h>
#else
#include <cppconn/connection.h>
#include <cppconn/driver.h>
#include <cppconn/exception.h>
#include <cppconn/resultset.h>
#include <cppconn/statement.h>
#endif

/// By an open string of the test servers, which need no quotes.
inline std::unique_ptr<sql::Connection> plain_mysql(const std::string& open) {
  std::map<std::string, std::string> values;
  std::istringstream words(open);
  for (std::string word; words >> word;) {
    const auto equals = word.find('=');
    values[word.substr(0, equals)] = word.substr(equals + 1);
  }
  sql::ConnectOptionsMap options;
  if (values.contains("socket")) {
    options["hostName"] = sql::SQLString("unix://" + values["socket"]);
  } else {
    options["hostName"] = sql::SQLString(values["host"]);
    options["port"] = std::stoi(values["port"]);
  }
  options["userName"] = sql::SQLString(values["user"]);
  options["password"] = sql::SQLString(values["password"]);
  options["schema"] = sql::SQLString(values["dbname"]);
  return std::unique_ptr<sql::Connection>(::get_driver_instance()->connect(options));
}

/// Waits until MariaDB has let go of the prepared branch of a session that ends (empty: of every
/// session). XA COMMIT and XA ROLLBACK by hand may else be answered with success and do nothing,
/// and what is left of the branch puts the commits of every later test in doubt: trap 16 of
/// docs/decisions/0006-server-traps.md. At MySQL at once. False after ten seconds.
inline bool let_go_of_branch(sql::Statement& statement, const std::string& session) {
  constexpr std::chrono::seconds kLimit{10};
  const std::string mark = "MariaDB thread id " + session;
  const auto text = [&](const char* sql, unsigned column) {
    const std::unique_ptr<sql::ResultSet> row(statement.executeQuery(sql));
    return row->next() ? std::string(row->getString(column)) : std::string();
  };
  if (text("SELECT VERSION()", 1).find("MariaDB") == std::string::npos) return true;
  const auto limit = std::chrono::steady_clock::now() + kLimit;
  for (;;) {
    std::istringstream lines(text("SHOW ENGINE INNODB STATUS", 3));
    bool prepared = false;
    bool held = false;
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("---TRANSACTION "))
        prepared = line.find(", ACTIVE (PREPARED)") != std::string::npos;
      else if (prepared && line.starts_with(mark))
        held = held || session.empty() || line[mark.size()] == ',';
    }
    if (!held) return true;
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::yield();
  }
}
