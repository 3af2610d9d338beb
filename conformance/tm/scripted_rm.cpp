// The switch entries find their object by rmid, as a C interface must.
#include "scripted_rm.hpp"

#include <xabridge/codes.hpp>

using xabridge::Xid;

namespace {

std::mutex registry_mutex;
std::map<std::string, ScriptedRm*> by_name;
std::map<int, ScriptedRm*> by_rmid;

ScriptedRm* find(int rmid) {
  const std::lock_guard lock(registry_mutex);
  const auto found = by_rmid.find(rmid);
  return found == by_rmid.end() ? nullptr : found->second;
}

bool is_heuristic(int code) { return code >= XA_HEURMIX && code <= XA_HEURHAZ; }

const char* end_text(long flags) {
  if ((flags & TMSUSPEND) != 0) return "end(SUSPEND) ";
  return (flags & TMFAIL) != 0 ? "end(FAIL) " : "end ";
}

}  // namespace

struct ScriptedRm::Entries {
  static int open(char* info, int rmid, long) {
    ScriptedRm* rm = nullptr;
    {
      const std::lock_guard lock(registry_mutex);
      const auto found = by_name.find(info);
      if (found == by_name.end()) return XAER_INVAL;
      rm = by_rmid[rmid] = found->second;
    }
    rm->log_.add("open " + rm->name_);
    if (const int code = rm->scripted("open")) return code;
    const std::lock_guard lock(rm->mutex_);
    if (!rm->reachable_) return XAER_RMERR;
    rm->rmid_ = rmid;
    rm->open_.insert(std::this_thread::get_id());
    return XA_OK;
  }

  static int close(char*, int rmid, long) {
    ScriptedRm* rm = find(rmid);
    if (rm == nullptr) return XA_OK;
    rm->log_.add("close " + rm->name_);
    if (const int code = rm->scripted("close")) return code;
    const std::lock_guard lock(rm->mutex_);
    rm->open_.erase(std::this_thread::get_id());
    return XA_OK;
  }

  /// `work(rm, xid, branch or null)` with the lock held, unless the script answers.
  template <class Work>
  static int call(const std::string& entry, const std::string& text, XID* xid, int rmid,
                  Work work) {
    ScriptedRm* rm = find(rmid);
    if (rm == nullptr) return XAER_PROTO;
    const auto parsed = Xid::from(xid);
    if (!parsed) return XAER_INVAL;
    if (const int code = rm->enter(entry, text + rm->name_, xid)) {
      rm->settle(entry, code, *parsed);
      return code;
    }
    const std::lock_guard lock(rm->mutex_);
    const auto found = rm->branches_.find(*parsed);
    return work(*rm, *parsed, found == rm->branches_.end() ? nullptr : &found->second);
  }

  static int start(XID* xid, int rmid, long flags) {
    return call("start", "start ", xid, rmid, [&](ScriptedRm& rm, const Xid& x, Branch* branch) {
      if ((rm.switch_.flags & TMREGISTER) != 0) {
        rm.violated("xa_start: it registers dynamically");
        return XAER_PROTO;
      }
      if (branch == nullptr && flags == TMNOFLAGS) {
        rm.branches_[x] = {State::active, 0, std::this_thread::get_id()};
        return XA_OK;
      }
      return branch == nullptr ? XAER_NOTA : XAER_DUPID;
    });
  }

  static int end(XID* xid, int rmid, long flags) {
    return call("end", end_text(flags), xid, rmid, [&](ScriptedRm& rm, const Xid&, Branch* branch) {
      if (branch == nullptr) return XAER_NOTA;
      if (branch->state != State::active && branch->state != State::suspended) {
        rm.violated("xa_end: no association");
        return XAER_PROTO;
      }
      const bool suspend = (flags & TMSUSPEND) != 0;
      branch->state = suspend ? State::suspended : State::idle;
      return (flags & TMFAIL) != 0 ? XA_RBROLLBACK : XA_OK;
    });
  }

