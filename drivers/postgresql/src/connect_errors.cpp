// The words of libpq and the server, and the advice for each.

#include "connect_errors.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace xabridge::postgresql {
namespace {

struct Row {
  std::string_view words;
  int xa_code;
  std::string_view advice;
};

// First match wins: the server's own refusals before what the network says.
constexpr std::array table{
    Row{"password authentication failed", XAER_RMERR,
        "check user and password, passwordfile or passfile of the open string"},
    Row{"no password supplied", XAER_RMERR,
        "give password, passwordfile or passfile in the open string"},
    Row{"no pg_hba.conf entry", XAER_RMERR,
        "add a line for this user, database and address to pg_hba.conf and reload PostgreSQL"},
    Row{"authentication failed", XAER_RMERR, "check user and pg_hba.conf"},
    Row{"too many connections for role", XAER_RMFAIL,
        "lower pool_size, or raise the role's limit with ALTER ROLE ... CONNECTION LIMIT"},
    Row{"too many connections for database", XAER_RMFAIL,
        "lower pool_size, or raise the database's limit with ALTER DATABASE ... CONNECTION LIMIT"},
    Row{"is not permitted to log in", XAER_RMERR,
        "check user in the open string, or let the role log in with ALTER ROLE ... LOGIN"},
    Row{"permission denied for database", XAER_RMERR,
        "check dbname and user in the open string, or GRANT CONNECT ON DATABASE to the role"},
    Row{"is not currently accepting connections", XAER_RMFAIL,
        "the database is switched off: ALTER DATABASE ... ALLOW_CONNECTIONS true"},
    Row{"role \"", XAER_RMERR, "check user in the open string, or create the role"},
    Row{"database \"", XAER_RMERR, "check dbname in the open string, or create the database"},
    Row{"too many clients", XAER_RMFAIL, "raise max_connections, or lower pool_size"},
    Row{"remaining connection slots", XAER_RMFAIL, "raise max_connections, or lower pool_size"},
    Row{"too many connections", XAER_RMFAIL, "raise the connection limit, or lower pool_size"},
    Row{"is starting up", XAER_RMFAIL, "wait until the server has started"},
    Row{"is shutting down", XAER_RMFAIL, "wait until the server is back"},
    Row{"in recovery mode", XAER_RMFAIL, "wait until the server has recovered from its crash"},
    Row{"not yet accepting connections", XAER_RMFAIL, "wait until the server has started"},
    Row{"received invalid response to SSL negotiation", XAER_RMERR,
        "what answers there is not PostgreSQL. Check host and port, and for MySQL or MariaDB write "
        "driver = \"mysql\""},
    Row{"expected authentication request from server", XAER_RMERR,
        "what answers there is not PostgreSQL. Check host and port, and for MySQL or MariaDB write "
        "driver = \"mysql\""},
    Row{"certificate", XAER_RMERR,
        "check sslmode and sslrootcert of the open string, and the name in the server's "
        "certificate"},
    Row{"SSL", XAER_RMERR, "check sslmode of the open string and ssl in postgresql.conf"},
    Row{"could not translate host name", XAER_RMFAIL, "check host in the open string"},
    Row{"timeout expired", XAER_RMFAIL,
        "is the server running and reachable? A firewall that drops packets looks like this"},
    Row{"onnection refused", XAER_RMFAIL,
        "is the server running and listening there? Check host, port and listen_addresses"},
    Row{"No such file", XAER_RMFAIL,
        "is the server running? Check host (the socket's folder) and port in the open string"},
    Row{"read-only", XAER_RMFAIL, "target_session_attrs asks for a primary and none was found"},
    Row{"invalid", XAER_RMERR, "correct this value in the open string"},
    Row{"service", XAER_RMERR, "check service in the open string and the service file"},
};

// libpq tries each address of a host, and with sslmode=prefer a second time without TLS: what it
// says twice is told once.
std::string told_once(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    while (!line.empty() && (line.back() == ' ' || line.back() == '\r')) line.remove_suffix(1);
    if (!line.empty() && std::find(lines.begin(), lines.end(), line) == lines.end())
      lines.push_back(line);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  std::string told;
  for (const std::string_view line : lines) told.append(told.empty() ? "" : "\n").append(line);
  return told;
}

}  // namespace

Error connect_error(std::string said, const std::string& target) {
  Error error;
  error.xa_code = XAER_RMFAIL;
  error.operation = "connect";
  error.connection_usable = false;
  error.server_text = told_once(said);
  error.message = "cannot connect to PostgreSQL with \"" + target + "\"";
  for (const Row& row : table) {
    if (error.server_text.find(row.words) == std::string::npos) continue;
    error.xa_code = row.xa_code;
    error.message.append(": ").append(row.advice);
    break;
  }
  return error;
}

}  // namespace xabridge::postgresql
