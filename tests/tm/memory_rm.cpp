// The switch entries of MemoryRm. They find their object by rmid, as a C interface must.
#include "memory_rm.hpp"

#include <chrono>
#include <cstdio>
#include <register/identity.hpp>
#include <stdexcept>

using xabridge::Xid;

namespace {

constexpr auto kPatience = std::chrono::seconds(20);

std::mutex registry_mutex;
std::map<std::string, MemoryRm*> by_name;
std::map<int, MemoryRm*> by_rmid;
std::vector<std::string> all_calls;
thread_local std::chrono::steady_clock::time_point deadline = {};  // of this thread's calls

MemoryRm* find(int rmid) {
  const std::lock_guard lock(registry_mutex);
  const auto found = by_rmid.find(rmid);
  return found == by_rmid.end() ? nullptr : found->second;
}

}  // namespace

struct MemoryRm::Entries {
  static int open(char* info, int rmid, long) {
    MemoryRm* rm = nullptr;
    {
      const std::lock_guard lock(registry_mutex);
      const auto found = by_name.find(info);
      if (found == by_name.end()) return XAER_INVAL;
      rm = by_rmid[rmid] = found->second;
      rm->rmid_ = rmid;
    }
    rm->called("open");
    if (const int code = rm->scripted("open")) return code;
    const std::lock_guard lock(rm->mutex_);
    if (!rm->reachable_) {
      rm->last_errors_[std::this_thread::get_id()] = XAER_RMERR;
      return XAER_RMERR;
    }
    rm->open_[std::this_thread::get_id()].insert(rmid);
    return XA_OK;
  }
  static int close(char*, int rmid, long) {
    MemoryRm* rm = find(rmid);
    if (rm == nullptr) return XA_OK;
    rm->called("close");
    if (const int code = rm->scripted("close")) return code;
    const std::lock_guard lock(rm->mutex_);
    const auto here = std::this_thread::get_id();
    if (!rm->closed_last(rmid)) return XA_OK;
    // The thread is done: its association ends, and what it had not prepared is rolled back.
    if (const auto it = rm->associations_.find(here); it != rm->associations_.end()) {
      rm->branches_.erase(it->second);
      rm->associations_.erase(it);
    }
    return XA_OK;
  }

  /// Now, or with TMASYNC when xa_complete asks for it.
  template <class Work>
  static int entry(const char* name, int rmid, XID* xid, long flags, Work work) {
    MemoryRm* rm = find(rmid);
    if (rm == nullptr) return XAER_PROTO;
    if ((flags & TMASYNC) != 0) {
      return rm->issue(name, xid, [rm, name, work](XID* x) { return perform(*rm, name, x, work); });
    }
    if (rm->outstanding() != 0) return XAER_PROTO;  // table 6-5
    rm->called(name);
    return perform(*rm, name, xid, work);
  }

  /// Runs `work` with the lock held unless the script or the state of the line says otherwise.
  template <class Work>
  static int perform(MemoryRm& memory, const char* name, XID* xid, Work work) {
    MemoryRm* rm = &memory;
    if (rm->stay_out_of(name, xid)) return XAER_RMFAIL;
    if (const int code = rm->scripted(name)) {
      rm->after_scripted(name, code, xid);
      return code;
    }
    const std::lock_guard lock(rm->mutex_);
    if (rm->open_.count(std::this_thread::get_id()) == 0) return XAER_PROTO;
    if (!rm->reachable_) {
      rm->open_.erase(std::this_thread::get_id());
      return XAER_RMFAIL;
    }
    const int code = work(*rm, xid);
    rm->changed_.notify_all();
    if (rm->lost_replies_.erase(name) != 0) {
      rm->open_.erase(std::this_thread::get_id());
      return XAER_RMFAIL;
    }
    return code;
  }

