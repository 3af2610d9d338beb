// A thread that ends leaves no work behind that nobody could end any more.
#include "sessions.hpp"

extern "C" {
#pragma weak ax_reg
#pragma weak ax_unreg
}

namespace file_rm {

namespace {
thread_local bool thread_is_over = false;
}

Sessions* sessions() {
  if (thread_is_over) return nullptr;
  thread_local Sessions here;
  return &here;
}

Sessions::~Sessions() {
  thread_is_over = true;
  for (auto& [rmid, session] : sessions_) {
    try {
      const Store::Operation operation(*session.store, session.life);
      session.store->drop(session.current);
      session.store->drop(session.local);
      session.store->drop_suspended_of(std::this_thread::get_id(), rmid);
    } catch (...) {
      // The directory is gone, and what was not prepared with it.
    }
  }
}

Session* Sessions::find(int rmid) {
  const auto found = sessions_.find(rmid);
  return found == sessions_.end() ? nullptr : &found->second;
}

int Sessions::rmid_of(const std::string& directory) const {
  for (const auto& [rmid, session] : sessions_) {
    if (session.store->directory().path() == directory) return rmid;
  }
  return -1;
}

int call_ax_reg(int rmid, XID* xid) noexcept {
  return ::ax_reg == nullptr ? TMER_TMERR : ::ax_reg(rmid, xid, TMNOFLAGS);
}

int call_ax_unreg(int rmid) noexcept {
  return ::ax_unreg == nullptr ? TMER_TMERR : ::ax_unreg(rmid, TMNOFLAGS);
}

int start_branch(Session& session, Store& store, int rmid, const std::string& name, long flags) {
  const auto kept = store.directory().find(name);
  Branch* branch = store.find(name);
  if ((flags & (TMJOIN | TMRESUME)) == 0) {
    if (kept || branch != nullptr) return XAER_DUPID;
    branch = &store.begin(name);
  } else {
    if (kept) return XAER_PROTO;
    if (branch == nullptr) return XAER_NOTA;
    const auto here = std::this_thread::get_id();
    auto mine = branch->suspended.end();
    for (auto it = branch->suspended.begin(); it != branch->suspended.end(); ++it) {
      const bool own = it->thread == here && it->rmid == rmid;
      if (own && (flags & TMJOIN) != 0) return XAER_PROTO;
      // One's own before what anybody may take.
      if (own || (it->migrates && mine == branch->suspended.end())) mine = it;
      if (own) break;
    }
    if ((flags & TMRESUME) != 0) {
      if (mine == branch->suspended.end()) return XAER_PROTO;
      branch->suspended.erase(mine);
    }
    if (store.doomed(*branch)) return XA_RBDEADLOCK;
  }
  ++branch->active;
  session.current = name;
  return XA_OK;
}

}  // namespace file_rm