  static int prepare(XID* xid, int rmid, long) {
    return call("prepare", "prepare ", xid, rmid, [](ScriptedRm& rm, const Xid&, Branch* branch) {
      if (branch == nullptr) return XAER_NOTA;
      if (branch->state != State::idle) {
        rm.violated("xa_prepare: the branch is not idle");
        return XAER_PROTO;
      }
      branch->state = State::prepared;
      return XA_OK;
    });
  }

  static int commit(XID* xid, int rmid, long flags) {
    const bool one_phase = (flags & TMONEPHASE) != 0;
    return call("commit", one_phase ? "commit(ONEPHASE) " : "commit ", xid, rmid,
                [&](ScriptedRm& rm, const Xid& x, Branch* branch) {
                  if (branch == nullptr) return XAER_NOTA;
                  if (branch->state == State::heuristic) return branch->heuristic;
                  if (branch->state != (one_phase ? State::idle : State::prepared)) {
                    rm.violated("xa_commit: the branch is in another state");
                    return XAER_PROTO;
                  }
                  rm.branches_.erase(x);
                  return XA_OK;
                });
  }

  static int rollback(XID* xid, int rmid, long) {
    return call("rollback", "rollback ", xid, rmid,
                [](ScriptedRm& rm, const Xid& x, Branch* branch) {
                  if (branch == nullptr) return XAER_NOTA;
                  if (branch->state == State::heuristic) return branch->heuristic;
                  if (branch->state == State::active || branch->state == State::suspended) {
                    rm.violated("xa_rollback: an association exists");
                    return XAER_PROTO;
                  }
                  rm.branches_.erase(x);
                  return XA_OK;
                });
  }

  static int forget(XID* xid, int rmid, long) {
    return call("forget", "forget ", xid, rmid, [](ScriptedRm& rm, const Xid& x, Branch* branch) {
      if (branch == nullptr) return XAER_NOTA;
      if (branch->state != State::heuristic) {
        rm.violated("xa_forget: not heuristically completed");
        return XAER_PROTO;
      }
      rm.branches_.erase(x);
      return XA_OK;
    });
  }

  static int recover(XID* xids, long count, int rmid, long flags) {
    ScriptedRm* rm = find(rmid);
    if (rm == nullptr) return XAER_PROTO;
    if (const int code = rm->enter("recover", "recover " + rm->name_, nullptr)) return code;
    const std::lock_guard lock(rm->mutex_);
    std::vector<Xid> all;
    for (const auto& [xid, branch] : rm->branches_) {
      const bool listed = branch.state == State::prepared || branch.state == State::heuristic;
      if (listed) all.push_back(xid);
    }
    std::size_t& cursor = rm->cursors_[std::this_thread::get_id()];
    if ((flags & TMSTARTRSCAN) != 0) cursor = 0;
    int n = 0;
    while (n < count && !all.empty() && (rm->endless_ || cursor < all.size())) {
      xids[n++] = all[cursor++ % all.size()].raw();
    }
    return n;
  }

  static int complete(int*, int*, int, long) { return XAER_PROTO; }
};

ScriptedRm::ScriptedRm(std::string name, CallLog& log, long switch_flags)
    : name_(std::move(name)),
      log_(log),
      switch_{"scripted",       switch_flags,      0,
              Entries::open,    Entries::close,    Entries::start,
              Entries::end,     Entries::rollback, Entries::prepare,
              Entries::commit,  Entries::recover,  Entries::forget,
              Entries::complete} {
  const std::lock_guard lock(registry_mutex);
  by_name[name_] = this;
}

ScriptedRm::~ScriptedRm() {
  const std::lock_guard lock(registry_mutex);
  by_name.erase(name_);
  std::erase_if(by_rmid, [&](const auto& entry) { return entry.second == this; });
}

xabridge::ResourceManagerConfig ScriptedRm::config() const {
  xabridge::ResourceManagerConfig config;
  config.name = name_;
  config.open = name_;
  config.xa_switch = &switch_;
  return config;
}

int ScriptedRm::rmid() const {
  const std::lock_guard lock(mutex_);
  return rmid_;
}