  static int start(XID* id, int rmid, long flags) {
    return entry("start", rmid, id, flags, [flags](MemoryRm& rm, const XID* xid) {
      const auto here = std::this_thread::get_id();
      if (rm.associations_.count(here) != 0) return XAER_PROTO;
      if (!rm.branches_.emplace(*Xid::from(xid), State::active).second) return XAER_DUPID;
      rm.associations_.emplace(here, *Xid::from(xid));
      return XA_OK;
    });
  }
  static int end(XID* id, int rmid, long flags) {
    return entry("end", rmid, id, flags, [flags](MemoryRm& rm, const XID* xid) {
      const auto it = rm.associations_.find(std::this_thread::get_id());
      if (it == rm.associations_.end() || it->second != *Xid::from(xid)) return XAER_PROTO;
      rm.associations_.erase(it);
      rm.branches_[*Xid::from(xid)] = State::idle;
      return (flags & TMFAIL) != 0 ? XA_RBROLLBACK : XA_OK;
    });
  }
  static int prepare(XID* id, int rmid, long flags) {
    return entry("prepare", rmid, id, flags, [flags](MemoryRm& rm, const XID* xid) {
      const auto it = rm.branches_.find(*Xid::from(xid));
      if (it == rm.branches_.end()) return XAER_NOTA;
      if (it->second != State::idle) return XAER_PROTO;
      it->second = State::prepared;
      return XA_OK;
    });
  }
  static int commit(XID* id, int rmid, long flags) {
    return entry("commit", rmid, id, flags, [flags](MemoryRm& rm, const XID* xid) {
      const auto it = rm.branches_.find(*Xid::from(xid));
      if (it == rm.branches_.end()) return XAER_NOTA;
      if (it->second != ((flags & TMONEPHASE) != 0 ? State::idle : State::prepared)) {
        return XAER_PROTO;
      }
      rm.committed_transactions_.insert(xabridge::tm::transaction_text(it->first.gtrid()));
      rm.branches_.erase(it);
      ++rm.committed_;
      return XA_OK;
    });
  }
  static int rollback(XID* id, int rmid, long flags) {
    return entry("rollback", rmid, id, flags, [flags](MemoryRm& rm, const XID* xid) {
      if (rm.branches_.count(*Xid::from(xid)) == 0) return XAER_NOTA;
      rm.branches_.erase(*Xid::from(xid));
      ++rm.rolled_back_;
      return XA_OK;
    });
  }
  static int recover(XID* xids, long count, int rmid, long flags) {
    return entry("recover", rmid, nullptr, TMNOFLAGS, [&](MemoryRm& rm, const XID*) {
      std::vector<Xid> all;
      for (const auto& [xid, state] : rm.branches_) {
        if (state == State::prepared) all.push_back(xid);
      }
      std::size_t& cursor = rm.cursors_[std::this_thread::get_id()];
      if ((flags & TMSTARTRSCAN) != 0) cursor = 0;
      int n = 0;
      while (n < count && !all.empty() && (rm.endless_ || cursor < all.size())) {
        xids[n++] = all[cursor++ % all.size()].raw();
      }
      return n;
    });
  }
  static int forget(XID* xid, int rmid, long flags) {
    return entry("forget", rmid, xid, flags, [](MemoryRm&, const XID*) { return XA_OK; });
  }
  static int complete(int* handle, int* retval, int rmid, long) {
    MemoryRm* rm = find(rmid);
    if (rm == nullptr) return XAER_PROTO;
    if (const int code = rm->scripted("complete")) {
      const std::lock_guard lock(rm->mutex_);
      rm->pending_.erase(std::this_thread::get_id());  // done or not, nobody will know
      return code;
    }
    Pending pending;
    {
      std::unique_lock lock(rm->mutex_);
      const auto found = rm->pending_.find(std::this_thread::get_id());
      if (found == rm->pending_.end() || found->second.handle != *handle) return XAER_INVAL;
      pending = std::move(found->second);
      rm->pending_.erase(found);
      const bool held = rm->held_up_.count(pending.entry) != 0;
      if (held) rm->interrupted_ = false;
      rm->changed_.wait_for(lock, kPatience, [&] {
        return rm->held_up_.count(pending.entry) == 0 || rm->interrupted_;
      });
      if (held && rm->interrupted_) rm->script_[pending.entry].push_front(XA_RBTIMEOUT);
    }
    rm->called("complete " + pending.entry);
    *retval = pending.work();
    return XA_OK;
  }

