// Phase two and the list of prepared branches: what any session can do to any prepared branch.
//
// A refusal alone proves nothing. MariaDB answers XAER_NOTA for a branch that is prepared and
// merely owned by a living session (docs/decisions/0006, trap 2), and both servers refuse for
// reasons of the session that asks. So every refusal is judged together with a fresh XA RECOVER:
//
//   refusal                     listed            not listed: commit      rollback
//   XAER_NOTA                   XA_RETRY (owned)  XAER_NOTA               XAER_NOTA
//   1402, MariaDB, not owner    XA_RETRY          XA_OK (see verdict)     XA_OK
//   1402, 1613, 1614            XA_RETRY          XA_HEURRB               XA_OK
//   transient, read-only, 1401  XA_RETRY          XA_HEURHAZ              XAER_NOTA
//   anything else               XAER_RMERR        XA_HEURHAZ              XAER_NOTA
//   any, MariaDB, a success before may have been none (teardown.hpp), not listed: XA_RETRY
//
// When the list itself is refused the answer is XAER_RMERR, with the grant that is missing.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>
#include <xabridge/codes.hpp>

#include "errors.hpp"
#include "session.hpp"

namespace xabridge::mysql {
namespace {

constexpr const char* kGrant =
    "XA RECOVER failed: without the list of prepared branches nothing can be recovered; as an "
    "administrator: GRANT XA_RECOVER_ADMIN ON *.* TO '";

/// It answers, so it is forgotten by name.
std::string bring_back(const std::string& server) {
  return " bring back the server that has the branch, or forget it: xabridge heuristic "
         "forget-server --server '" +
         server + "'";
}

/// When the oldest was made of what applications have at the server and the account sees, in
/// seconds since 1970; 0: it sees nothing. MariaDB tells local time, which is ambiguous for an hour
/// when summer ends. MySQL's procedures tell as well as tables, for accounts that see nothing else;
/// MariaDB's do not: a dump of all databases brings the old time back.
std::string age_query(Flavour flavour) {
  const std::string theirs = " NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema')";
  const std::string tables =
      "SELECT UNIX_TIMESTAMP(create_time) AS made FROM information_schema.tables"
      " WHERE table_schema" +
      theirs;
  const std::string oldest = "SELECT COALESCE(MIN(made), 0) FROM (" + tables;
  if (flavour == Flavour::mariadb)
    return "SET STATEMENT time_zone = '+00:00' FOR " + oldest + ") AS seen";
  return oldest +
         " UNION ALL SELECT UNIX_TIMESTAMP(created) FROM information_schema.routines"
         " WHERE routine_schema" +
         theirs + ") AS seen";
}

const char* verb(bool commit) { return commit ? "XA COMMIT" : "XA ROLLBACK"; }

bool server_rolled_back(int vendor_code) {
  return vendor_code == 1402 || vendor_code == 1613 || vendor_code == 1614;
}

/// Refusals that say nothing against a later try.
bool may_pass(const Error& error) {
  switch (error.vendor_code) {
    case 1290:
    case 1792:
    case 1836:
    case 1397:
    case 1399:
    case 1400:
    case 1401:
      return true;
    default:
      return is_rollback(error.xa_code);
  }
}

/// `orphan`: MariaDB was asked about a branch whose session has ended.
int verdict(bool commit, bool listed, bool orphan, const Error& error) {
  if (listed) return may_pass(error) ? XA_RETRY : XAER_RMERR;
  if (error.xa_code == XAER_NOTA) return XAER_NOTA;
  if (!commit) return server_rolled_back(error.vendor_code) ? XA_OK : XAER_NOTA;
  if (!server_rolled_back(error.vendor_code)) return XA_HEURHAZ;
  // When the session of a prepared branch that wrote nothing ends, MariaDB drops the branch at once
  // and remembers 1402 for whoever completes it; it does so for no other prepared branch. Committed
  // and rolled back are then the same.
  return orphan && error.vendor_code == 1402 ? XA_OK : XA_HEURRB;
}

}  // namespace

rm::Answer MysqlSession::commit_prepared(const Xid& xid) { return phase_two(true, xid); }
rm::Answer MysqlSession::rollback_prepared(const Xid& xid) { return phase_two(false, xid); }

/// An XID that no statement of the server can name.
bool MysqlSession::expressible(const Xid& xid) const noexcept {
  constexpr long kLargest = std::numeric_limits<std::int32_t>::max();
  constexpr long kSmallest = std::numeric_limits<std::int32_t>::min();
  if (xid.format_id() > kLargest) return false;
  return flavour_ == Flavour::mysql ? xid.format_id() >= kSmallest : xid.format_id() >= 0;
}

rm::Answer MysqlSession::phase_two(bool commit, const Xid& xid) {
  if (!expressible(xid)) {
    return make_error(XAER_NOTA, verb(commit), &xid,
                      std::string(verb(commit)) +
                          " not sent: the server keeps formatID in 31 bits, MySQL also negative "
                          "ones of 32, so it cannot have a branch of this XID");
  }
  const Within within(*this);
  if (holds_ != Holds::none && held_ != xid) {
    return make_error(XAER_PROTO, verb(commit), &xid,
                      "this session holds the branch " + held_->to_string() + "; use another");
  }
  end_lost_sessions();  // one of them may have the branch
  auto error = complete(commit, xid);
  if (!error) {
    if (prepared_log_ != nullptr) prepared_log_->finished(xid);
    let_go();
    return XA_OK;
  }
  return judge(commit, xid, *std::move(error));
}

/// Sends the verb in a way this session may send it. Every loss before the verb itself is sent
/// leaves the outcome known: nothing has reached the branch.
std::optional<Error> MysqlSession::complete(bool commit, const Xid& xid) {
  if (holds_ == Holds::none && flavour_ == Flavour::mariadb) return complete_detached(commit, xid);
  // A request written to a session whose server has died and come back fails like one whose answer
  // was lost: TCP takes the bytes and tells afterwards. Whoever then does not find the branch would
  // believe that the commit had arrived. One round trip first tells the two apart.
  if (const auto failure = inspect(); failure && !failure->connection_usable) {
    return unsent(commit, xid);
  }
  auto error = send_phase_two(commit, xid);
  const bool stray = error && (error->vendor_code == 1399 || error->vendor_code == 1400);
  if (!stray || holds_ != Holds::none) return error;
  // Somebody used the connection after its branch was prepared. That work belongs to no
  // transaction.
  if (auto failure = roll_back_stray_work()) return failure;
  return send_phase_two(commit, xid);
}

std::optional<Error> MysqlSession::send_phase_two(bool commit, const Xid& xid) {
  auto error = send_xa(verb(commit), xid);
  if (error && connection_lost(*error)) error->outcome_known = false;
  return error;
}

Error MysqlSession::unsent(bool commit, const Xid& xid) const {
  Error error = make_error(XAER_RMFAIL, verb(commit), &xid, verb(commit));
  error.message += late_ ? " not sent: the server did not answer in time"
                         : " not sent: the connection was lost before";
  error.message += ", the branch is left as it was";
  return error;
}

/// MariaDB completes a branch of another session only where autocommit is on (else 1400). Switching
/// it on commits open work, so stray work is rolled back first; that also shows that the session is
/// alive. Around the verb it is looked out for MariaDB's trap; see teardown.hpp. An account without
/// PROCESS cannot look, which preflight warns of.
std::optional<Error> MysqlSession::complete_detached(bool commit, const Xid& xid) {
  if (auto failure = roll_back_stray_work()) return failure;
  const auto before = settled_look();
  const bool blind = !before && before.error().vendor_code == kAccessDenied;
  if (!before && !blind) return not_yet(commit, xid, before.error());
  if (before && !before->ending.empty())
    return not_yet(commit, xid,
                   make_error(XA_RETRY, verb(commit), &xid,
                              "MariaDB is ending a session with a prepared branch, and this may "
                              "be that branch"));
  if (auto failure = say("SET autocommit = 1", "SET autocommit", &xid)) return failure;
  const std::string branch = doubt_key(*settings_, xid);
  const TransactionIds doubted_before = doubted(branch);
  if (before) {
    TransactionIds all = doubted_before;  // while the answer is not known
    all.insert(before->held.begin(), before->held.end());
    doubt(branch, std::move(all));
  }
  auto error = send_phase_two(commit, xid);
  if (error && error->outcome_known) doubt(branch, doubted_before);
  if (!error && before) error = truly_done(verb(commit), xid, *before);
  if (say("SET autocommit = 0", "SET autocommit", &xid)) broken_ = true;
  return error;
}

/// Nothing was sent, and nothing speaks against a later try.
Error MysqlSession::not_yet(bool commit, const Xid& xid, Error error) {
  if (!connection_lost(error)) error.xa_code = XA_RETRY;
  error.xid = xid.to_string();
  error.message = std::string(verb(commit)) + " not sent, ask again: " + error.message;
  return error;
}

std::optional<Error> MysqlSession::roll_back_stray_work() {
  return say("ROLLBACK", "ROLLBACK", nullptr);
}

rm::Answer MysqlSession::judge(bool commit, const Xid& xid, Error error) {
  if (connection_lost(error)) return lost(std::move(error));
  if (error.xa_code == XA_RETRY) return error;  // it was not even sent
  const auto still_there = listed(xid);
  if (!still_there) {
    Error unknown = still_there.error();
    unknown.xid = error.xid;
    // Whatever keeps the list from being had (a KILL QUERY reads as XA_RBTIMEOUT) says nothing of
    // the branch.
    if (!connection_lost(unknown)) unknown.xa_code = XAER_RMERR;
    unknown.message += "; asked because of: " + error.message;
    if (!unknown.server_text.empty() && !error.server_text.empty()) {
      unknown.server_text += "; before: " + error.server_text;
    }
    return connection_lost(unknown) ? lost(std::move(unknown)) : rm::Answer(std::move(unknown));
  }
  const bool orphan = flavour_ == Flavour::mariadb && holds_ == Holds::none;
  if (!*still_there) let_go();
  if (!*still_there && orphan && may_be_swallowed(commit, xid)) {
    error.xa_code = XA_RETRY;
    error.message +=
        "; MariaDB may have forgotten it as its session ended, and lists it again when the server "
        "has been restarted";
    return error;
  }
  // Who says that it has rolled the branch back has had it: no other server, none made anew.
  if (!*still_there && !server_rolled_back(error.vendor_code)) {
    if (auto behind = cannot_tell(xid)) return *std::move(behind);
  }
  error.xa_code = verdict(commit, *still_there, orphan, error);
  if (error.xa_code == XA_OK) return XA_OK;
  if (error.xa_code == XA_RETRY && error.vendor_code == 1397) {
    error.message += "; it is prepared and another session still owns it, try again";
  }
  return error;
}

/// What speaks for a server made anew at the same place; nullopt: nothing does. An identifier may
/// be part of the image that it was made from, and so are the tables of the server's own schemas.
/// Not for good: who rebuilds a table makes it young, too.
std::optional<std::string> MysqlSession::made_anew_since(const PreparedLog::Place& place) {
  if (place.at == 0) return std::nullopt;
  const std::unique_ptr<sql::ResultSet> row(statement_->executeQuery(age_query(flavour_)));
  const std::uint64_t oldest = row->next() ? row->getUInt64(1) : 0;
  (void)roll_back_stray_work();  // such a question opens a transaction at MySQL
  if (oldest == 0)
    return "this account sees no table of an application there, so the server was made anew, or "
           "the account has no privilege on a table. If it is no new one, GRANT the account SELECT "
           "on a table that is older than the branch; else";
  if (oldest <= place.at) return std::nullopt;
  return "all tables that this account sees there were made after the branch was prepared, so the "
         "server was made anew, or each of them was rebuilt or altered since. Look at the data "
         "there, and";
}

/// A server whose log is behind where it was when the branch was prepared has lost it, or is a new
/// one at the same place. That it could not tell goes on record with its answer. The age of tables
/// does not: it proves less, and an older table that is seen later proves more.
std::optional<Error> MysqlSession::cannot_tell(const Xid& xid) {
  const auto place = prepared_log_ == nullptr ? std::nullopt : prepared_log_->find(xid, server_);
  if (!place) return std::nullopt;
  std::uint64_t now = 0;
  std::optional<std::string> seen;
  bool behind = place->doubted;
  try {
    now = lsn();
    behind = behind || now < place->lsn;
    if (!behind) seen = made_anew_since(*place);
  } catch (const sql::SQLException& failure) {
    Error error = failed(failure, "ask how old the server's files are", &xid);
    if (!connection_lost(error)) error.xa_code = XA_RETRY;
    return error;
  }
  if (!behind && !seen) return std::nullopt;
  if (!behind)
    return make_error(XA_RETRY, "XA RECOVER", &xid,
                      "the server does not have the branch, and cannot tell what became of it: " +
                          *seen + bring_back(server_));
  const PreparedLog::Place doubted{place->lsn, place->at, true};
  evidence_ = PreparedLog::text(server_, doubted);
  prepared_log_->note(xid, server_, doubted);
  return make_error(
      XA_RETRY, "XA RECOVER", &xid,
      "the server does not have the branch, and its files are new or were put back since it was "
      "prepared (its log was at LSN " +
          std::to_string(place->lsn) + " then, and is at " + std::to_string(now) +
          (now < place->lsn ? " now" : " now, but was behind before") +
          "): it cannot tell what became of the branch. Look at the data there, and" +
          bring_back(server_));
}

Result<bool> MysqlSession::listed(const Xid& xid) {
  const auto branches = prepared(false);
  if (!branches) return branches.error();
  return std::ranges::any_of(*branches, [&](const rm::InDoubt& b) { return b.xid == xid; });
}

Result<std::vector<rm::InDoubt>> MysqlSession::prepared(bool include_foreign) {
  const Within within(*this, Within::What::brief);
  try {
    connector();
    end_lost_sessions();  // also with every pass of a recovery
    const std::unique_ptr<sql::ResultSet> rows(statement_->executeQuery("XA RECOVER"));
    std::vector<rm::InDoubt> branches;
    while (rows->next()) {
      const std::string data = rows->getString(4);
      const long gtrid_length = rows->getInt(2);
      const long bqual_length = rows->getInt(3);
      const bool sound = gtrid_length >= 0 && bqual_length >= 0 &&
                         static_cast<std::size_t>(gtrid_length + bqual_length) == data.size();
      rm::InDoubt branch;
      if (sound) {
        const std::string_view bytes = data;
        const auto split = static_cast<std::size_t>(gtrid_length);
        // MySQL shows a negative one as what it is in 32 bits without a sign.
        const auto format = static_cast<std::int32_t>(rows->getInt64(1));
        branch.xid = Xid::make(format, bytes.substr(0, split), bytes.substr(split));
      }
      branch.name = branch.xid ? branch.xid->to_mysql()
                               : "X'" + to_hex(data) + "' (" + std::string(rows->getString(2)) +
                                     "+" + std::string(rows->getString(3)) + " bytes)," +
                                     std::string(rows->getString(1));
      if (branch.xid || include_foreign) branches.push_back(std::move(branch));
    }
    return branches;
  } catch (const sql::SQLException& failure) {
    Error error = failed(failure, "XA RECOVER", nullptr);
    if (error.vendor_code == 1401) error.message = kGrant + settings_->user + "'@'%'";
    return error;
  }
}

Result<std::vector<std::vector<std::optional<std::string>>>> MysqlSession::query(
    const std::string& sql) {
  const Within within(*this);
  try {
    connector();
    const std::unique_ptr<sql::ResultSet> rows(statement_->executeQuery(sql));
    const unsigned columns = rows->getMetaData()->getColumnCount();
    std::vector<std::vector<std::optional<std::string>>> table;
    while (rows->next()) {
      auto& row = table.emplace_back(columns);
      for (unsigned i = 0; i < columns; ++i) {
        std::string value = rows->getString(i + 1);
        if (!rows->wasNull()) row[i] = std::move(value);
      }
    }
    // A read opens a transaction where autocommit is off; it must not be found by the next XA
    // START.
    if (auto failure = roll_back_stray_work()) return *std::move(failure);
    return table;
  } catch (const sql::SQLException& failure) {
    return failed(failure, sql, nullptr);
  }
}

}  // namespace xabridge::mysql
