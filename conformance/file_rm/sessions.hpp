// Sessions: what each thread has open, by rmid, and the way every entry begins.
#pragma once

#include <xabridge/xa.h>

#include <map>
#include <string>
#include <vector>

#include "store.hpp"

namespace file_rm {

/// A thread's view of one rmid (R1).
struct Session {
  Store* store = nullptr;
  long life = 0;
  bool dynamic = false;
  std::string current;  // the branch this thread is associated with; empty: T0, or all suspended
  std::string local;    // its transaction outside any global one; empty: none
  bool unregister = false;  // ax_reg gave the null XID for `local`
  bool scanning = false;
  std::vector<XID> scan;
  std::size_t scanned = 0;
};

/// This thread's sessions. Its end rolls back the branches it was working in.
class Sessions {
 public:
  ~Sessions();
  [[nodiscard]] Session* find(int rmid);
  [[nodiscard]] int rmid_of(const std::string& directory) const;
  void add(int rmid, Session session) { sessions_[rmid] = std::move(session); }
  void remove(int rmid) { sessions_.erase(rmid); }

 private:
  std::map<int, Session> sessions_;
};

/// Null at the very end of a thread: a transaction manager's own clean-up may call xa_close after
/// ours is over.
Sessions* sessions();

/// Runs `work(session, store)` with everything locked. `closed` answers for an rmid this thread has
/// not open, `lost` for a directory that is gone or fails: then the session is over.
template <class Work>
int operate(int rmid, int closed, int lost, Work work) noexcept {
  Sessions* here = sessions();
  Session* session = here == nullptr ? nullptr : here->find(rmid);
  if (session == nullptr) return closed;
  Store& store = *session->store;
  try {
    const Store::Operation operation(store, session->life);
    return work(*session, store);
  } catch (const Unavailable&) {
  } catch (const Failure&) {
  } catch (...) {
    // Out of memory.
  }
  store.lose(session->life);
  here->remove(rmid);
  return lost;
}

/// Weak: where the program exports neither, registration is refused.
int call_ax_reg(int rmid, XID* xid) noexcept;
int call_ax_unreg(int rmid) noexcept;

/// What both registration and xa_start do, with everything locked: XA_OK or why not.
int start_branch(Session& session, Store& store, int rmid, const std::string& name, long flags);

}  // namespace file_rm
