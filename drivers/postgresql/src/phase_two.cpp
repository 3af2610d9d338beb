// Branches that are prepared: completing them, from whatever session, and listing them.

#include <string_view>

#include "error_table.hpp"
#include "ownership.hpp"
#include "session.hpp"

namespace xabridge::postgresql {
namespace {

using rm::Answer;

// Anybody's, anywhere in the cluster: the question is only whether it exists.
constexpr const char* still_listed = "SELECT 1 FROM pg_catalog.pg_prepared_xacts WHERE gid = $1";

// Which server is asked, and with what history, comes with the answer: see origin.hpp. An id that
// the server has not given yet would be an error. A shutdown's checkpoint is its own redo point,
// which one of a running server is not; its time alone, in seconds, would not tell them apart.
constexpr const char* what_became_of =
    "SELECT CASE WHEN $1::text::bigint < pg_catalog.txid_snapshot_xmax("
    "pg_catalog.txid_current_snapshot()) THEN pg_catalog.txid_status($1::text::bigint)"
    " ELSE 'future' END, " XABRIDGE_SERVER_IDENTITY ", " XABRIDGE_SERVER_START
    ", pg_catalog.pg_walfile_name(lsn), lsn, pg_catalog.pg_last_wal_replay_lsn(), "
    "(SELECT checkpoint_lsn FROM pg_catalog.pg_control_checkpoint()"
    " WHERE checkpoint_time <= pg_catalog.pg_postmaster_start_time()"
    " AND redo_lsn = checkpoint_lsn)"
    " FROM (SELECT CASE WHEN NOT pg_catalog.pg_is_in_recovery()"
    " THEN pg_catalog.pg_current_wal_insert_lsn() END AS lsn) AS wal";

ServerNow server_now(const PGresult* row) {
  ServerNow now;
  now.server = PQgetvalue(row, 0, 1);
  now.start = PQgetvalue(row, 0, 2);
  now.timeline = timeline_of(PQgetvalue(row, 0, 3));
  now.lsn = parse_lsn(PQgetvalue(row, 0, 4)).value_or(0);
  now.replayed = parse_lsn(PQgetvalue(row, 0, 5));
  now.shut_down = parse_lsn(PQgetvalue(row, 0, 6));
  return now;
}

std::string cannot_tell(const Origin& origin, const ServerNow& now, History holds) {
  if (holds == History::other_server)
    return "another server answers: the branch was prepared at " + origin.server + ", this is " +
           now.server + ". It cannot tell what became of the branch";
  return "the server was restarted, restored or replaced by a standby since the branch was "
         "prepared (" +
         origin.text() +
         "), and does not show that its history holds the branch: it cannot tell what became of "
         "it. Bring back the server that has it, or see xabridge heuristic forget-server";
}

constexpr const char* command_tag(Final command) noexcept {
  return command == Final::commit ? "COMMIT PREPARED" : "ROLLBACK PREPARED";
}

}  // namespace

void Session::start_complete(Final command) {
  if (!still_connected()) return conclude(lost(command_tag(command), &call_->xid, true));
  call_->final = command;
  ask_to_complete();
}

void Session::ask_to_complete() {
  call_->known = server_->prepared.sending(call_->xid, call_->final);
  ask(std::string(command_tag(call_->final)) + " '" + call_->xid.to_gid() + "'",
      &Session::completed);
}

void Session::completed(Reply reply) {
  const Xid& xid = call_->xid;
  const char* const tag = command_tag(call_->final);
  if (reply.done(tag) != nullptr) {
    server_->prepared.finished(xid);
    return settle(XA_OK);
  }
  // It may arrive, or have arrived: remembered, so that a branch that is gone is not taken for
  // somebody else's work.
  if (!reply.whole || !connected()) return conclude(lost(tag, &xid, false));
  server_->prepared.answered(xid, call_->final);

  const PGresult* const refusal = reply.refusal();
  Error e = error(XA_RETRY, tag, &xid);
  e.sqlstate = field(refusal, PG_DIAG_SQLSTATE);
  e.server_text = field(refusal, PG_DIAG_MESSAGE_PRIMARY);
  const Meaning& meaning = meaning_of(Phase::second, e.sqlstate);
  e.xa_code = meaning.xa_code;
  e.message = meaning.advice;
  if (e.xa_code == XAER_RMFAIL) e.connection_usable = reuse_ = false;
  if (e.sqlstate == read_only_refusal) outdated_ = true;
  if (e.xa_code == XAER_RMERR && !call_->as_owner) return ask_for_owner(std::move(e));
  settle(e.xa_code == XAER_NOTA ? not_listed(std::move(e)) : Answer(std::move(e)));
}

// "Does not exist" closes the books on a branch, so it is believed only when the list agrees, and
// what became of the branch is asked for where this process can.
//
//   | server says | commit wanted                        | rollback wanted                        |
//   |-------------|--------------------------------------|----------------------------------------|
//   | committed   | XA_OK if ours may have arrived,      | XA_HEURCOM                             |
//   |             | else XA_HEURCOM                      |                                        |
//   | aborted     | XA_HEURRB                            | XA_OK if ours may have arrived,        |
//   |             |                                      | else XA_HEURRB                         |
//   | in progress | XA_RETRY: it is listed, or about to be gone                                   |
//   | too old     | XAER_NOTA, as for a branch whose id is not known here                         |
//   | cannot tell | XA_RETRY: another server, or one whose history may lack the branch            |
Answer Session::not_listed(Error answer) {
  const Xid& xid = call_->xid;
  const std::string gid = xid.to_gid();
  auto listed = query("look for the branch", still_listed, gid.c_str());
  if (!listed) {
    listed.error().xa_code = XAER_RMFAIL;
    listed.error().xid = answer.xid;
    return std::move(listed.error());
  }
  if (PQntuples(listed->get()) > 0) {
    answer.xa_code = XA_RETRY;
    answer.message = "the server denies the branch but lists it; it will be tried again";
    return answer;
  }
  answer.message = "no prepared transaction of this name exists in the cluster";
  if (!call_->known) return answer;
  return not_listed(std::move(answer), *call_->known);
}

// Of a branch whose origin is known.
Answer Session::not_listed(Error answer, const PreparedBranches::Known& known) {
  const Xid& xid = call_->xid;
  const auto& [origin, may_have_arrived] = known;
  auto row = query("ask what became of the branch", what_became_of, origin.transaction_id.c_str());
  if (!row) {
    if (row.error().xa_code != XAER_RMFAIL) row.error().xa_code = XA_RETRY;
    row.error().xid = answer.xid;
    return std::move(row.error());
  }
  const ServerNow now = server_now(row->get());
  const History holds = history(origin, now);
  if (holds != History::holds) {
    answer.xa_code = XA_RETRY;
    answer.message = cannot_tell(origin, now, holds);
    if (holds == History::cannot_tell && now.timeline != 0) {  // a standby is not done yet
      server_->prepared.doubted(xid);
      Origin doubted = origin;
      doubted.doubted = true;
      evidence_ = doubted.text();
    }
    return answer;
  }
  const std::string_view outcome = PQgetvalue(row->get(), 0, 0);
  if (outcome == "in progress" || outcome == "future") {
    answer.xa_code = XA_RETRY;
    answer.message = "the branch is being completed by another session; it will be tried again";
    return answer;
  }
  server_->prepared.finished(xid);
  if (outcome != "committed" && outcome != "aborted") return answer;

  const bool committed = outcome == "committed";
  const bool wanted = committed == (call_->request == rm::Request::commit_prepared);
  if (wanted && may_have_arrived) return XA_OK;
  answer.xa_code = committed ? XA_HEURCOM : XA_HEURRB;
  answer.message = std::string("somebody else had completed the prepared branch: it was ") +
                   (committed ? "committed" : "rolled back") +
                   ". Compare the resource managers of this transaction, then forget the branch";
  return answer;
}

Result<std::vector<rm::InDoubt>> Session::prepared(bool include_foreign) {
  return list(true, include_foreign);
}

Result<std::vector<rm::InDoubt>> Session::out_of_reach() { return list(false, false); }

Result<std::vector<rm::InDoubt>> Session::list(bool completable, bool include_foreign) {
  auto rows = query("list prepared transactions",
                    (std::string(select_holdings) + " ORDER BY x.prepared, x.gid").c_str());
  if (!rows) {
    reuse_ = false;  // such as: the role was dropped, and made again only for new sessions
    return std::move(rows.error());
  }
  std::vector<rm::InDoubt> list;
  for (int row = 0; row < PQntuples(rows->get()); ++row) {
    const Holding holding = read_holding(rows->get(), row);
    if (holding.completable() != completable) continue;
    rm::InDoubt branch = holding.listed();
    branch.obstacle = holding.obstacle();
    if (branch.xid || include_foreign) list.push_back(std::move(branch));
  }
  return list;
}

}  // namespace xabridge::postgresql
