// What TX keeps per thread of control: its state, its characteristics, its transaction.
#pragma once

#include <sys/types.h>
#include <xabridge/tx.h>

#include <memory>
#include <string>

#include "../manager/transaction_impl.hpp"
#include "codes.hpp"
#include "process.hpp"
#include "state_table.hpp"

namespace xabridge::tx {

/// Only its own thread uses it. The calls answer as TX says; an exception is a failure of this
/// process (memory), and TX_FAIL.
///
///   manager_ is set in S1 to S4, transaction_ in S3 and S4.
class Thread {
 public:
  /// In a forked child a new one: the inherited transaction is the parent's.
  static Thread& current();

  Thread();
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;
  ~Thread();

  int open();
  int close();
  int begin();
  int complete(Asked asked);
  int info(TXINFO* info);
  int set_commit_return(COMMIT_RETURN when_return);
  int set_control(TRANSACTION_CONTROL control);
  int set_timeout(TRANSACTION_TIMEOUT timeout);

  // --- The work (thread_work.cpp).
  /// The native connection at the resource manager; throws Exception where there is none.
  void* connection(const char* name, const char* driver, const char* call);
  /// Null: no memory.
  xabridge_mysql_result* execute(const char* name, const char* sql,
                                 const xabridge_mysql_parameter* parameters, std::size_t count);
  int release_outside(const char* name);

  /// The thread ends: what it left is rolled back and closed.
  void leave() noexcept;

  /// xabridge_tx_last_error(): of this call, once it has begun.
  void forget_reason() noexcept { reason_.clear(); }
  void remember(const std::string& text) noexcept;
  /// Remembers, and says on standard error: where no log can be told.
  void lament(const char* call, const char* text) noexcept;
  [[nodiscard]] const char* reason() const noexcept { return reason_.c_str(); }

 private:
  [[nodiscard]] tm::Runtime& runtime() const { return *manager_->runtime; }
  void moved(Call call);
  int open_all();
  int close_all();
  int begin_transaction(const char* call);
  int finish(Asked asked, const char* call) noexcept;
  int start_all(Transaction::Impl& transaction, const char* call);
  int close_one(const tm::ResourceManager& resource_manager);
  int refused(const char* call, Call what);
  int refused_value(const char* call, const std::string& text);
  [[nodiscard]] std::string why_not(Call what) const;
  void tell(const char* call, const std::string& gtrid, const Error& error);
  void tell_outside(const char* call, const tm::ResourceManager& resource_manager);
  tm::ResourceManager& named(const char* name, const char* call) const;
  void* connection_outside(tm::ResourceManager& resource_manager, const char* call);
  void release_one(tm::ResourceManager& resource_manager);

  const pid_t process_;
  State state_ = State::S0;
  COMMIT_RETURN when_return_ = TX_COMMIT_COMPLETED;
  TRANSACTION_TIMEOUT timeout_ = 0;
  Manager manager_;
  std::unique_ptr<Transaction::Impl> transaction_;
  std::string reason_;  // why the last call did not do what was asked
};

}  // namespace xabridge::tx
