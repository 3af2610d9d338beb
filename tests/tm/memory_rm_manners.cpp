// MemoryRm with TMUSEASYNC and with TMREGISTER.
#include <chrono>

#include "memory_rm.hpp"

using xabridge::Xid;

int MemoryRm::issue(const std::string& entry, const XID* xid, std::function<int(XID*)> work) {
  called("async " + entry);
  if (const int code = scripted("async " + entry)) return code;
  const std::lock_guard lock(mutex_);
  const auto here = std::this_thread::get_id();
  if (pending_.count(here) != 0) return XAER_ASYNC;  // one at a time, table 6-5
  const int handle = next_handle_++;
  pending_[here] = {handle, entry,
                    [copy = *xid, work = std::move(work)]() mutable { return work(&copy); }};
  return handle;
}

void MemoryRm::hold_up(const std::string& entry) {
  const std::lock_guard lock(mutex_);
  held_up_.insert(entry);
}

void MemoryRm::let_go(const std::string& entry) {
  const std::lock_guard lock(mutex_);
  held_up_.erase(entry);
  changed_.notify_all();
}

std::size_t MemoryRm::outstanding() const {
  const std::lock_guard lock(mutex_);
  return pending_.count(std::this_thread::get_id());
}

int MemoryRm::work() {
  if (in_branch() || outside()) return TM_OK;
  XID xid{};
  called("ax_reg");
  const int registered = ax_reg(rmid(), &xid, TMNOFLAGS);
  int code = registered;
  if (registered == TM_OK && xid.formatID == -1) {
    const std::lock_guard lock(mutex_);
    outside_.insert(std::this_thread::get_id());
  } else if (registered >= 0) {
    code = scripted("begin");
    if (code == XA_OK) code = begin_work(*Xid::from(&xid), registered);
    if (code == XA_OK) return registered;
  }
  if (code < 0) {
    const std::lock_guard lock(mutex_);
    last_errors_[std::this_thread::get_id()] = code == registered ? XAER_PROTO : code;
  }
  return code;
}

int MemoryRm::begin_work(const Xid& xid, int registered) {
  const std::lock_guard lock(mutex_);
  const auto found = branches_.find(xid);
  const bool known = found != branches_.end() && found->second == State::idle;
  if ((registered != TM_OK) != known) return registered == TM_OK ? XAER_DUPID : XAER_NOTA;
  branches_[xid] = State::active;
  associations_.emplace(std::this_thread::get_id(), xid);
  return XA_OK;
}

int MemoryRm::release() {
  called("ax_unreg");
  const int code = ax_unreg(rmid(), TMNOFLAGS);
  const std::lock_guard lock(mutex_);
  if (code == TM_OK) outside_.erase(std::this_thread::get_id());
  return code;
}

bool MemoryRm::in_branch() const {
  const std::lock_guard lock(mutex_);
  return associations_.count(std::this_thread::get_id()) != 0;
}

bool MemoryRm::outside() const {
  const std::lock_guard lock(mutex_);
  return outside_.count(std::this_thread::get_id()) != 0;
}

int MemoryRm::rmid() const {
  const std::lock_guard lock(mutex_);
  return rmid_;
}

/// A manager that is gone is closed when the thread has opened the next one already. True: nothing
/// is open in this thread any more.
bool MemoryRm::closed_last(int rmid) {
  const auto here = open_.find(std::this_thread::get_id());
  if (here == open_.end()) return true;
  here->second.erase(rmid);
  if (!here->second.empty()) return false;
  open_.erase(here);
  return true;
}
