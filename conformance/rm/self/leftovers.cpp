// The clean-up before the switches are tried: what tests before left prepared.
#include "self/leftovers.hpp"

#include <libpq-fe.h>

#include <memory>
#include <stdexcept>
#include <vector>
#include <xabridge/xid.hpp>

#include "plain_mysql.hpp"

namespace xabridge::conformance {

namespace {

using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

Result query(PGconn* connection, const std::string& sql) {
  Result result(PQexec(connection, sql.c_str()), PQclear);
  const auto status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
    throw std::runtime_error(sql + ": " + PQresultErrorMessage(result.get()));
  return result;
}

/// A branch can be rolled back from its own database only.
std::string at_postgresql(const std::string& admin) {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(admin.c_str()),
                                                                PQfinish);
  const Result gids = query(connection.get(),
                            "SELECT gid FROM pg_prepared_xacts WHERE database = "
                            "current_database()");
  std::string found;
  for (int row = 0; row < PQntuples(gids.get()); ++row) {
    const std::string gid = PQgetvalue(gids.get(), row, 0);
    const std::unique_ptr<char, decltype(&PQfreemem)> literal(
        PQescapeLiteral(connection.get(), gid.data(), gid.size()), PQfreemem);
    (void)query(connection.get(), std::string("ROLLBACK PREPARED ") + literal.get());
    found += gid + "\n";
  }
  return found;
}

std::string at_mysql(const std::string& admin) {
  const auto connection = plain_mysql(admin);
  const std::unique_ptr<sql::Statement> statement(connection->createStatement());
  std::vector<Xid> xids;
  const std::unique_ptr<sql::ResultSet> rows(statement->executeQuery("XA RECOVER"));
  while (rows->next()) {
    const std::string data(rows->getString(4));
    const auto gtrid = static_cast<std::size_t>(rows->getInt(2));
    if (const auto xid = Xid::make(rows->getInt(1), data.substr(0, gtrid), data.substr(gtrid)))
      xids.push_back(*xid);
  }
  std::string found;
  if (!xids.empty() && !let_go_of_branch(*statement, ""))
    found = "(MariaDB does not let go of the session of one of them)\n";
  for (const Xid& xid : xids) {
    found += xid.to_string();
    try {
      statement->execute("XA ROLLBACK " + xid.to_mysql());
    } catch (const sql::SQLException& refusal) {
      found += std::string(": ") + refusal.what();
    }
    found += "\n";
  }
  return found;
}

}  // namespace

std::string roll_back_leftovers(bool postgresql, const std::string& admin) {
  return postgresql ? at_postgresql(admin) : at_mysql(admin);
}

}  // namespace xabridge::conformance
