// prepare_at_end=1 at MariaDB: making the server let go of a prepared branch, and knowing that it
// has.
//
// MariaDB lets nobody else complete a prepared branch while the session that prepared it lives, so
// that session is ended. xa_end must not answer before that is over, or XA COMMIT falls into the
// trap of teardown.hpp: not before the session has left the list of processes, by when the branch
// is anybody's, and not while InnoDB still names it as the session of a prepared transaction.
#include <algorithm>
#include <chrono>
#include <thread>

#include "errors.hpp"
#include "session.hpp"

namespace xabridge::mysql {
namespace {

constexpr std::chrono::milliseconds kPause{1};

}  // namespace

Result<bool> MysqlSession::still_holds(const std::string& session) {
  const auto listed =
      query("SELECT COUNT(*) FROM information_schema.processlist WHERE id = " + session);
  if (!listed) return listed.error();
  if (listed->at(0).at(0) != "0") return true;
  const auto transactions = innodb_prepared();
  if (!transactions && transactions.error().xa_code == XA_RETRY) return true;  // it was cut
  if (!transactions) return transactions.error();
  return std::ranges::any_of(*transactions, [&](const auto& t) { return t.session == session; });
}

std::optional<Error> MysqlSession::may_prepare_at_end() {
  if (!settings_->prepare_at_end || flavour_ != Flavour::mariadb) return std::nullopt;
  auto seen = still_holds("0");  // nobody's: only whether it may be asked
  if (seen) return std::nullopt;
  if (seen.error().vendor_code == kAccessDenied) {
    seen.error().xa_code = XAER_RMERR;
    seen.error().message =
        "prepare_at_end is refused: MariaDB shows only to accounts with PROCESS when it has let go "
        "of a branch; as an administrator: GRANT PROCESS ON *.* TO '" +
        settings_->user + "'@'%'";
  }
  return std::move(seen.error());
}

rm::Answer MysqlSession::detach(const Xid& xid) {
  const auto unknown = [&](Error error) {
    error.xa_code = XAER_RMFAIL;
    error.outcome_known = false;
    error.xid = xid.to_string();
    error.message =
        "the branch is prepared, but whether the server has let go of it could not be "
        "seen; recovery finds it: " +
        error.message;
    return lost(std::move(error));
  };
  const std::string before = server_id();
  // The same server has the same settings: it is not asked for their names in every branch.
  ComparedSettings known;
  known.keep(settings_key(), compared_names_);
  auto fresh = open(settings_, owner_tag_, interrupter_, prepared_log_, &known);
  if (!fresh) return unknown(std::move(fresh.error()));
  if ((*fresh)->server_ != server_)  // whoever has that connection id there is a stranger
    return unknown(make_error(XAER_RMFAIL, "end the session", &xid,
                              "another server answers now: " + (*fresh)->server_));
  // The object outlives its session: an application that uses its connection beyond xa_end gets an
  // exception, not freed memory.
  former_ = std::move(connection_);
  replace_by(**fresh);
  if (auto failure = say("KILL CONNECTION " + before, "end the session", &xid))
    return unknown(*std::move(failure));

  const auto limit =
      std::chrono::steady_clock::now() + std::chrono::seconds(settings_->connect_timeout);
  for (;;) {
    auto attached = still_holds(before);
    if (attached && !*attached) return XA_OK;
    if (!attached && connection_lost(attached.error())) return unknown(std::move(attached.error()));
    if (std::chrono::steady_clock::now() > limit)
      return unknown(make_error(XAER_RMFAIL, "end the session", &xid,
                                "the server still has session " + before));
    std::this_thread::sleep_for(kPause);
  }
}

/// The connection of a session just opened, in place of our own.
void MysqlSession::replace_by(MysqlSession& fresh) {
  connection_ = std::move(fresh.connection_);
  statement_ = std::move(fresh.statement_);
  compared_names_ = std::move(fresh.compared_names_);
  check_prepared_ = fresh.check_prepared_;
  settings_at_login_ = std::move(fresh.settings_at_login_);
  unchanged_ = fresh.unchanged_;
  broken_ = false;
  stray_reported_ = false;
  let_go();
  since_ = fresh.since_;
  at_login_ = fresh.at_login_;
  writable_at_login_ = fresh.writable_at_login_;
  silence_ = fresh.silence_;
  late_ = fresh.late_.load();
  const std::lock_guard lock(id_mutex_);
  id_ = fresh.id_;
  mark_ = std::move(fresh.mark_);
  socket_ = fresh.socket_;
  if (within_ != nullptr) within_->limit_.watch(socket_, late_);
}

}  // namespace xabridge::mysql