  static int name_instance(int, const char* name, const char* tag) {
    const std::lock_guard lock(registry_mutex);
    if (const auto found = by_name.find(name); found != by_name.end()) found->second->tag_ = tag;
    return XA_OK;
  }
  static void* connection(int rmid) {
    MemoryRm* rm = find(rmid);
    return rm->registers_ && !rm->in_branch() && rm->work() < 0 ? nullptr : rm;
  }
  static int interrupt(const XID*, int rmid) {
    MemoryRm* rm = find(rmid);
    if (rm == nullptr) return XAER_NOTA;
    rm->called("interrupt");
    const std::lock_guard lock(rm->mutex_);
    rm->interrupted_ = true;
    rm->changed_.notify_all();
    return XA_OK;
  }
  static int session_of(const XID*, int, char*, long) { return XAER_NOTA; }
  static int last_error(int rmid, xabridge_rm_error* error) {
    MemoryRm* rm = find(rmid);
    if (rm == nullptr) return XAER_NOTA;
    const std::lock_guard lock(rm->mutex_);
    const auto found = rm->last_errors_.find(std::this_thread::get_id());
    if (found == rm->last_errors_.end()) return XAER_NOTA;
    *error = {};
    error->xa_code = found->second;
    error->connection_usable = rm->reachable_ ? 1 : 0;
    error->outcome_known = 1;
    // As our drivers say it at xa_open, which has one answer for all that may be wrong.
    if (!rm->reachable_) std::snprintf(error->sqlstate, sizeof error->sqlstate, "08001");
    rm->last_errors_.erase(found);
    return XA_OK;
  }
  static int classify(const void*) {
    const std::lock_guard lock(registry_mutex);
    for (const auto& [name, rm] : by_name) {
      const std::lock_guard inner(rm->mutex_);
      if (rm->classify_ != XA_OK) return rm->classify_;
    }
    return XA_OK;
  }
  static int owner_sessions(int, const char*, long* count) {
    *count = 0;
    return XA_OK;
  }
  static int preflight(int rmid, void (*report)(void*, const xabridge_finding*), void* context) {
    MemoryRm* rm = find(rmid);
    if (rm == nullptr) return XAER_NOTA;
    const std::lock_guard lock(rm->mutex_);
    ++rm->preflights_;
    for (const auto& [severity, text] : rm->findings_) {
      const xabridge_finding finding{severity, "a setting", text.c_str(), "change it"};
      report(context, &finding);
    }
    return XA_OK;
  }
  static int identity(int, char*, long) { return XAER_RMERR; }
  static int one_phase_survives(int rmid) {
    const MemoryRm* const rm = find(rmid);
    return rm == nullptr || rm->one_phase_survives_ ? 1 : 0;
  }
  static int in_doubt(int, void (*)(void*, const xabridge_in_doubt*), void*) { return XA_OK; }
};

namespace {

using E = MemoryRm::Entries;

const xa_switch_t& switch_with(long flags) {
  // Never destroyed: a thread that was left behind in a call may close after main().
  static auto& switches = *new std::map<long, xa_switch_t>;
  const std::lock_guard lock(registry_mutex);
  return switches
      .try_emplace(flags,
                   xa_switch_t{"memory", flags, 0, E::open, E::close, E::start, E::end, E::rollback,
                               E::prepare, E::commit, E::recover, E::forget, E::complete})
      .first->second;
}

constexpr xabridge_rm_extras_t extras_with(int asynchronous_by_thread) {
  return {XABRIDGE_RM_EXTRAS_VERSION,
          "memory",
          E::name_instance,
          E::connection,
          E::interrupt,
          E::session_of,
          E::last_error,
          E::classify,
          E::owner_sessions,
          E::preflight,
          E::identity,
          E::in_doubt,
          asynchronous_by_thread,
          [](int) { return XAER_PROTO; },
          nullptr,
          [](int, long milliseconds) {
            deadline = milliseconds < 0 ? std::chrono::steady_clock::time_point()
                                        : std::chrono::steady_clock::now() +
                                              std::chrono::milliseconds(milliseconds);
            return XA_OK;
          },
          nullptr, nullptr, nullptr, nullptr,
          [](int, long) { return XA_OK; },
          nullptr, E::one_phase_survives};
}
const xabridge_rm_extras_t sending_extras = extras_with(0);
const xabridge_rm_extras_t threading_extras = extras_with(1);

}  // namespace

std::chrono::steady_clock::time_point MemoryRm::call_deadline() { return deadline; }

MemoryRm::MemoryRm(std::string name) : name_(std::move(name)) {
  const std::lock_guard lock(registry_mutex);
  all_calls.clear();
  by_name[name_] = this;
}

MemoryRm::~MemoryRm() {
  thaw();
  {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kPatience, [&] { return hanging_ == 0; });
  }
  const std::lock_guard lock(registry_mutex);
  by_name.erase(name_);
  std::erase_if(by_rmid, [&](const auto& entry) { return entry.second == this; });
}

xabridge::ResourceManagerConfig MemoryRm::config(Kind kind, long flags,
                                                 bool asynchronous_by_thread) {
  registers_ = (flags & TMREGISTER) != 0;
  xabridge::ResourceManagerConfig config;
  config.name = name_;
  config.open = name_;
  config.xa_switch = &switch_with(flags);
  if (kind == Kind::ours) {
    config.extras = asynchronous_by_thread ? &threading_extras : &sending_extras;
  }
  return config;
}

void MemoryRm::answer(const std::string& entry, std::deque<int> codes) {
  const std::lock_guard lock(mutex_);
  script_[entry] = std::move(codes);
}

void MemoryRm::lose_reply(const std::string& entry) {
  const std::lock_guard lock(mutex_);
  lost_replies_.insert(entry);
}

