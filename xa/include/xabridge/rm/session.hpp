// What a driver implements: how one kind of server begins, prepares, commits, rolls back and lists.
//
// Everything XA says about states, flags, threads and pools is the adapter's (adapter.hpp). A
// driver has no state table: it sends statements, believes the server's exact answer, and maps
// errors at one place. Calls on one Session are never concurrent, except interrupt().
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <xabridge/error.hpp>
#include <xabridge/rm_extras.h>
#include <xabridge/xid.hpp>

namespace xabridge::rm {

/// When every wait of the calling thread's call has to end, for a server, for a connection, for a
/// place in the pool; time_point::max(): whenever it ends by itself. A driver asks before it waits.
/// What is not there by then is XAER_RMFAIL with outcome_known = false and connection_usable =
/// false (nothing was sent: outcome_known = true), and the session is never used again: its
/// destructor must not wait for the server either. Set by the transaction manager, see `deadline`
/// in rm_extras.h; a call made by a worker of the adapter has that of the thread that asked for it.
[[nodiscard]] std::chrono::steady_clock::time_point call_deadline() noexcept;

/// Sets call_deadline() of the calling thread for as long as it lives.
class CallDeadline {
 public:
  explicit CallDeadline(std::chrono::steady_clock::time_point deadline) noexcept;
  ~CallDeadline();
  CallDeadline(const CallDeadline&) = delete;
  CallDeadline& operator=(const CallDeadline&) = delete;

  /// For good, not for a scope.
  static void set(std::chrono::steady_clock::time_point deadline) noexcept;

 private:
  const std::chrono::steady_clock::time_point before_;
};

/// When begin() stops waiting: at most call_deadline(), and much earlier where the session comes
/// from the pool. One that does not answer any more, for its server process hangs or a firewall has
/// forgotten it, then leaves time for another. Not the time that the branch has.
[[nodiscard]] std::chrono::steady_clock::time_point begin_deadline() noexcept;

/// Sets begin_deadline() of the calling thread for as long as it lives.
class BeginDeadline {
 public:
  explicit BeginDeadline(std::chrono::steady_clock::time_point deadline) noexcept;
  ~BeginDeadline();
  BeginDeadline(const BeginDeadline&) = delete;
  BeginDeadline& operator=(const BeginDeadline&) = delete;
};

/// The isolation level of the branch that the calling thread begins next, as SQL writes it
/// ("REPEATABLE READ"); empty: as the session is configured. begin() asks it; see `isolation` in
/// rm_extras.h.
[[nodiscard]] std::string_view branch_isolation() noexcept;

/// Sets branch_isolation() of the calling thread: "SERIALIZABLE" and so on, empty for as
/// configured. False: that is no level, and nothing changed.
[[nodiscard]] bool set_branch_isolation(std::string_view level) noexcept;

/// A server's answer as an XA code; `error` carries its words whenever code is not XA_OK/XA_RDONLY.
struct [[nodiscard]] Answer {
  int code = XA_OK;
  std::optional<Error> error;
  std::string server{};  // who gave it, as Session::server() names it; empty: nobody was asked

  Answer() = default;
  Answer(int xa_code) : code(xa_code) {}
  Answer(Error e) : code(e.xa_code), error(std::move(e)) {}
};

/// One prepared branch as the server lists it. `xid` is empty where the name is no XID (foreign).
struct InDoubt {
  std::optional<Xid> xid;
  std::string name;                           // as the server shows it
  std::optional<std::chrono::seconds> age;    // since prepare, where the server knows it
  std::string owner;                          // database role, where the server tells it
  std::string obstacle{};                     // why this session cannot complete it, and who can
};

/// The calls of a Session that may wait for the server, by name.
enum class Request {
  begin,
  end,
  resume,
  prepare,
  commit_one_phase,
  rollback,
  commit_prepared,
  rollback_prepared
};

/// May receive() wait for the server?
enum class Patience { wait, poll };

/// One physical connection. The destructor closes it; an unprepared branch is rolled back by that.
/// In every call a lost connection is XAER_RMFAIL with connection_usable = false.
class Session {
 public:
  virtual ~Session() = default;

