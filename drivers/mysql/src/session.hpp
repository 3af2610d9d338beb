// MysqlSession: one connection to MySQL or MariaDB as the adapter sees it.
//
// The session runs with autocommit = 0: a stray write through a connection kept after its
// transaction is then never committed by itself. It is found as open work at the next XA START
// (XAER_OUTSIDE), and when it is found again the session is dropped, so that the server rolls it
// back.
//
//            begin            end               prepare (MySQL, detached)
//   none ----------> active -------> ended ----------------------------------> none
//                       ^             | |  prepare (MariaDB)          phase two
//                       |   resume    | +--------------------> bound ---------> none
//                       +-------------+
//
// MySQL frees the session at XA PREPARE (xa_detach_on_prepare); MariaDB keeps it bound to the
// prepared branch, and answers everybody else XAER_NOTA, until phase two or disconnection. With
// prepare_at_end a session of MariaDB changes its connection at XA PREPARE; see detach.cpp.
//
// What a call of ours waits for ends with the time the caller has (call_limit.hpp), and with it the
// session. interrupt() ends what the application waits for: through the server (interrupter.hpp),
// and where the server cannot be reached, or has no such session, by cutting the connection.
//
// Every call may come from another thread than the one before, never two at once (interrupt()
// apart): a session keeps nothing that belongs to a thread, and connector() registers each thread
// that talks.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <xabridge/rm/session.hpp>

#include "call_limit.hpp"
#include "compared_settings.hpp"
#include "connector.hpp"
#include "interrupter.hpp"
#include "prepared_log.hpp"
#include "session_mark.hpp"
#include "settings.hpp"
#include "teardown.hpp"

namespace xabridge::mysql {

class MysqlSession final : public rm::Session {
 public:
  /// `interrupter`: the server's; a session without one makes its own when it needs it.
  /// `compared_settings`: what its sessions before have asked; used until this returns.
  static Result<std::unique_ptr<MysqlSession>> open(
      std::shared_ptr<const Settings> settings, const std::string& owner_tag,
      std::shared_ptr<Interrupter> interrupter = nullptr,
      std::shared_ptr<PreparedLog> prepared_log = nullptr,
      ComparedSettings* compared_settings = nullptr);
  ~MysqlSession() override;

  rm::Answer begin(const Xid& xid) override;
  rm::Answer end(const Xid& xid) override;
  rm::Answer resume(const Xid& xid) override;
  rm::Answer prepare(const Xid& xid) override;
  rm::Answer commit_one_phase(const Xid& xid) override;
  rm::Answer rollback(const Xid& xid) override;
  rm::Answer commit_prepared(const Xid& xid) override;
  rm::Answer rollback_prepared(const Xid& xid) override;
  rm::Answer begin_native() override;
  rm::Answer end_native() override;
  Result<std::vector<rm::InDoubt>> prepared(bool include_foreign) override;
  [[nodiscard]] bool reusable() noexcept override;
  /// The server is read-only, and was not at log-in.
  [[nodiscard]] bool outdated() const noexcept override { return outdated_; }
  bool alive() noexcept override;
  void interrupt() noexcept override;
  [[nodiscard]] std::string server_id() const override {
    const std::lock_guard lock(id_mutex_);
    return id_;
  }
  [[nodiscard]] std::string server() const override {
    return evidence_.empty() ? server_ : evidence_;
  }
  [[nodiscard]] void* native() noexcept override { return connection_.get(); }
  [[nodiscard]] int doomed() const noexcept override { return doomed_; }

  [[nodiscard]] Flavour flavour() const noexcept { return flavour_; }
  [[nodiscard]] bool one_phase_survives() const noexcept { return one_phase_survives_; }
  [[nodiscard]] const std::string& version() const noexcept { return version_; }
  /// Rows of a query of ours as text, SQL NULL as nullopt. Between branches only.
  Result<std::vector<std::vector<std::optional<std::string>>>> query(const std::string& sql);
  /// A statement of ours that has no result. Between branches only.
  std::optional<Error> order(const std::string& sql);

 private:
  enum class Holds { none, active, ended, bound };

  /// The time of a call that asks the server. Brief is what neither a lock nor the amount of work
  /// holds up there: it gets no more than connect_timeout. Begin is brief, too, and shorter where
  /// the session was idle.
  class Within {
   public:
    enum class What { any, brief, begin };
    explicit Within(MysqlSession& session, What what = What::any);
    ~Within();
    Within(const Within&) = delete;
    Within& operator=(const Within&) = delete;

   private:
    friend class MysqlSession;
    static CallLimit::Time until(const MysqlSession& session, What what);
    MysqlSession& session_;
    Within* const outer_;
    CallLimit limit_;
  };

