// Preflight: can this server do XA as promised? Each finding names its subject, what is wrong and
// the fix. Errors are what makes XA fail or lose a branch; warnings what weakens a promise.
#include <array>
#include <cstdio>
#include <map>
#include <utility>
#include <xabridge/codes.hpp>

#include "errors.hpp"
#include "server.hpp"
#include "session.hpp"

namespace xabridge::mysql {
namespace {

using Variables = std::map<std::string, std::string, std::less<>>;

struct Check {
  MysqlSession& session;
  const Settings& settings;
  Variables variables;
  std::vector<rm::Finding> findings;

  void report(int severity, std::string subject, std::string text, std::string fix = {}) {
    findings.push_back({severity, std::move(subject), std::move(text), std::move(fix)});
  }
  bool lost = false;  // the connection: every further question would get the same answer
  void failed(const std::string& subject, const Error& error) {
    lost = !error.connection_usable;
    report(XABRIDGE_FINDING_WARNING, subject, "could not be checked: " + error.to_string(),
           "make it readable for " + settings.user);
  }
  [[nodiscard]] std::string value(std::string_view name) const {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string() : found->second;
  }
  [[nodiscard]] bool is_on(std::string_view name) const {
    const std::string text = value(name);
    return text == "ON" || text == "1";
  }
};

struct Version {
  int number = 0;  // 10.5.3 is 100503
  static Version of(const std::string& text) {
    int major = 0;
    int minor = 0;
    int patch = 0;
    if (std::sscanf(text.c_str(), "%d.%d.%d", &major, &minor, &patch) < 2) return {};
    return {major * 10000 + minor * 100 + patch};
  }
};

bool read_variables(Check& check) {
  const auto rows = check.session.query("SHOW GLOBAL VARIABLES");
  if (!rows) {
    check.report(XABRIDGE_FINDING_ERROR, "server", "cannot be asked: " + rows.error().to_string(),
                 "check the open string and the server");
    return false;
  }
  for (const auto& row : *rows) check.variables[row.at(0).value_or("")] = row.at(1).value_or("");
  return true;
}

/// Why these versions: before them a prepared branch does not survive what it must survive.
void check_version(Check& check) {
  const std::string& text = check.session.version();
  const int version = Version::of(text).number;
  if (check.session.flavour() == Flavour::mariadb) {
    if (version < 100500) {
      check.report(XABRIDGE_FINDING_ERROR, "version",
                   "MariaDB " + text + " rolls a prepared branch back when its session ends",
                   "upgrade to MariaDB 10.5 or newer");
      return;
    }
  } else if (version < 80000) {
    check.report(XABRIDGE_FINDING_ERROR, "version",
                 "MySQL " + text + " loses prepared branches in crashes and keeps sessions bound",
                 "upgrade to MySQL 8.0.30 or newer");
    return;
  } else if (version < 80030) {
    check.report(XABRIDGE_FINDING_WARNING, "version",
                 "MySQL " + text + " may let binary log and data differ after a crash amid XA",
                 "upgrade to MySQL 8.0.30 or newer");
    return;
  }
  check.report(XABRIDGE_FINDING_OK, "version",
               (check.session.flavour() == Flavour::mariadb ? "MariaDB " : "MySQL ") + text);
}

/// The account we are logged in as, as GRANT takes it.
std::string account(Check& check) {
  if (const auto row = check.session.query("SELECT CURRENT_USER()"); row && !row->empty()) {
    const std::string name = row->at(0).at(0).value_or("");
    if (const auto at = name.rfind('@'); at != std::string::npos)
      return "'" + name.substr(0, at) + "'@'" + name.substr(at + 1) + "'";
  }
  return "'" + check.settings.user + "'@'%'";
}

/// Asking is the surest test of the privilege: roles, wildcards and SUPER all count.
void check_recover_right(Check& check) {
  const auto branches = check.session.prepared(true);
  if (branches) {
    check.report(XABRIDGE_FINDING_OK, "XA RECOVER",
                 "is allowed, " + std::to_string(branches->size()) + " prepared branches listed");
    return;
  }
  check.lost = !branches.error().connection_usable;
  const bool right = branches.error().vendor_code == 1401;
  check.report(
      XABRIDGE_FINDING_ERROR, right ? "XA_RECOVER_ADMIN" : "XA RECOVER",
      "is refused, so that branches in doubt could not be found: " + branches.error().server_text,
      right ? "GRANT XA_RECOVER_ADMIN ON *.* TO " + account(check) : "see the server's message");
}

/// See teardown.hpp.
void check_sight_of_teardown(Check& check) {
  if (check.session.flavour() != Flavour::mariadb) return;
  const auto seen = check.session.query("SHOW ENGINE INNODB STATUS");
  if (seen) return;
  if (seen.error().vendor_code != kAccessDenied) return check.failed("PROCESS", seen.error());
  check.report(XABRIDGE_FINDING_WARNING, "PROCESS",
               "is missing: MariaDB answers an XA COMMIT with success and commits nothing when the "
               "session that prepared the branch is just ending; only InnoDB's status shows it. "
               "Recovery right after a crash could take such a branch for committed",
               "GRANT PROCESS ON *.* TO " + account(check));
}

void set_persist(Check& check, int severity, const char* name, const std::string& wanted,
                 const std::string& text) {
  const bool persist = check.session.flavour() == Flavour::mysql;
  std::string fix = std::string(persist ? "SET PERSIST " : "SET GLOBAL ") + name + " = " + wanted;
  if (!persist) fix += std::string(", and ") + name + " = " + wanted + " in my.cnf";
  check.report(severity, name, "is " + check.value(name) + ": " + text, fix);
}

void check_durability(Check& check) {
  const std::size_t before = check.findings.size();
  if (const std::string flush = check.value("innodb_flush_log_at_trx_commit"); flush == "0") {
    set_persist(check, XABRIDGE_FINDING_ERROR, "innodb_flush_log_at_trx_commit", "1",
                "a server that is killed forgets prepared branches it had confirmed");
  } else if (flush != "1") {
    set_persist(check, XABRIDGE_FINDING_WARNING, "innodb_flush_log_at_trx_commit", "1",
                "a prepared or committed branch may be lost when the server's host crashes");
  }
  if (check.is_on("log_bin") && check.value("sync_binlog") != "1") {
    set_persist(check, XABRIDGE_FINDING_WARNING, "sync_binlog", "1",
                "after a crash the binary log decides what was prepared, and it may be behind");
  }
  const std::string doublewrite = check.value("innodb_doublewrite");
  if (doublewrite == "OFF" || doublewrite == "0" || doublewrite == "DETECT_ONLY") {
    check.report(XABRIDGE_FINDING_WARNING, "innodb_doublewrite",
                 "is " + doublewrite + ": a page torn by a power failure cannot be repaired",
                 "innodb_doublewrite = ON in my.cnf and restart, unless the file system writes "
                 "pages atomically");
  }
  if (check.findings.size() == before) {
    check.report(XABRIDGE_FINDING_OK, "durability", "logs are forced at prepare and commit");
  }
}

void check_session_behaviour(Check& check) {
  if (check.session.flavour() == Flavour::mysql && !check.is_on("xa_detach_on_prepare")) {
    check.report(XABRIDGE_FINDING_WARNING, "xa_detach_on_prepare",
                 "is not ON: a prepared branch keeps its connection until it is completed",
                 "SET PERSIST xa_detach_on_prepare = ON (MySQL 8.0.29 or newer)");
  }
  if (check.is_on("innodb_rollback_on_timeout")) {
    check.report(XABRIDGE_FINDING_WARNING, "innodb_rollback_on_timeout",
                 "is ON: a lock wait timeout dooms the whole branch, not one statement",
                 "innodb_rollback_on_timeout = OFF in my.cnf and restart, if retries of single "
                 "statements are wanted");
  }
}

/// `read_only` stops accounts without a certain privilege, which ALL PRIVILEGES includes.
bool may_write_all_the_same(Check& check) {
  const auto grants = check.session.query("SHOW GRANTS");
  if (!grants) return false;
  for (const auto& row : *grants) {
    const std::string grant = row.at(0).value_or("");
    for (const char* privilege : {"SUPER", "CONNECTION_ADMIN", "READ_ONLY ADMIN", "READ ONLY ADMIN",
                                  "ALL PRIVILEGES ON *.*"}) {
      if (grant.find(privilege) != std::string::npos) return true;
    }
  }
  return false;
}

/// MySQL completes prepared branches all the same; MariaDB refuses it to whom it refuses writes.
void check_read_only(Check& check) {
  const bool super = check.is_on("super_read_only");
  if (!super && !check.is_on("read_only")) return;
  const std::string name = super ? "super_read_only" : "read_only";
  const std::string fix = "connect to the writable server, or SET GLOBAL " + name + " = OFF";
  if (!super && may_write_all_the_same(check)) {
    check.report(XABRIDGE_FINDING_WARNING, name,
                 "is ON: this account may write and complete branches all the same, most others "
                 "may not; a server that is read-only usually is a replica",
                 fix);
    return;
  }
  const bool mariadb = check.session.flavour() == Flavour::mariadb;
  check.report(XABRIDGE_FINDING_ERROR, name,
               std::string("is ON: branches of this account cannot write; ") +
                   (mariadb ? "prepared ones cannot be committed or rolled back either"
                            : "prepared ones can be committed and rolled back"),
               fix);
}

void check_replication_filters(Check& check) {
  for (const char* name :
       {"replicate_do_db", "replicate_ignore_db", "binlog_do_db", "binlog_ignore_db"}) {
    if (check.value(name).empty()) continue;
    check.report(XABRIDGE_FINDING_WARNING, name,
                 "is " + check.value(name) +
                     ": with a filter a replica may see XA COMMIT without "
                     "XA PREPARE and stop",
                 "remove the filter where XA transactions are replicated");
  }
}

/// Writes to these tables are neither rolled back nor prepared.
void check_engines(Check& check) {
  const std::string engine = check.value("default_storage_engine");
  if (engine != "InnoDB") {
    check.report(XABRIDGE_FINDING_WARNING, "default_storage_engine",
                 "is " + engine + ": new tables may not take part in transactions",
                 "SET GLOBAL default_storage_engine = InnoDB, and in my.cnf");
  }
  constexpr int kShown = 5;
  const auto rows = check.session.query(
      "SELECT t.table_name, t.engine FROM information_schema.tables t "
      "JOIN information_schema.engines e ON e.engine = t.engine "
      "WHERE t.table_schema = DATABASE() AND t.table_type = 'BASE TABLE' "
      "AND COALESCE(e.xa, 'NO') <> 'YES' ORDER BY t.table_name LIMIT " +
      std::to_string(kShown + 1));
  if (!rows) return check.failed("tables", rows.error());
  if (rows->empty()) {
    return check.report(XABRIDGE_FINDING_OK, "tables",
                        "all of " + check.settings.dbname + " do XA");
  }
  std::string names;
  int shown = 0;
  for (const auto& row : *rows) {
    if (!names.empty()) names += ", ";
    if (shown++ == kShown) {
      names += "...";
      break;
    }
    names += row.at(0).value_or("") + " (" + row.at(1).value_or("") + ")";
  }
  check.report(XABRIDGE_FINDING_WARNING, "tables",
               "not transactional, writes to them are never rolled back: " + names,
               "ALTER TABLE <name> ENGINE = InnoDB");
}

}  // namespace

std::vector<rm::Finding> check_server(MysqlSession& session, const Settings& settings) {
  Check check{session, settings, {}, {}};
  if (!read_variables(check)) return std::move(check.findings);
  for (auto* part :
       {check_version, check_recover_right, check_sight_of_teardown, check_durability,
        check_session_behaviour, check_read_only, check_replication_filters, check_engines}) {
    part(check);
    if (check.lost) break;
  }
  return std::move(check.findings);
}

}  // namespace xabridge::mysql
