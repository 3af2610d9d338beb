// PostgreSQL's rm::Session: one PGconn, and how a branch lives on it.
//
// A branch is an ordinary transaction until PREPARE TRANSACTION 'gid' detaches it from the session.
// Three rules keep the answers true:
//
// 1. The command tag is the answer. In a failed transaction PostgreSQL executes COMMIT and PREPARE
//    TRANSACTION "successfully", as ROLLBACK.
// 2. Nothing runs outside a branch by accident. The session's default is a read-only transaction
//    and only BEGIN of a branch says READ WRITE, so a statement on a stale PGconn*, or after a
//    COMMIT typed by hand, fails instead of being committed at once. (Unless the role or database
//    already is read-only by default: then the branch stays so too.)
// 3. What the application did by hand is seen (observer.hpp) and never guessed:
//
//    | Typed by hand      | end()         | prepare()   | rollback(), commit_one_phase()          |
//    |--------------------|---------------|-------------|-----------------------------------------|
//    | ROLLBACK           | XA_RB* reason | XA_RB*      | XA_OK, XA_RB*                           |
//    | COMMIT             | XA_RBPROTO    | XAER_RMERR  | XA_HEURCOM; XA_HEURMIX if part of the   |
//    |                    |               |             | work was, or still is, not committed    |
//    | PREPARE TRANSACTION| XA_RBPROTO    | XAER_RMERR  | XA_HEURHAZ: in doubt under another name |
//
//    end() makes the transaction manager roll everything back before anything else is prepared; its
//    rollback() of this branch then gets the truth, which is heuristic, with the repair in words.
//
// Every call is one path, whether it waits or not: send() starts it, receive() brings it to its
// end, and the blocking calls are the one after the other. A call that needs several answers goes
// on in receive(): each step looks at a reply and either concludes or asks again.
//
// Round trips: begin 1, end 0, prepare 1, commit_prepared and rollback_prepared 1, commit_one_phase
// 1, rollback 1. A branch in which nothing was seen that writes costs one more at prepare, and is
// then finished without phase two.
//
// No wait is longer than the call may take (rm::call_deadline()), or than its kind can need. What
// has not been answered by then is given up together with the session: XAER_RMFAIL.
// A branch belongs to the login role, whatever SET ROLE or SET SESSION AUTHORIZATION says inside
// it: the message that prepares it resets both (session.cpp), so that every later session with the
// same open string can complete it. What another role prepared is completed under that role where
// the server lets us take it (ownership.hpp).
//
// Used by one thread at a time, except interrupt(), which any thread may call.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <xabridge/rm/session.hpp>
#include <xabridge/rm/socket.hpp>

#include "cancel_key.hpp"
#include "drain.hpp"
#include "exchange.hpp"
#include "handles.hpp"
#include "observer.hpp"
#include "server_life.hpp"
#include "server_memory.hpp"

namespace xabridge::postgresql {

class Session final : public rm::Session {
 public:
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() override { observer_.stop(); }

  /// Takes a fresh connection and makes it a session of ours: two round trips.
  static Result<std::unique_ptr<rm::Session>> adopt(Connection connection,
                                                    std::shared_ptr<ServerMemory> server);

  rm::Answer begin(const Xid& xid) override { return call(rm::Request::begin, xid); }
  rm::Answer end(const Xid& xid) override { return call(rm::Request::end, xid); }
  rm::Answer resume(const Xid& xid) override { return call(rm::Request::resume, xid); }
  rm::Answer prepare(const Xid& xid) override { return call(rm::Request::prepare, xid); }
  rm::Answer commit_one_phase(const Xid& xid) override {
    return call(rm::Request::commit_one_phase, xid);
  }
  rm::Answer rollback(const Xid& xid) override { return call(rm::Request::rollback, xid); }
  rm::Answer commit_prepared(const Xid& xid) override {
    return call(rm::Request::commit_prepared, xid);
  }
  rm::Answer rollback_prepared(const Xid& xid) override {
    return call(rm::Request::rollback_prepared, xid);
  }
  bool send(rm::Request request, const Xid& xid) override;
  std::optional<rm::Answer> receive(rm::Patience patience) override;

  rm::Answer begin_native() override;
  rm::Answer end_native() override;
  Result<std::vector<rm::InDoubt>> prepared(bool include_foreign) override;
  Result<std::vector<rm::InDoubt>> out_of_reach() override;

  [[nodiscard]] bool reusable() noexcept override;
  [[nodiscard]] bool outdated() const noexcept override { return outdated_; }
  bool alive() noexcept override;
  void interrupt() noexcept override;
  [[nodiscard]] std::string server_id() const override;
  [[nodiscard]] std::string server() const override;
  [[nodiscard]] void* native() noexcept override { return connection_.get(); }
  [[nodiscard]] int doomed() const noexcept override;

  /// False: the role or database is read-only by default, and so are its branches.
  [[nodiscard]] bool read_write() const noexcept { return read_write_; }
  /// Runs a query of the driver's own; the Error says why it failed.
  Result<ResultSet> query(const char* operation, const char* sql, const char* parameter = nullptr);

