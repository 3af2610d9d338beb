// The application at PostgreSQL, with libpq.
#include <libpq-fe.h>
#include <xabridge/postgresql_switch.h>

#include <cstdio>

#include "application.h"

namespace {

int run(PGconn* connection, const char* sql, char* text, long size) {
  PGresult* const result = PQexec(connection, sql);
  const auto room = static_cast<std::size_t>(size);
  const ExecStatusType status = PQresultStatus(result);
  const bool done = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
  const char* value = PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "";
  std::snprintf(text, room, "%s", done ? value : PQresultErrorField(result, PG_DIAG_SQLSTATE));
  PQclear(result);
  return done ? WORK_DONE : WORK_FAILED;
}

}  // namespace

int application_work(int rmid, const char* sql, char* text, long size) {
  PGconn* const connection = xabridge_postgresql_connection_of(rmid);
  if (connection != nullptr) return run(connection, sql, text, size);
  xabridge_rm_error why{};
  if (xabridge_postgresql_switch_extras.last_error(rmid, &why) != XA_OK)
    (void)xabridge_postgresql_switch_dynamic_extras.last_error(rmid, &why);
  std::snprintf(text, static_cast<std::size_t>(size), "%s", why.message);
  return WORK_NO_CONNECTION;
}

int application_outside(const char* open_string, const char* sql, char* text, long size) {
  PGconn* const connection = PQconnectdb(open_string);
  const int outcome = run(connection, sql, text, size);
  PQfinish(connection);
  return outcome;
}
