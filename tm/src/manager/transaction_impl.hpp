// Transaction::Impl: one global transaction, from begin to its outcome.
#pragma once

#include <optional>
#include <string>
#include <thread>
#include <vector>
#include <xabridge/transaction_manager.hpp>

#include "commit_run.hpp"
#include "registration.hpp"
#include "runtime.hpp"
#include "timeout_gate.hpp"

namespace xabridge {

/// active --commit(), rollback(), destructor--> finished. Only the thread that began it may do so.
struct Transaction::Impl final : tm::Enlister {
  struct Branch {
    std::shared_ptr<tm::ResourceManager> resource_manager;
    Xid xid;
  };
  struct Doom {
    std::string reason;
    int code = XA_RBROLLBACK;
  };
  enum class Ask {
    commit,
    decision,  // commit, as far as the durable decision; phase_two is then what is left
    rollback,
  };

  Impl(std::shared_ptr<tm::Runtime> runtime, std::chrono::milliseconds timeout);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  /// The resource manager of this name, for work in this transaction; with static registration its
  /// branch is started when there is none yet. Throws Exception.
  tm::ResourceManager& enlist(std::string_view name, const char* operation);
  void enlist_at(Isolation level, std::string_view name);
  /// Throws Exception: none is configured, and which are.
  std::shared_ptr<tm::ResourceManager> named(std::string_view name, const char* operation) const;
  /// Null: there is none (any more). With dynamic registration the branch is made by that; throws
  /// Exception when that fails.
  void* connection(tm::ResourceManager& resource_manager);
  /// Of a transaction that goes out of existence: rolls it back if it is still active. In another
  /// thread than its own, where XA forbids that, its sessions are ended, and it waits for its
  /// thread's next begin().
  static void release(std::unique_ptr<Impl> transaction) noexcept;

  /// Rolls back or commits. Never throws: what cannot be said is `unknown`.
  Outcome finish(Ask ask) noexcept;

  /// Throws Exception unless the transaction is active and this is its thread, in its process.
  void require_active(const char* operation) const;
  /// Marks the transaction timed out when its deadline has passed, also before the watcher has come
  /// to it.
  bool timed_out();
  [[nodiscard]] std::string timeout_text() const;
  /// Until when a call on behalf of its work is waited for.
  [[nodiscard]] std::chrono::steady_clock::time_point call_deadline() const;

  // --- For ax_reg.
  [[nodiscard]] bool knows(int rmid) const noexcept override;
  [[nodiscard]] bool works_at(int rmid) const noexcept override;
  [[nodiscard]] std::string_view global_id() const noexcept override { return gtrid; }
  Given branch_at(int rmid, XID& xid) override;

  std::shared_ptr<tm::Runtime> runtime;
  const std::string gtrid;  // bytes
  const std::string gtrid_hex;
  const std::thread::id thread = std::this_thread::get_id();
  const std::chrono::milliseconds timeout;
  std::shared_ptr<tm::TimeoutGate> gate;
  std::vector<Branch> branches;
  std::optional<Doom> doom;  // why it can only roll back
  bool active = true;
  std::optional<Outcome> outcome;            // once finished
  std::vector<Error> doomed_by;              // see StepRunner; and a failed enlistment
  std::unique_ptr<tm::CommitRun> phase_two;  // to be finished by whoever takes it
  tm::CurrentTransaction current{*this};

 private:
  Outcome run_protocol(Ask ask);
  [[nodiscard]] Branch* branch_of(const tm::ResourceManager& resource_manager);
  [[nodiscard]] Xid next_xid(const tm::ResourceManager& resource_manager) const;
  void make_room(const std::shared_ptr<tm::ResourceManager>& resource_manager, const Xid& xid);
  void keep(std::shared_ptr<tm::ResourceManager> resource_manager, const Xid& xid) noexcept;
  void withdraw_last();
  void require_free(const tm::ResourceManager& resource_manager, const char* operation) const;
  [[noreturn]] void doom_and_throw(const tm::ResourceManager& resource_manager,
                                   tm::CallAnswer answer);
};

}  // namespace xabridge
