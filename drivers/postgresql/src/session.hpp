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
// Used by one thread at a time, except interrupt(), which any thread may call.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <xabridge/rm/session.hpp>

#include "handles.hpp"
#include "observer.hpp"

namespace xabridge::postgresql {

class Session final : public rm::Session {
 public:
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() override { observer_.stop(); }

  /// Takes a fresh connection and makes it a session of ours: one round trip.
  static Result<std::unique_ptr<rm::Session>> adopt(Connection connection);

  rm::Answer begin(const Xid& xid) override;
  rm::Answer end(const Xid& xid) override;
  rm::Answer prepare(const Xid& xid) override;
  rm::Answer commit_one_phase(const Xid& xid) override;
  rm::Answer rollback(const Xid& xid) override;
  rm::Answer commit_prepared(const Xid& xid) override;
  rm::Answer rollback_prepared(const Xid& xid) override;
  Result<std::vector<rm::InDoubt>> prepared(bool include_foreign) override;

  [[nodiscard]] bool reusable() noexcept override;
  bool alive() noexcept override;
  void interrupt() noexcept override;
  [[nodiscard]] std::string server_id() const override;
  [[nodiscard]] void* native() noexcept override { return connection_.get(); }
  [[nodiscard]] int doomed() const noexcept override;

  /// False: the role or database is read-only by default, and so are its branches.
  [[nodiscard]] bool read_write() const noexcept { return read_write_; }
  /// Runs a query of the driver's own; the Error says why it failed.
  Result<ResultSet> query(const char* operation, const char* sql, const char* parameter = nullptr);

 private:
  explicit Session(Connection connection) : connection_(std::move(connection)) {}

  ResultSet execute(const char* sql) noexcept;
  bool answered(const PGresult* result) noexcept;
  rm::Answer restore_settings();
  rm::Answer inspect(const char* operation, const Xid& xid);
  rm::Answer rolled_back(const char* operation, const Xid& xid);
  rm::Answer done_by_hand(int code, const char* operation, const Xid& xid) const;
  rm::Answer heuristic(const char* operation, const Xid& xid);
  [[nodiscard]] bool ended_for_good_by_hand() const noexcept;
  bool same_transaction() noexcept;
  rm::Answer complete(const char* command, const Xid& xid);
  rm::Answer refused(const char* command, const Xid& xid, const PGresult* result);

  [[nodiscard]] Error error(int code, const char* operation, const Xid* xid) const;
  [[nodiscard]] Error lost(const char* operation, const Xid* xid, bool outcome_known) const;
  [[nodiscard]] bool connected() const noexcept;
  [[nodiscard]] PGTransactionStatusType status() const noexcept;

  // Declared first: libpq calls it until the connection is closed.
  Observer observer_;
  Connection connection_;
  CancelKey cancel_;
  bool read_write_ = true;  // the role's or database's own default
  bool reuse_ = true;
  std::atomic<bool> interrupted_ = false;
};

}  // namespace xabridge::postgresql
