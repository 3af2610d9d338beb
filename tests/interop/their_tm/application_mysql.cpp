// The application at MySQL and MariaDB, with Connector/C++.
#include <xabridge/mysql_switch.h>

#include <cstdio>
#include <memory>

#include "../../support/plain_mysql.hpp"
#include "application.h"

namespace {

int run(sql::Connection& connection, const char* text_of_sql, char* text, long size) {
  const auto room = static_cast<std::size_t>(size);
  text[0] = '\0';
  try {
    const std::unique_ptr<sql::Statement> statement(connection.createStatement());
    if (!statement->execute(text_of_sql)) return WORK_DONE;
    const std::unique_ptr<sql::ResultSet> rows(statement->getResultSet());
    if (rows->next()) std::snprintf(text, room, "%s", rows->getString(1).c_str());
    return WORK_DONE;
  } catch (const sql::SQLException& failure) {
    std::snprintf(text, room, "%d", failure.getErrorCode());
    return WORK_FAILED;
  }
}

}  // namespace

int application_work(int rmid, const char* sql, char* text, long size) {
  sql::Connection* const connection = xabridge_mysql_connection_of(rmid);
  if (connection != nullptr) return run(*connection, sql, text, size);
  xabridge_rm_error why{};
  if (xabridge_mysql_switch_extras.last_error(rmid, &why) != XA_OK)
    (void)xabridge_mysql_switch_dynamic_extras.last_error(rmid, &why);
  std::snprintf(text, static_cast<std::size_t>(size), "%s", why.message);
  return WORK_NO_CONNECTION;
}

int application_outside(const char* open_string, const char* sql, char* text, long size) {
  try {
    return run(*plain_mysql(open_string), sql, text, size);
  } catch (const sql::SQLException& failure) {
    std::snprintf(text, static_cast<std::size_t>(size), "%s", failure.what());
    return WORK_NO_CONNECTION;
  }
}
