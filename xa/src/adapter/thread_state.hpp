// ThreadState: what XA keeps per thread of control: R per rmid, the active association, the
// recovery scan, the outstanding asynchronous call, and the reason of the last refusal.
//
// Reached through current(), one object per thread for all switches of the library. Only its own
// thread uses it, so there is no lock. When the thread ends, what it left behind is undone:
// outstanding calls are concluded, active branches rolled back, rmids closed. After fork() the
// child starts with an empty one and leaves the inherited one, with the parent's connections,
// untouched.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "branch.hpp"
#include "instance.hpp"
#include "outstanding.hpp"

namespace xabridge::rm {

/// The cursor of xa_recover: a snapshot taken at TMSTARTRSCAN.
struct Scan {
  std::vector<Xid> xids;
  std::size_t next = 0;
  std::string server{};  // whose list it is
};

/// One thread x rmid.
struct ThreadRm {
  R state = R::R0;
  bool failed = false;  // XAER_RMFAIL led to R0: xa_open looks at the server again
  // Set while R1. After XAER_RMFAIL it is kept, so that what the instance knows outlives the time
  // until the next xa_open or xa_close, or the end of the thread.
  std::shared_ptr<Instance> instance;
  std::optional<Xid> active;  // the branch of the T1 association
  Lease native;               // work outside any global transaction; only with TMREGISTER
  // The session in which xa_start found work of the application's own (XAER_OUTSIDE): who left it
  // open there can still end it before the next xa_start, so it is not lent to anybody else.
  Lease outside;
  std::optional<Scan> scan;
  std::unique_ptr<Outstanding> outstanding;  // set while A1; of an xa_open also in R0
};

class ThreadState {
 public:
  static ThreadState& current();

  ThreadState();
  ThreadState(const ThreadState&) = delete;
  ThreadState& operator=(const ThreadState&) = delete;
  ~ThreadState();

  [[nodiscard]] ThreadToken token() const noexcept { return token_; }
  /// Null when the thread never opened rmid.
  [[nodiscard]] ThreadRm* find(const Registry& registry, int rmid);
  [[nodiscard]] ThreadRm& at(Registry& registry, int rmid);
  /// The parent had rmid open, in some switch, before fork() made this process. For messages.
  [[nodiscard]] bool inherited(int rmid) const { return inherited_.contains(rmid); }

  /// The servers of the rmids that this thread has open there are no longer what they were.
  void renew_all(const Registry& registry) noexcept;

  /// Names a call with TMASYNC of this thread: positive, and not used again for a long time.
  [[nodiscard]] int next_handle() noexcept;

  void set_error(const Registry& registry, int rmid, const Error& error);
  [[nodiscard]] const Error* error(const Registry& registry, int rmid) const;

  /// Who gave the thread's last answer; null: there was none.
  void set_answered_by(const Registry& registry, int rmid, const std::string& server) noexcept;
  [[nodiscard]] const std::string* answered_by(const Registry& registry, int rmid) const;

  /// R0: associations of this thread are ended, their branches rolled back or, where other threads
  /// share them, doomed: half of the work of a transaction must not be committed. The rmid is given
  /// up, unless it failed.
  enum class Why { closed, failed, thread_ends };
  void leave(Registry& registry, int rmid, ThreadRm& rm, Why why);

 private:
  // Registries are never destroyed, so an address names one for good.
  using Key = std::pair<const Registry*, int>;
  struct Entry {
    Registry* registry;
    ThreadRm rm;
  };

  const ThreadToken token_;
  const pid_t process_;
  std::map<Key, Entry> rms_;
  std::map<Key, Error> errors_;
  std::map<Key, std::string> answered_by_;
  std::set<int> inherited_;
  int last_handle_ = 0;
};

}  // namespace xabridge::rm