  /// Begins the branch. XA_OK; XAER_DUPID, XAER_OUTSIDE, XAER_RMERR, XAER_RMFAIL.
  virtual Answer begin(const Xid& xid) = 0;
  /// The work is over. XA_OK; RB* when the branch can only be rolled back (a statement failed and
  /// doomed it, deadlock, ROLLBACK typed by hand), XAER_RMFAIL.
  virtual Answer end(const Xid& xid) = 0;
  /// Work goes on in a branch that was ended or suspended. XA_OK; RB* as end(); XAER_RMFAIL.
  virtual Answer resume(const Xid&) { return doomed(); }
  /// XA_OK; XA_RDONLY; RB* = rolled back and gone; XAER_RMERR, XAER_RMFAIL = unknown.
  virtual Answer prepare(const Xid& xid) = 0;
  /// After end(). XA_OK; RB*; XAER_RMFAIL with outcome_known = false when the reply was lost and
  /// the server could not be asked.
  virtual Answer commit_one_phase(const Xid& xid) = 0;
  /// An unprepared branch of this session, ended or not. XA_OK; XAER_RMFAIL.
  virtual Answer rollback(const Xid& xid) = 0;

  /// Phase two, possibly of a branch another session or process prepared. XA_OK; XA_RETRY = still
  /// busy elsewhere (the branch is listed); XAER_NOTA = confirmed not listed; HEUR*; XAER_RMERR
  /// = refused, still listed (rights, wrong database); XAER_RMFAIL.
  virtual Answer commit_prepared(const Xid& xid) = 0;
  virtual Answer rollback_prepared(const Xid& xid) = 0;

  /// The asynchronous form of the calls above, for TMASYNC. A client library that can send without
  /// waiting for the reply overrides both: send() hands `request` to the server and returns true,
  /// or returns false when nothing was sent; the adapter then makes the blocking call in a thread.
  /// receive() gives what the blocking call of that name would have answered, its follow-up
  /// questions included; with Patience::poll, nothing while the server has not answered.
  /// Between the two no other call is made on the session but interrupt().
  virtual bool send(Request, const Xid&) { return false; }
  virtual std::optional<Answer> receive(Patience) { return std::nullopt; }

  /// Work of the application outside any global transaction: after begin_native() the session
  /// commits as the server does by itself, until end_native(), which rolls an open transaction
  /// back and says so with XA_RBROLLBACK. XA_OK; XAER_RMERR, XAER_RMFAIL.
  virtual Answer begin_native() { return XAER_RMERR; }
  virtual Answer end_native() { return XA_OK; }

  /// Every prepared branch this open string's user may complete in this database, of any TM, and
  /// with include_foreign also names that are no XID.
  virtual Result<std::vector<InDoubt>> prepared(bool include_foreign) = 0;
  /// Every prepared branch with an XID that the server shows to this session and that it cannot
  /// complete, with the obstacle: another role's, or of another database. Such a branch is not gone
  /// though prepared() lacks it. Nothing, where a server lists only what can be completed.
  virtual Result<std::vector<InDoubt>> out_of_reach() { return std::vector<InDoubt>(); }

  /// Connected, outside any transaction, never interrupted, with no setting that the next branch
  /// would inherit. Asks the server only where the client library cannot know.
  [[nodiscard]] virtual bool reusable() noexcept = 0;
  /// The session has seen that its server no longer is what it was, or never was what it has to be:
  /// read-only, because another one is the primary now. It is not used again, nor are those that
  /// were made before: a new one may lead elsewhere.
  [[nodiscard]] virtual bool outdated() const noexcept { return false; }
  /// A round trip: is the server there? Used for connections of recovery and after a failure.
  virtual bool alive() noexcept = 0;

