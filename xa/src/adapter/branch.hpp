// Branch: one transaction branch as this process knows it, and the table of them.
//
// Two rules keep the server calls free of locks and the states true:
//  * Claim. A thread that talks to the server for a branch, or moves its state, holds its claim. A
//    second thread waits for it on a condition variable. What the owner of a claim reads cannot
//    change under it.
//  * Pin. interrupt() must work while another thread holds the claim and is blocked in the server,
//    so it does not claim; it pins. A pinned branch keeps its session: whoever gives the session
//    away first waits for the pin, and by then the session knows that it was interrupted and is not
//    reusable.
// The table's mutex guards fields, and is never held across a server call.
//
// Threads share a branch one after another: it has one session, so at most one association is
// active (T1), and who joins or resumes waits for that one to end or be suspended. What a thread
// does that the active one must learn of, it leaves in rollback_reason(): a thread that ended its
// suspended association with TMFAIL, or died with it, has doomed the work of all, and the xa_end of
// the active one says so.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>
#include <xabridge/rm/recent_branches.hpp>
#include <xabridge/state_tables.hpp>
#include <xabridge/xid.hpp>

#include "pool.hpp"

namespace xabridge::rm {

/// Names a thread of control for as long as the process lives; never reused.
using ThreadToken = unsigned long;

class Branch {
 public:
  /// Born claimed, by the thread in xa_start; or known from elsewhere in a later state, and free.
  explicit Branch(const Xid& xid) : xid_(xid) {}
  Branch(const Xid& xid, S known_as) : xid_(xid), state_(known_as), claimed_(false) {}

  [[nodiscard]] const Xid& xid() const noexcept { return xid_; }
  [[nodiscard]] S state() const noexcept { return state_; }
  [[nodiscard]] T association(ThreadToken thread) const noexcept;
  /// Some thread is associated, or has suspended its association.
  [[nodiscard]] bool associated() const noexcept { return !associations_.empty(); }
  /// Another thread is associated, or has suspended its association.
  [[nodiscard]] bool associated_elsewhere(ThreadToken thread) const noexcept;
  /// Another thread's association is T1: that thread is using the session.
  [[nodiscard]] bool active_elsewhere(ThreadToken thread) const noexcept;
  /// Some thread has suspended its association with TMMIGRATE: any thread may resume it.
  [[nodiscard]] bool left_to_migrate() const noexcept;
  /// RB* once something has said that the work can only be rolled back; XA_OK before.
  [[nodiscard]] int rollback_reason() const noexcept { return rollback_reason_; }

 private:
  friend class BranchTable;
  friend class Claim;
  struct Association {
    ThreadToken thread;
    T state;
    bool may_migrate = false;  // T2 only
  };

  void associate(ThreadToken thread, T state);
  /// TMRESUME in another thread: of the threads that have allowed it, one is dissociated.
  void take_over();
  [[nodiscard]] S state_after(ThreadToken thread, Verb verb, Mode mode, int code) const noexcept;
  /// The only function that assigns a state. The session must already be what the new state
  /// demands.
  void move(ThreadToken thread, Verb verb, Mode mode, int code);
  void check_invariants() const noexcept;

  Xid xid_;
  S state_ = S::S0;
  std::vector<Association> associations_;  // T1 and T2 only
  Lease session_;
  int rollback_reason_ = XA_OK;
  int heuristic_ = XA_OK;  // the answer S5 keeps
  bool prepare_failed_ =
      false;  // S2 after XAER_RMERR from prepare: the server may have prepared it
  bool claimed_ = true;
  int pins_ = 0;
};

class BranchTable;

/// The right to act for a branch. Giving it up removes a branch that is S0 from the table.
class Claim {
 public:
  Claim(Claim&& other) noexcept
      : table_(std::exchange(other.table_, nullptr)), branch_(other.branch_) {}
  Claim& operator=(Claim&&) = delete;
  ~Claim();

  const Branch* operator->() const noexcept { return branch_; }
  [[nodiscard]] Session* session() const noexcept { return branch_->session_.get(); }
  [[nodiscard]] int heuristic() const noexcept { return branch_->heuristic_; }
  [[nodiscard]] bool prepare_failed() const noexcept { return branch_->prepare_failed_; }

  /// The session xa_start has begun the branch in.
  void adopt(Lease session);
  /// Takes the session out, for the pool or to be closed. Waits for interrupt() to let go of it.
  [[nodiscard]] Lease take_session();
  /// After the server answered `code`. A session that the new state does not own goes back to the
  /// pool when it plainly finished its branch, and is closed otherwise.
  void moved(ThreadToken thread, Verb verb, Mode mode, int code);
  /// TMMIGRATE: the association this thread has just suspended may be resumed by another.
  void let_migrate(ThreadToken thread);

 private:
  friend class BranchTable;
  Claim(BranchTable& table, Branch& branch) noexcept : table_(&table), branch_(&branch) {}
  BranchTable* table_;
  Branch* branch_;
};

class BranchTable {
 public:
  struct Heuristic {
    Xid xid;
    int code;
  };

  /// A new entry in S0; nullopt when the XID is there already, in whatever state.
  std::optional<Claim> create(const Xid& xid);
  struct Found {
    std::optional<Claim> claim;  // empty: there is no such branch, or it is busy
    bool busy = false;           // another thread acts for it, and the caller may not wait
  };
  Found claim(const Xid& xid, Pool::Wait wait);
  /// Waits while another thread acts for the branch; nullopt when there is no such branch.
  std::optional<Claim> claim(const Xid& xid) { return claim(xid, Pool::Wait::yes).claim; }
  /// Until no thread is active in the branch and none acts for it, or it is gone.
  void wait_until_inactive(const Xid& xid);
  /// An entry for a branch that turned out to be heuristically completed, but is not known here.
  void remember_heuristic(const Xid& xid, int code);
  /// What the server said of itself when xa_end prepared the branch; taken by the vote.
  void remember_evidence(const Xid& xid, std::string server);
  [[nodiscard]] std::string take_evidence(const Xid& xid);

  [[nodiscard]] bool contains(const Xid& xid);
  [[nodiscard]] std::vector<Xid> associated_with(ThreadToken thread);
  [[nodiscard]] std::vector<Heuristic> heuristically_completed();

  /// Calls `use` with the branch's session and state, pinned but unclaimed and without the lock;
  /// false when there is no such branch, or it has no session.
  bool with_pinned(const Xid& xid, const std::function<void(Session&, S)>& use);

 private:
  friend class Claim;
  std::mutex mutex_;
  RecentBranches<std::string> evidence_{10000};  // guarded by mutex_
  std::condition_variable changed_;  // a claim or a pin was given up
  std::unordered_map<Xid, Branch> branches_;
};

}  // namespace xabridge::rm