 private:
  using Step = void (Session::*)(Reply);

  struct Call {
    rm::Request request;
    Xid xid;
    Clock::time_point limit;  // after which nothing is waited for
    Clock::time_point since = Clock::now();
    Step next = nullptr;      // what looks at the reply that is awaited
    std::optional<rm::Answer> answer{};
    // Phase two:
    Final final = Final::commit;
    std::optional<PreparedBranches::Known> known{};
    std::optional<Error> refusal{};       // for want of rights, while the owner is looked for
    bool as_owner = false;                // under a role taken for this call
    std::optional<rm::Answer> settled{};  // concluded as soon as that role is given up
  };

  Session(Connection connection, std::shared_ptr<ServerMemory> server)
      : connection_(std::move(connection)), server_(std::move(server)) {}

  // call.cpp
  rm::Answer call(rm::Request request, const Xid& xid);
  void start(rm::Request request);
  void ask(const std::string& message, Step next);
  void conclude(rm::Answer answer) { call_->answer = std::move(answer); }

  // session.cpp, one_phase.cpp, phase_two.cpp, phase_two_owner.cpp: how each request starts, and
  // its steps.
  void start_begin();
  void begun(Reply reply);
  void start_prepare();
  void asked_if_written(Reply reply);
  void ask_to_prepare(bool keep_locks);
  void prepared_or_not(Reply reply);
  [[nodiscard]] rm::Answer not_replicated(const Xid& xid) const;
  void finished_reading(Reply reply);
  void start_rollback();
  void rolled_back_or_not(Reply reply);
  void start_commit_one_phase();
  void committed_or_not(Reply reply);
  rm::Answer commit_after_all(const std::string& transaction_id);
  void start_complete(Final command);
  void ask_to_complete();
  void completed(Reply reply);
  rm::Answer not_listed(Error answer);
  rm::Answer not_listed(Error answer, const PreparedBranches::Known& known);
  void settle(rm::Answer answer);
  void ask_for_owner(Error refusal);
  void found_owner(Reply reply);
  void became_owner(Reply reply);
  void left_owner(Reply reply);
  Result<std::vector<rm::InDoubt>> list(bool completable, bool include_foreign);

  // inspect.cpp: what state the application left the branch in.
  rm::Answer inspect(const char* operation, const Xid& xid);
  rm::Answer rolled_back(const char* operation, const Xid& xid);
  rm::Answer done_by_hand(int code, const char* operation, const Xid& xid) const;
  rm::Answer heuristic(const char* operation, const Xid& xid);
  [[nodiscard]] bool ended_for_good_by_hand() const noexcept;
  [[nodiscard]] int rollback_code(std::string_view sqlstate) const noexcept;
  bool same_transaction() noexcept;
  [[nodiscard]] bool server_made_read_only() const noexcept;
  rm::Answer refused(const char* command, const Xid& xid, const PGresult* result);
  void roll_back_now() noexcept;

  // giving_up.cpp
  [[nodiscard]] Clock::time_point limit() const noexcept;
  void give_up(Wait why) noexcept;
  void give_up_if_outstanding() noexcept;
  Rest come_to_rest() noexcept;
  bool still_connected() noexcept;
  [[nodiscard]] std::string loss(bool outcome_known) const;

  // session_connection.cpp
  [[nodiscard]] std::string clean_slate() const;
  [[nodiscard]] std::string begin_branch() const;
  [[nodiscard]] Error behind_pooler() const;
  Reply ask_and_wait(const char* sql, const char* parameter = nullptr);
  ResultSet execute(const char* sql) noexcept;
  bool answered(const PGresult* result) noexcept;
  [[nodiscard]] Error error(int code, const char* operation, const Xid* xid) const;
  Error lost(const char* operation, const Xid* xid, bool outcome_known);
  [[nodiscard]] bool connected() const noexcept;
  [[nodiscard]] PGTransactionStatusType status() const noexcept;

  // Declared first: libpq calls it until the connection is closed.
  Observer observer_;
  Connection connection_;
  std::shared_ptr<ServerMemory> server_;
  CancelKey cancel_;
  rm::Socket socket_;
  ServerLife life_;
  std::string evidence_;  // of a call that could not tell: goes with its answer
  Origin origin_;  // the parts that belong to a branch are set while one has just been prepared
  Exchange exchange_;
  std::optional<Call> call_;
  std::optional<Observer::Pause> native_work_;
  bool read_write_ = true;  // the default of the role, the database or the server
  bool notices_loss_ = true;  // the server takes the settings that make it notice a lost client
  bool reuse_ = true;
  bool outdated_ = false;  // the server takes no writes from this session, whatever it is told
  Wait given_up_ = Wait::ready;  // or why this session is not used any more
  std::atomic<bool> interrupted_ = false;
  std::atomic<Clock::rep> first_interrupt_ = 0;  // 0: there was none
};

}  // namespace xabridge::postgresql
