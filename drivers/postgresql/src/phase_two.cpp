// Branches that are prepared: completing them, from whatever session, and listing them.

#include <charconv>
#include <string_view>

#include "error_table.hpp"
#include "session.hpp"
#include "statements.hpp"

namespace xabridge::postgresql {
namespace {

using rm::Answer;

// COMMIT PREPARED is possible only in the database where the branch was prepared, and for its owner
// or a superuser. The view shows the whole cluster: other rows are not ours to complete, so not
// listed.
constexpr const char* list_prepared =
    "SELECT gid, owner, floor(extract(epoch FROM clock_timestamp() - prepared))::bigint"
    " FROM pg_catalog.pg_prepared_xacts"
    " WHERE database = current_database()"
    " AND (owner = current_user"
    " OR (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user))"
    " ORDER BY prepared, gid";

// Anybody's, anywhere in the cluster: the question is only whether it exists.
constexpr const char* still_listed = "SELECT 1 FROM pg_catalog.pg_prepared_xacts WHERE gid = $1";

// Which server is asked comes with the answer: see server_life.hpp.
constexpr const char* what_became_of =
    "SELECT pg_catalog.txid_status($1::text::bigint), " XABRIDGE_SERVER_HISTORY;

constexpr const char* command_tag(Final command) noexcept {
  return command == Final::commit ? "COMMIT PREPARED" : "ROLLBACK PREPARED";
}

}  // namespace

void Session::start_complete(Final command) {
  call_->known = server_->prepared.sending(call_->xid, command);
  ask(std::string(command_tag(command)) + " '" + call_->xid.to_gid() + "'", &Session::completed);
}

void Session::completed(Reply reply) {
  const Xid& xid = call_->xid;
  const Final command =
      call_->request == rm::Request::commit_prepared ? Final::commit : Final::rollback;
  const char* const tag = command_tag(command);
  if (reply.done(tag) != nullptr) {
    server_->prepared.finished(xid);
    return conclude(XA_OK);
  }
  // It may arrive, or have arrived: remembered, so that a branch that is gone is not taken for
  // somebody else's work.
  if (!reply.whole || !connected()) return conclude(lost(tag, &xid, false));
  server_->prepared.answered(xid, command);

  const PGresult* const refusal = reply.refusal();
  Error e = error(XA_RETRY, tag, &xid);
  e.sqlstate = field(refusal, PG_DIAG_SQLSTATE);
  e.server_text = field(refusal, PG_DIAG_MESSAGE_PRIMARY);
  const Meaning& meaning = meaning_of(Phase::second, e.sqlstate);
  e.xa_code = meaning.xa_code;
  e.message = meaning.advice;
  if (e.xa_code == XAER_RMFAIL) e.connection_usable = reuse_ = false;
  if (e.sqlstate == read_only_transaction) outdated_ = true;
  conclude(e.xa_code == XAER_NOTA ? not_listed(std::move(e)) : Answer(std::move(e)));
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
//   | cannot tell | XAER_NOTA: the id is unknown here, too old there, or of another server        |
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

  const auto& [origin, may_have_arrived] = *call_->known;
  auto row = query("ask what became of the branch", what_became_of, origin.transaction_id.c_str());
  if (!row && row.error().xa_code == XAER_RMFAIL) {
    row.error().xid = answer.xid;
    return std::move(row.error());
  }
  const bool same_history = row && PQgetvalue(row->get(), 0, 1) == origin.history;
  const std::string_view outcome = same_history ? PQgetvalue(row->get(), 0, 0) : "";
  if (outcome == "in progress") {
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
  auto rows = query("list prepared transactions", list_prepared);
  if (!rows) return std::move(rows.error());
  std::vector<rm::InDoubt> list;
  for (int row = 0; row < PQntuples(rows->get()); ++row) {
    rm::InDoubt branch;
    branch.name = PQgetvalue(rows->get(), row, 0);
    branch.xid = Xid::from_gid(branch.name);
    if (!branch.xid && !include_foreign) continue;
    branch.owner = PQgetvalue(rows->get(), row, 1);
    const std::string_view age = PQgetvalue(rows->get(), row, 2);
    long seconds = 0;
    if (std::from_chars(age.data(), age.data() + age.size(), seconds).ec == std::errc{})
      branch.age = std::chrono::seconds(seconds);
    list.push_back(std::move(branch));
  }
  return list;
}

}  // namespace xabridge::postgresql