std::size_t MemoryRm::preflights() const {
  const std::lock_guard lock(mutex_);
  return preflights_;
}

void MemoryRm::set_finding(int severity, const std::string& text) {
  const std::lock_guard lock(mutex_);
  findings_[severity] = text;
}

void MemoryRm::set_reachable(bool reachable) {
  const std::lock_guard lock(mutex_);
  reachable_ = reachable;
  if (reachable) return;
  // Its sessions are gone, and with them what was not prepared.
  for (const auto& [thread, xid] : associations_) branches_.erase(xid);
  associations_.clear();
}

void MemoryRm::set_endless_recover() {
  const std::lock_guard lock(mutex_);
  endless_ = true;
}

void MemoryRm::add_prepared(const Xid& xid) {
  const std::lock_guard lock(mutex_);
  branches_[xid] = State::prepared;
}

void MemoryRm::roll_back_by_hand() {
  const std::lock_guard lock(mutex_);
  std::erase_if(branches_, [](const auto& branch) { return branch.second == State::prepared; });
}

void MemoryRm::set_classify(int code) {
  const std::lock_guard lock(mutex_);
  classify_ = code;
}

void MemoryRm::blocked_statement() {
  std::unique_lock lock(mutex_);
  interrupted_ = false;
  changed_.wait_for(lock, kPatience, [&] { return interrupted_; });
  throw std::runtime_error(interrupted_ ? "statement interrupted" : "never interrupted");
}

std::vector<std::string> MemoryRm::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

std::size_t MemoryRm::count(const std::string& entry) const {
  const std::lock_guard lock(mutex_);
  std::size_t n = 0;
  for (const auto& call : calls_) n += call == entry ? 1 : 0;
  return n;
}

std::vector<std::string> MemoryRm::journal() {
  const std::lock_guard lock(registry_mutex);
  return all_calls;
}

std::set<Xid> MemoryRm::prepared() const {
  const std::lock_guard lock(mutex_);
  std::set<Xid> out;
  for (const auto& [xid, state] : branches_) {
    if (state == State::prepared) out.insert(xid);
  }
  return out;
}

std::optional<Xid> MemoryRm::branch() const {
  const std::lock_guard lock(mutex_);
  return branches_.size() == 1 ? std::optional(branches_.begin()->first) : std::nullopt;
}

std::size_t MemoryRm::committed() const {
  const std::lock_guard lock(mutex_);
  return committed_;
}

bool MemoryRm::was_committed(const std::string& transaction) const {
  const std::lock_guard lock(mutex_);
  return committed_transactions_.count(transaction) != 0;
}

std::size_t MemoryRm::rolled_back() const {
  const std::lock_guard lock(mutex_);
  return rolled_back_;
}

std::size_t MemoryRm::open_threads() const {
  const std::lock_guard lock(mutex_);
  return open_.size();
}

std::string MemoryRm::tag() const {
  const std::lock_guard lock(registry_mutex);
  return tag_;
}

void MemoryRm::wait_until_committed(std::size_t n) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kPatience, [&] { return committed_ >= n; });
}

void MemoryRm::wait_until_nothing_is_prepared() const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kPatience, [&] {
    for (const auto& [xid, state] : branches_) {
      if (state == State::prepared) return false;
    }
    return true;
  });
}

int MemoryRm::scripted(const std::string& entry) {
  const std::lock_guard lock(mutex_);
  auto& codes = script_[entry];
  if (codes.empty()) return XA_OK;
  const int code = codes.front();
  codes.pop_front();
  if (code == kOutOfMemory) throw std::bad_alloc();
  if (code == XAER_RMFAIL) open_.erase(std::this_thread::get_id());
  return code;
}

/// A branch that was answered XA_RB* is ended or gone, and one whose connection was lost before it
/// was prepared, too.
void MemoryRm::after_scripted(const std::string& entry, int code, const XID* xid) {
  const bool rolled_back = code >= XA_RBBASE && code <= XA_RBEND;
  const std::lock_guard lock(mutex_);
  if (entry == "end" && (rolled_back || code == XAER_RMFAIL)) {
    associations_.erase(std::this_thread::get_id());
    branches_[*Xid::from(xid)] = State::idle;
    if (code == XAER_RMFAIL) branches_.erase(*Xid::from(xid));
  } else if (entry != "start" && rolled_back && xid != nullptr) {
    branches_.erase(*Xid::from(xid));
    ++rolled_back_;
  }
}

void MemoryRm::called(const std::string& entry) {
  {
    const std::lock_guard lock(registry_mutex);
    all_calls.push_back(name_ + ": " + entry);
  }
  const std::lock_guard lock(mutex_);
  calls_.push_back(entry);
  changed_.notify_all();
}