  /// Ends the statement running in this session, from another thread. Afterwards the session is
  /// never reusable(): a late cancel must not hit the next branch. Best effort.
  virtual void interrupt() noexcept = 0;
  /// The server's name for this session: a backend pid or connection id.
  [[nodiscard]] virtual std::string server_id() const = 0;
  /// What the server of this session is: the same text wherever and whenever it is reached, another
  /// for every other server, restored copies included as far as can be seen. Empty: it cannot tell.
  /// Right after prepare() a space may follow, and evidence for prepared_at(). Asks nothing.
  [[nodiscard]] virtual std::string server() const { return {}; }
  /// PGconn* or sql::Connection*, owned by the session.
  [[nodiscard]] virtual void* native() noexcept = 0;
  /// Why the branch can only be rolled back, where the session saw it: RB* code or XA_OK.
  [[nodiscard]] virtual int doomed() const noexcept { return XA_OK; }
};

/// The blocking call that `request` names.
Answer perform(Session& session, Request request, const Xid& xid);

/// A finding of a preflight check; see struct xabridge_finding for the meaning of the fields.
struct Finding {
  int severity = XABRIDGE_FINDING_OK;
  std::string subject;
  std::string text;
  std::string fix;
};

/// One open string's server: what xa_open names. Thread-safe; lives until the last xa_close.
class Server {
 public:
  virtual ~Server() = default;

  /// A new physical connection, tagged with `owner_tag` (application_name, connection attribute).
  virtual Result<std::unique_ptr<Session>> connect(const std::string& owner_tag) = 0;
  /// How many sessions carry this tag right now; nullopt where the server cannot tell.
  virtual Result<std::optional<long>> sessions_tagged(Session& control,
                                                      const std::string& owner_tag) = 0;
  /// Ends the sessions with this tag, whose owner is proved dead; how many were told to end.
  /// nullopt where the server cannot tell which they are.
  virtual Result<std::optional<long>> end_sessions_tagged(Session&, const std::string&) {
    return std::optional<long>();
  }
  /// Version, settings, grants: everything that would keep XA from working, each with its fix.
  virtual std::vector<Finding> preflight(Session& control) = 0;
  /// Names the database itself, equal for two open strings that lead to the same one.
  virtual Result<std::string> identity(Session& control) = 0;

  /// A commit in one phase that was answered survives a crash of the server, as far as sessions
  /// have seen; see rm_extras.h.
  [[nodiscard]] virtual bool one_phase_survives() const noexcept { return true; }

  /// What is on record about the server that prepared the branch: what Session::server() said then,
  /// perhaps in another process. Before phase two of a branch that this process may not know.
  virtual void prepared_at(const Xid&, const std::string& /*server*/) {}

  /// Limits of the pool for this open string.
  [[nodiscard]] virtual std::size_t pool_size() const noexcept = 0;
  [[nodiscard]] virtual std::chrono::milliseconds pool_timeout() const noexcept = 0;
  /// A session older than this serves no other branch; zero: however old it is.
  [[nodiscard]] virtual std::chrono::milliseconds max_age() const noexcept { return {}; }
  /// A session that was not used for so long is closed; zero: never for that.
  [[nodiscard]] virtual std::chrono::milliseconds max_idle() const noexcept { return {}; }

  /// `prepare_at_end=1` in the open string: xa_end(TMSUCCESS) prepares the branch, which another
  /// process will complete. Its sessions then never answer XA_RDONLY to prepare(): a branch that
  /// has vanished could not be told from one that never was.
  [[nodiscard]] virtual bool prepares_at_end() const noexcept { return false; }
};

class Driver {
 public:
  virtual ~Driver() = default;
  [[nodiscard]] virtual const char* name() const noexcept = 0;  // "postgresql", "mysql"
  /// Its sessions implement send() and receive(), so that TMASYNC costs no thread.
  [[nodiscard]] virtual bool sends() const noexcept { return false; }
  /// Reads an open string; the error names the key that is wrong and what it may be.
  virtual Result<std::unique_ptr<Server>> parse(std::string_view open_string) = 0;
  /// RB* code for an exception the application let escape (e.g. sql::SQLException 1213), or XA_OK.
  [[nodiscard]] virtual int classify(const std::exception&) const noexcept { return XA_OK; }
  /// Such an exception says what Session::outdated() does.
  [[nodiscard]] virtual bool says_outdated(const std::exception&) const noexcept { return false; }
};

}  // namespace xabridge::rm
