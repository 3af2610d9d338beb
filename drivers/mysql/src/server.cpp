// Connecting, recognising a server and the sessions of an owner.
#include "server.hpp"

#include <utility>

#include "connect.hpp"
#include "errors.hpp"
#include "session.hpp"

namespace xabridge::mysql {
namespace {

// The adapter hands back the sessions it got from connect().
MysqlSession& own(rm::Session& session) { return static_cast<MysqlSession&>(session); }

/// Sessions with the tag, and whether our own session's attributes are in the table at all: the
/// server drops them when performance_schema is off or the attributes did not fit.
///
/// A session in the middle of a statement does not count: the server looks for its client only when
/// the statement is over, and it may wait for a lock of the very branch that waits for the session
/// to be gone. A client that lives has the session of a prepared branch idle, beside that one. What
/// another account's session does is hidden from us; it counts.
std::string count_query(const char* table, const std::string& owner_tag) {
  const std::string attributes = std::string("performance_schema.") + table;
  return "SELECT (SELECT COUNT(*) FROM " + attributes +
         " WHERE processlist_id = CONNECTION_ID() AND attr_name = 'program_name'),"
         " COUNT(DISTINCT processlist_id) FROM " +
         attributes +
         " LEFT JOIN information_schema.processlist ON id = processlist_id"
         " WHERE attr_name = '" +
         kOwnerAttribute + "' AND attr_value = CONVERT(X'" + to_hex(owner_tag) +
         "' USING utf8mb4) AND COALESCE(command, 'Sleep') = 'Sleep'";
}

constexpr std::size_t kMarksAtOnce = 512;
// A process numbers its sessions at all servers together, so that those of one have gaps between
// them. Who has more sessions than that elsewhere, all older, is found by its attributes only.
constexpr std::size_t kLongestGap = 4096;

std::string holders_query(const std::string& owner_tag, std::size_t first) {
  std::string sql;
  for (std::size_t i = 0; i < kMarksAtOnce; ++i) {
    sql += i == 0 ? "SELECT " : ", ";
    sql += "IS_USED_LOCK('" + SessionMark::numbered(owner_tag, first + i) + "')";
  }
  return sql;
}

/// Those that are ending already are left out.
std::string sessions_query(const char* table, const std::string& owner_tag) {
  return std::string("SELECT DISTINCT processlist_id FROM performance_schema.") + table +
         " JOIN information_schema.processlist ON id = processlist_id WHERE attr_name = '" +
         kOwnerAttribute + "' AND attr_value = CONVERT(X'" + to_hex(owner_tag) +
         "' USING utf8mb4) AND command <> 'Killed'";
}

}  // namespace

MysqlServer::MysqlServer(Settings settings)
    : settings_(std::make_shared<const Settings>(std::move(settings))),
      interrupter_(std::make_shared<Interrupter>(settings_)),
      prepared_log_(std::make_shared<PreparedLog>()) {}

void MysqlServer::prepared_at(const Xid& xid, const std::string& server) {
  if (const auto place = PreparedLog::parse(server))
    prepared_log_->note(xid, server.substr(0, server.find(' ')), *place);
}

Result<std::unique_ptr<rm::Session>> MysqlServer::connect(const std::string& owner_tag) {
  auto session =
      MysqlSession::open(settings_, owner_tag, interrupter_, prepared_log_, &compared_settings_);
  if (!session) return session.error();
  one_phase_survives_ = (*session)->one_phase_survives();
  interrupter_->get_ready();
  return std::unique_ptr<rm::Session>(*std::move(session));
}

Result<std::optional<long>> MysqlServer::sessions_tagged(rm::Session& control,
                                                         const std::string& owner_tag) {
  // The first table shows every account's sessions and needs a privilege; the second shows those of
  // our own account, under which the owner, configured like us, logged in.
  for (const char* table : {"session_connect_attrs", "session_account_connect_attrs"}) {
    const auto rows = own(control).query(count_query(table, owner_tag));
    if (!rows) {
      if (connection_lost(rows.error())) return rows.error();
      continue;
    }
    const auto& row = rows->at(0);
    if (row[0] == "0") return std::optional<long>();
    return std::optional<long>(std::stol(row[1].value_or("0")));
  }
  return std::optional<long>();
}

/// By their marks, in the statement that ends them; the attributes show who gave his away.
/// Another account's sessions stay, without CONNECTION_ADMIN.
Result<std::optional<long>> MysqlServer::end_sessions_tagged(rm::Session& control,
                                                             const std::string& owner_tag) {
  MysqlSession& session = own(control);
  long ended = 0;
  bool known = SessionMark::tells_owners_apart(owner_tag);
  std::size_t last = 0;
  for (std::size_t first = 0; known && first < last + kLongestGap; first += kMarksAtOnce) {
    const auto row = session.query(holders_query(owner_tag, first));
    if (!row) return row.error();
    for (std::size_t i = 0; i < kMarksAtOnce; ++i) {
      if (!row->at(0).at(i)) continue;
      last = first + i;
      const std::string holder = "IS_USED_LOCK('" + SessionMark::numbered(owner_tag, first + i);
      const auto failure = session.order("KILL CONNECTION " + holder + "')");
      if (failure && connection_lost(*failure)) return *failure;
      if (!failure) ++ended;
    }
  }
  for (const char* table : {"session_connect_attrs", "session_account_connect_attrs"}) {
    const auto rows = session.query(sessions_query(table, owner_tag));
    if (!rows && connection_lost(rows.error())) return rows.error();
    if (!rows) continue;
    known = known || !rows->empty();
    for (const auto& row : *rows) {
      const auto failure = session.order("KILL CONNECTION " + row.at(0).value_or("0"));
      if (failure && connection_lost(*failure)) return *failure;
      if (!failure) ++ended;
    }
    break;
  }
  return known ? std::optional<long>(ended) : std::optional<long>();
}

Result<std::string> MysqlServer::identity(rm::Session& control) {
  MysqlSession& session = own(control);
  // server_uuid may be copied with a data directory; MariaDB's server_uid is a hash of port and
  // network card. With name, port and directory beside them, equal texts are the same server.
  const auto rows = session.query("SELECT @@hostname, @@port, @@datadir, DATABASE()");
  if (!rows) return rows.error();
  const auto ids =
      session.query("SHOW GLOBAL VARIABLES WHERE Variable_name IN ('server_uuid', 'server_uid')");
  if (!ids) return ids.error();
  std::string text = session.flavour() == Flavour::mariadb ? "mariadb:" : "mysql:";
  for (const auto& id : *ids) text += id.at(1).value_or("") + ":";
  const auto& row = rows->at(0);
  for (const int column : {0, 1, 2})
    text += row[static_cast<std::size_t>(column)].value_or("") + ":";
  return text + row[3].value_or("");
}

std::vector<rm::Finding> MysqlServer::preflight(rm::Session& control) {
  return check_server(own(control), *settings_);
}

}  // namespace xabridge::mysql