void ScriptedRm::answer(const std::string& entry, std::deque<int> codes) {
  const std::lock_guard lock(mutex_);
  script_[entry] = std::move(codes);
}

void ScriptedRm::during(const std::string& entry, std::function<void()> what) {
  const std::lock_guard lock(mutex_);
  during_[entry] = std::move(what);
}

void ScriptedRm::set_reachable(bool reachable) {
  const std::lock_guard lock(mutex_);
  reachable_ = reachable;
}

void ScriptedRm::set_endless_recover() {
  const std::lock_guard lock(mutex_);
  endless_ = true;
}

void ScriptedRm::add_prepared(const Xid& xid) {
  const std::lock_guard lock(mutex_);
  branches_[xid] = {State::prepared, 0, {}};
}

std::size_t ScriptedRm::branches() const {
  const std::lock_guard lock(mutex_);
  return branches_.size();
}

bool ScriptedRm::open_here() const {
  const std::lock_guard lock(mutex_);
  return open_.count(std::this_thread::get_id()) != 0;
}

std::size_t ScriptedRm::open_threads() const {
  const std::lock_guard lock(mutex_);
  return open_.size();
}

std::vector<std::string> ScriptedRm::violations() const {
  const std::lock_guard lock(mutex_);
  return violations_;
}

std::string ScriptedRm::work_begins(const XID& raw, int registered) {
  const std::lock_guard lock(mutex_);
  const auto xid = Xid::from(&raw);
  if (!xid) return "ax_reg gave no XID";
  const auto found = branches_.find(*xid);
  if (registered == TM_OK) {
    if (found != branches_.end()) return "ax_reg said a new branch, and gave one that exists";
    branches_[*xid] = {State::active, 0, std::this_thread::get_id()};
    return {};
  }
  if (found == branches_.end()) return "ax_reg said an existing branch, and gave an unknown XID";
  const State wanted = registered == TM_JOIN ? State::idle : State::suspended;
  if (found->second.state != wanted) return "ax_reg named a branch in another state";
  found->second.state = State::active;
  return {};
}

int ScriptedRm::scripted(const std::string& entry) {
  const std::lock_guard lock(mutex_);
  auto& codes = script_[entry];
  if (codes.empty()) return XA_OK;
  const int code = codes.front();
  codes.pop_front();
  return code;
}

/// With the lock held.
void ScriptedRm::violated(const std::string& what) { violations_.push_back(name_ + ": " + what); }

/// What every entry does first; XA_OK: go on.
int ScriptedRm::enter(const std::string& entry, const std::string& text, const XID* xid) {
  const auto parsed = Xid::from(xid);
  log_.add(text, parsed ? parsed->to_string() : std::string());
  std::function<void()> what;
  {
    const std::lock_guard lock(mutex_);
    if (open_.count(std::this_thread::get_id()) == 0) {
      violated(text + ": not open in this thread");
      return XAER_PROTO;
    }
    const auto found = during_.find(entry);
    if (found != during_.end()) what = found->second;
  }
  if (what) what();
  int code = scripted(entry);
  const std::lock_guard lock(mutex_);
  if (!reachable_) code = XAER_RMFAIL;
  if (code == XAER_RMFAIL) open_.erase(std::this_thread::get_id());
  return code;
}

/// What a scripted answer means for the branch.
void ScriptedRm::settle(const std::string& entry, int code, const Xid& xid) {
  const std::lock_guard lock(mutex_);
  const auto found = branches_.find(xid);
  if (found == branches_.end()) return;
  const bool rolled_back = code >= XA_RBBASE && code <= XA_RBEND;
  const bool unprepared =
      found->second.state != State::prepared && found->second.state != State::heuristic;
  if (is_heuristic(code)) {
    found->second = {State::heuristic, code, {}};
  } else if (entry == "end" && rolled_back) {
    found->second.state = State::idle;
  } else if ((rolled_back && entry != "start") || code == XAER_NOTA || code == XA_RDONLY ||
             (code == XAER_RMFAIL && unprepared) ||
             (code == XAER_RMERR && (entry == "commit" || entry == "rollback"))) {
    branches_.erase(found);
  }
}
