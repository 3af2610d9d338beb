// A connection to MySQL or MariaDB that is no branch's, for what a test sets up and looks at.
#pragma once

#include <map>
#include <memory>
#include <sstream>
#include <string>

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
  options["hostName"] = sql::SQLString(values["host"]);
  options["port"] = std::stoi(values["port"]);
  options["userName"] = sql::SQLString(values["user"]);
  options["password"] = sql::SQLString(values["password"]);
  options["schema"] = sql::SQLString(values["dbname"]);
  return std::unique_ptr<sql::Connection>(::get_driver_instance()->connect(options));
}
