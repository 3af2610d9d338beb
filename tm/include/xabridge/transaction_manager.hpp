// TransactionManager and Transaction: global transactions over several databases, for C++ services.
//
//   xabridge::TransactionManager tm(xabridge::Config::load("bank.toml"));
//   xabridge::Outcome outcome = tm.run([&](xabridge::Transaction& tx) {
//     tx.postgresql("accounts").execute("UPDATE account SET balance = balance - 2500 ...");
//     tx.mysql("ledger")->execute("INSERT INTO entry VALUES (?, ?)", 7, 2500);
//   });
//   if (!outcome.committed()) ...
#pragma once

#include <xabridge/api.h>

#include <chrono>
#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <xabridge/config.hpp>
#include <xabridge/error.hpp>
#include <xabridge/event.hpp>
#include <xabridge/isolation.hpp>
#include <xabridge/outcome.hpp>

namespace xabridge {

class MysqlConnection;
class PostgresqlConnection;
class TransactionManager;
namespace tm {
struct ManagerAccess;
}

/// One global transaction. Belongs to the thread that began it: every call from there, and one at a
/// time in a thread at each resource manager. Destroying an unfinished transaction rolls it back;
/// it never commits and never touches a prepared branch whose outcome is decided. Where another
/// thread destroys it, its sessions are ended, and the servers roll back a second later. Move-only.
class XABRIDGE_API Transaction {
 public:
  Transaction(Transaction&&) noexcept;
  Transaction& operator=(Transaction&&) noexcept;
  ~Transaction();

  /// The connection of this transaction's branch at the resource manager. The first call enlists it
  /// (xa_start), later ones give the same. Valid until commit or rollback begins. Throws Exception:
  /// no such resource manager, or of another driver; transaction finished or doomed; wrong thread;
  /// resource manager unreachable. Include <xabridge/postgresql.hpp>, <xabridge/mysql.hpp>.
  [[nodiscard]] PostgresqlConnection postgresql(std::string_view resource_manager);
  [[nodiscard]] MysqlConnection mysql(std::string_view resource_manager);
  /// The same as the driver's library knows it: a PGconn* or an sql::Connection*.
  [[nodiscard]] void* native_connection(std::string_view resource_manager, std::string_view driver);

  /// Enlists without asking for the connection (foreign resource managers). Throws as above.
  void enlist(std::string_view resource_manager);
  /// The same, with an isolation level for this branch; the open string says that of all others.
  /// Only before the first use in this transaction: later it throws XAER_PROTO, for no server
  /// changes the level of a transaction that has begun. XAER_INVAL: a foreign switch.
  void enlist(std::string_view resource_manager, Isolation level);

  /// Two-phase commit (one phase for one branch). Never throws once begun: the answer is the
  /// outcome. A second call throws Exception (XAER_PROTO).
  [[nodiscard]] Outcome commit();
  /// Rolls every branch back. A second call, or after commit(), throws Exception (XAER_PROTO).
  Outcome rollback();
  /// From now on commit() rolls back, with this reason.
  void set_rollback_only(std::string reason);

  [[nodiscard]] bool active() const noexcept;
  /// The part that tells it from every other transaction, as `xabridge status`, events and errors
  /// show it: "9c41f20be6d8735a-17". Of the whole, which servers list, `xabridge xid` makes it.
  [[nodiscard]] std::string gtrid() const;

  struct XABRIDGE_LOCAL Impl;

 private:
  friend class TransactionManager;
  XABRIDGE_LOCAL explicit Transaction(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

/// Throw this from the function given to run() to have the attempt rolled back and repeated.
class XABRIDGE_API RetryRequest : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct XABRIDGE_API RunOptions {
  std::optional<std::chrono::milliseconds> timeout;  // instead of Config::timeout, each attempt
  std::optional<int> max_retries;                    // instead of Config::max_retries
  /// Once it is requested no attempt begins and no pause between two goes on: the last attempt's
  /// exception or outcome is the answer; before the first, "rolled back" for that reason. An
  /// attempt that has begun is not cut short.
  std::stop_token stop{};
};

/// The outcome of run(), with what the function returned in the attempt that was committed.
template <class T>
struct OutcomeWith : Outcome {
  std::optional<T> value;  // there exactly when committed()
};

/// Thread-safe: many threads run transactions on one TransactionManager at once. Opening does one
/// bounded recovery pass, the rest goes on in the background. Destroy it after every Transaction;
/// it never waits for unreachable servers. fork: a child must not use its parent's
/// TransactionManager (calls there throw Exception); it opens one of its own on the same log
/// directory, where it takes a slot of its own.
class XABRIDGE_API TransactionManager {
 public:
  /// Throws Exception: bad configuration, log directory unusable or damaged, driver not loadable.
  /// An unreachable database is no reason to throw: begin() works, its first use fails.
  explicit TransactionManager(Config config);
  ~TransactionManager();
  TransactionManager(const TransactionManager&) = delete;
  TransactionManager& operator=(const TransactionManager&) = delete;

  [[nodiscard]] Transaction begin();
  [[nodiscard]] Transaction begin(std::chrono::milliseconds timeout);

  /// Begins, calls fn, commits. An exception of fn rolls back and is rethrown, unless it or the
  /// resource managers say that trying again is safe and sensible (deadlock, serialization failure,
  /// transient, RetryRequest): then the attempt is repeated with jittered back-off, up to the
  /// limit. The same holds for a rollback that commit answers for such a reason. Outcome::retries
  /// lists the reasons. After the limit the last attempt's exception or outcome is the answer.
  /// `unknown`, heuristic and committed are never retried. When the transaction timed out, an
  /// exception of fn is nested (std::rethrow_if_nested) in an Exception with XA_RBTIMEOUT: fn only
  /// saw an interrupted statement. So it is, with another code, when fn threw and the work is not
  /// rolled back all the same: fn had committed, or a branch was completed by hand. fn may call
  /// tx.rollback(): its outcome is the answer then.
  ///
  /// fn takes a Transaction&. Answers an Outcome where fn returns nothing, else an OutcomeWith what
  /// it returns.
  template <std::invocable<Transaction&> Function>
  [[nodiscard]] auto run(Function&& fn, const RunOptions& options = {}) {
    using Value = std::decay_t<std::invoke_result_t<Function&, Transaction&>>;
    if constexpr (std::is_void_v<Value>) {
      return run_attempts(std::ref(fn), options);
    } else {
      std::optional<Value> value;
      Outcome outcome =
          run_attempts([&](Transaction& transaction) { value.emplace(fn(transaction)); }, options);
      if (!outcome.committed()) value.reset();
      return OutcomeWith<Value>{std::move(outcome), std::move(value)};
    }
  }

  /// A recovery pass now, at all resource managers at the same time. Returns when they are over, or
  /// when what is left waits for servers that do not answer (Config::recovery_call_timeout); their
  /// passes go on. Safe beside the background passes.
  void recover_now();

  struct XABRIDGE_LOCAL Impl;

 private:
  friend struct tm::ManagerAccess;
  [[nodiscard]] Outcome run_attempts(const std::function<void(Transaction&)>& fn,
                                     const RunOptions& options);
  XABRIDGE_LOCAL explicit TransactionManager(std::shared_ptr<Impl> impl) noexcept;
  std::shared_ptr<Impl> impl_;
};

}  // namespace xabridge