  MysqlSession(std::shared_ptr<const Settings> settings, std::string owner_tag,
               std::unique_ptr<sql::Connection> connection, const Socket& socket);
  void identify(ComparedSettings* compared_settings);
  /// The Error of a statement of ours that failed.
  Error failed(const sql::SQLException& failure, std::string_view operation, const Xid* xid);
  /// How long the server keeps the session, and the locks of its branch, when we are silent.
  std::optional<Error> limit_silence();
  std::optional<Error> isolate();
  std::uint64_t lsn();
  [[nodiscard]] PreparedLog::Place prepared_here() const;
  std::optional<std::string> made_anew_since(const PreparedLog::Place& place);
  std::optional<Error> cannot_tell(const Xid& xid);
  struct Now {
    std::string settings;          // to be compared with those at log-in
    long silence = 0;              // wait_timeout
    bool writable = true;          // the server
    std::optional<bool> has_mark;  // empty: the server did not say
  };
  [[nodiscard]] std::string check_query() const;
  void prepare_check();
  void note_settings(ComparedSettings* known);
  /// Whose settings ComparedSettings keeps.
  [[nodiscard]] std::string settings_key() const { return server_ + " " + version_; }
  std::unique_ptr<sql::ResultSet> send_check(std::optional<std::string>& schema);
  Now ask_now();
  /// Is the session alive, are its settings as at log-in? Releases the locks of GET_LOCK.
  std::optional<Error> inspect();
  /// Sends a statement without a result; nullopt is success.
  std::optional<Error> say(const std::string& sql, std::string_view operation, const Xid* xid);
  std::optional<Error> send_xa(std::string_view verb, const Xid& xid, std::string_view suffix = {});
  std::optional<Error> roll_back_stray_work();
  void hold(Holds what, const Xid& xid);
  void let_go() noexcept;
  void end_lost_sessions();
  rm::Answer lost(Error error) noexcept;
  rm::Answer outside(Error error);
  rm::Answer no_longer_ours(Error error);
  [[nodiscard]] rm::Answer doom(const Xid& xid) const;
  rm::Answer undo_prepare(Error failure, const Xid& xid);
  rm::Answer undo_one_phase(Error failure, const Xid& xid);
  rm::Answer rolled_back(Error failure, bool undone);
  static std::optional<Error> why_doomed(std::optional<Error> ended);
  /// After XA PREPARE, where other processes complete the branch. XA_OK; XAER_RMFAIL = prepared,
  /// but perhaps not yet to be completed.
  rm::Answer detach(const Xid& xid);
  /// May what this session has prepared still be its own, to the server or to InnoDB?
  Result<bool> still_holds(const std::string& session);
  /// What keeps prepare_at_end from working here.
  std::optional<Error> may_prepare_at_end();
  void replace_by(MysqlSession& fresh);
  // See teardown.cpp. XA_RETRY: the list was cut.
  Result<std::vector<PreparedTransaction>> innodb_prepared();
  Result<Look> look();
  /// Waits, up to a second, until no session is amid its end.
  Result<Look> settled_look();
  std::optional<Error> truly_done(std::string_view operation, const Xid& xid, const Look& before);
  bool may_be_swallowed(bool commit, const Xid& xid);
  bool sees_forgotten_branch();
  rm::Answer phase_two(bool commit, const Xid& xid);
  Result<bool> listed(const Xid& xid);
  std::optional<Error> complete(bool commit, const Xid& xid);
  std::optional<Error> complete_detached(bool commit, const Xid& xid);
  std::optional<Error> send_phase_two(bool commit, const Xid& xid);
  [[nodiscard]] Error unsent(bool commit, const Xid& xid) const;
  [[nodiscard]] bool expressible(const Xid& xid) const noexcept;
  static Error not_yet(bool commit, const Xid& xid, Error error);
  rm::Answer judge(bool commit, const Xid& xid, Error error);

  const std::shared_ptr<const Settings> settings_;
  const std::string owner_tag_;
  std::unique_ptr<sql::Connection> connection_;
  std::unique_ptr<sql::Statement> statement_;  // every XA statement; made once
  std::unique_ptr<sql::Connection> former_;    // its session is ended; see detach.cpp
  std::shared_ptr<Interrupter> interrupter_;   // made under id_mutex_
  std::shared_ptr<PreparedLog> prepared_log_;  // null: nobody asks
  PreparedLog::Place at_login_;
  std::string evidence_;  // server() until the next call
  // These change under id_mutex_, and are read without it by the session's own thread only.
  mutable std::mutex id_mutex_;
  std::string id_;
  SessionMark mark_;
  Socket socket_;
  int refused_interrupts_ = 0;  // guarded by id_mutex_, and so is the next
  std::optional<std::chrono::steady_clock::time_point> first_interrupt_;
  std::string version_;
  std::string server_;           // see Session::server()
  std::string compared_names_;   // the settings that check_query() reads
  bool tells_of_use_ = false;    // session_track_schema
  bool check_prepared_ = false;  // the server keeps check_query()
  std::string settings_at_login_;
  Flavour flavour_ = Flavour::mysql;
  bool one_phase_survives_ = true;  // a crash of the server
  bool detaches_ = false;           // XA PREPARE frees the session
  Holds holds_ = Holds::none;
  std::optional<Xid> held_;  // whose branch, unless Holds::none
  int doomed_ = XA_OK;
  bool undone_by_server_ = false;  // ... which did not say why
  bool broken_ = false;
  bool outdated_ = false;
  std::optional<bool>
      unchanged_;                // the settings since log-in; empty: not asked since the last work
  bool stray_reported_ = false;  // XAER_OUTSIDE was answered once, the work may still be open
  bool commits_by_itself_ = true;                // the server's usual autocommit
  const int process_;                            // that has the session
  std::chrono::steady_clock::time_point since_;  // log-in
  bool writable_at_login_ = true;
  long usual_silence_ = 0;  // wait_timeout, seconds: at log-in, and now
  long silence_ = 0;
  Within* within_ = nullptr;
  std::atomic<bool> late_{false};  // the connection was cut amid a call of ours
  std::atomic<bool> interrupted_{false};
};

}  // namespace xabridge::mysql
