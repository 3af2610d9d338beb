// The switch entries. Checks in this order: flags and arguments, open or not, association, branch.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "file_rm.h"
#include "sessions.hpp"
#include "xid_name.hpp"

namespace file_rm {
namespace {

/// XAER_INVAL for bits the call does not know, XAER_ASYNC for the one this switch does not offer.
int check_flags(long flags, long allowed) {
  if ((flags & ~(allowed | TMASYNC)) != 0) return XAER_INVAL;
  if ((flags & TMASYNC) != 0) return XAER_ASYNC;
  return XA_OK;
}

/// "directory=/path sync=no"; nullopt for anything else.
struct OpenString {
  std::string directory;
  bool sync = true;
};
std::optional<OpenString> parse(const char* info) {
  if (info == nullptr || ::strnlen(info, MAXINFOSIZE) == MAXINFOSIZE) return std::nullopt;
  OpenString result;
  std::istringstream words(info);
  for (std::string word; words >> word;) {
    if (word.starts_with("directory=")) {
      result.directory = word.substr(std::strlen("directory="));
    } else if (word == "sync=yes" || word == "sync=no") {
      result.sync = word == "sync=yes";
    } else {
      return std::nullopt;
    }
  }
  if (result.directory.empty()) return std::nullopt;
  return result;
}

int open(bool dynamic, char* info, int rmid, long flags) noexcept {
  if (const int bad = check_flags(flags, TMNOFLAGS)) return bad;
  try {
    const auto open_string = parse(info);
    if (!open_string) return XAER_INVAL;
    Sessions* here = sessions();
    if (here == nullptr) return XAER_RMERR;
    if (here->find(rmid) != nullptr) {
      // Open already, unless that session is over without having noticed.
      const int alive =
          operate(rmid, XAER_PROTO, XAER_RMFAIL, [](Session&, Store&) { return XA_OK; });
      if (alive == XA_OK) return XA_OK;
    }
    Session session;
    session.store = &Store::of(open_string->directory, open_string->sync);
    session.dynamic = dynamic;
    session.life = session.store->open();
    here->add(rmid, std::move(session));
    return XA_OK;
  } catch (...) {
    return XAER_RMERR;
  }
}

int close(char*, int rmid, long flags) noexcept {
  if (const int bad = check_flags(flags, TMNOFLAGS)) return bad;
  const int answer = operate(rmid, XA_OK, XA_OK, [&](Session& session, Store& store) {
    if (!session.current.empty() || store.suspended_by(std::this_thread::get_id(), rmid)) {
      return XAER_PROTO;
    }
    store.drop(session.local);
    return XA_OK;
  });
  Sessions* here = sessions();
  if (answer == XA_OK && here != nullptr) here->remove(rmid);
  return answer;
}

int start(XID* xid, int rmid, long flags) noexcept {
  if ((flags & TMJOIN) != 0 && (flags & TMRESUME) != 0) return XAER_INVAL;
  if ((flags & TMNOWAIT) != 0 && (flags & TMASYNC) != 0) return XAER_INVAL;
  const auto name = name_of(xid);
  if (const int bad = check_flags(flags, TMJOIN | TMRESUME | TMNOWAIT)) return bad;
  if (!name) return XAER_INVAL;
  return operate(rmid, XAER_PROTO, XAER_RMFAIL, [&](Session& session, Store& store) {
    if (session.dynamic) return XAER_PROTO;
    if (!session.local.empty()) return XAER_OUTSIDE;
    if (!session.current.empty()) return XAER_PROTO;
    return start_branch(session, store, rmid, *name, flags);
  });
}

int end(XID* xid, int rmid, long flags) noexcept {
  const auto name = name_of(xid);
  const long how = flags & (TMSUCCESS | TMFAIL | TMSUSPEND);
  if (how != TMSUCCESS && how != TMFAIL && how != TMSUSPEND) return XAER_INVAL;
  if ((flags & TMMIGRATE) != 0 && how != TMSUSPEND) return XAER_INVAL;
  if (const int bad = check_flags(flags, TMSUCCESS | TMFAIL | TMSUSPEND | TMMIGRATE)) return bad;
  if (!name) return XAER_INVAL;
  return operate(rmid, XAER_PROTO, XAER_RMFAIL, [&](Session& session, Store& store) {
    Branch* branch = store.find(*name);
    if (branch == nullptr) {
      // A branch rolled back under our feet ends like one that never was.
      if (session.current == *name) session.current.clear();
      return store.directory().find(*name) ? XAER_PROTO : XAER_NOTA;
    }
    const auto mine = [&](const Branch::Suspended& s) {
      return s.thread == std::this_thread::get_id() && s.rmid == rmid;
    };
    const auto suspended = std::find_if(branch->suspended.begin(), branch->suspended.end(), mine);
    if (session.current == *name) {
      session.current.clear();
      --branch->active;
    } else if (suspended != branch->suspended.end() && how != TMSUSPEND) {
      branch->suspended.erase(suspended);
    } else {
      return XAER_PROTO;
    }
    if (store.doomed(*branch)) return XA_RBDEADLOCK;
    if (how == TMSUSPEND) {
      branch->suspended.push_back({std::this_thread::get_id(), rmid, (flags & TMMIGRATE) != 0});
    }
    if (how != TMFAIL) return XA_OK;
    branch->rollback_only = true;
    return XA_RBROLLBACK;
  });
}

bool associated(const Branch& branch) { return branch.active != 0 || !branch.suspended.empty(); }

/// The deferred constraint of file_rm.h.
bool valid(const Values& writes) {
  return std::all_of(writes.begin(), writes.end(), [](const auto& item) {
    if (!item.first.starts_with("positive.")) return true;
    char* rest = nullptr;
    const long number = std::strtol(item.second.c_str(), &rest, 10);
    return rest != item.second.c_str() && *rest == '\0' && number >= 0;
  });
}

int prepare(XID* xid, int rmid, long flags) noexcept {
  if (const int bad = check_flags(flags, TMNOFLAGS)) return bad;
  const auto name = name_of(xid);
  if (!name) return XAER_INVAL;
  return operate(rmid, XAER_PROTO, XAER_RMFAIL, [&](Session&, Store& store) {
    Branch* branch = store.find(*name);
    if (branch == nullptr) return store.directory().find(*name) ? XAER_PROTO : XAER_NOTA;
    if (associated(*branch)) return XAER_PROTO;
    int answer = XA_OK;
    if (store.doomed(*branch)) {
      answer = XA_RBDEADLOCK;
    } else if (!valid(branch->writes)) {
      answer = XA_RBINTEGRITY;
    } else if (branch->writes.empty()) {
      answer = XA_RDONLY;
    } else {
      store.directory().prepare(*name, branch->writes);
    }
    // From here on the directory holds the branch, and its locks, or nobody does.
    store.drop(*name);
    return answer;
  });
}

int heuristic_code(Kept state) { return state == Kept::heurcom ? XA_HEURCOM : XA_HEURRB; }

int commit_one_phase(Store& store, const std::string& name) {
  Branch* branch = store.find(name);
  if (branch == nullptr) {
    const auto kept = store.directory().find(name);
    if (!kept) return XAER_NOTA;
    return *kept == Kept::prepared ? XAER_PROTO : heuristic_code(*kept);
  }
  if (associated(*branch)) return XAER_PROTO;
  int answer = XA_OK;
  if (store.doomed(*branch)) {
    answer = XA_RBDEADLOCK;
  } else if (!valid(branch->writes)) {
    answer = XA_RBINTEGRITY;
  } else if (!branch->writes.empty()) {
    store.directory().apply(branch->writes);
  }
  store.drop(name);
  return answer;
}

int commit(XID* xid, int rmid, long flags) noexcept {
  if ((flags & TMNOWAIT) != 0 && (flags & TMASYNC) != 0) return XAER_INVAL;
  if (const int bad = check_flags(flags, TMNOWAIT | TMONEPHASE)) return bad;
  const auto name = name_of(xid);
  if (!name) return XAER_INVAL;
  return operate(rmid, XAER_PROTO, XAER_RMFAIL, [&](Session&, Store& store) {
    if ((flags & TMONEPHASE) != 0) return commit_one_phase(store, *name);
    if (store.find(*name) != nullptr) return XAER_PROTO;
    const auto kept = store.directory().find(*name);
    if (!kept) return XAER_NOTA;
    if (*kept != Kept::prepared) return heuristic_code(*kept);
    if (store.directory().busy()) return XA_RETRY;
    store.directory().commit(*name);
    return XA_OK;
  });
}

int rollback(XID* xid, int rmid, long flags) noexcept {
  if (const int bad = check_flags(flags, TMNOFLAGS)) return bad;
  const auto name = name_of(xid);
  if (!name) return XAER_INVAL;
  return operate(rmid, XAER_PROTO, XAER_RMFAIL, [&](Session&, Store& store) {
    if (const Branch* branch = store.find(*name)) {
      if (associated(*branch)) return XAER_PROTO;
      store.drop(*name);
      return XA_OK;
    }
    const auto kept = store.directory().find(*name);
    if (!kept) return XAER_NOTA;
    if (*kept != Kept::prepared) return heuristic_code(*kept);
    store.directory().remove(*name, Kept::prepared);
    return XA_OK;
  });
}

int forget(XID* xid, int rmid, long flags) noexcept {
  if (const int bad = check_flags(flags, TMNOFLAGS)) return bad;
  const auto name = name_of(xid);
  if (!name) return XAER_INVAL;
  return operate(rmid, XAER_PROTO, XAER_RMFAIL, [&](Session&, Store& store) {
    const auto kept = store.directory().find(*name);
    if (!kept && store.find(*name) == nullptr) return XAER_NOTA;
    if (kept != Kept::heurcom && kept != Kept::heurrb) return XAER_PROTO;
    store.directory().remove(*name, *kept);
    return XA_OK;
  });
}

int recover(XID* xids, long count, int rmid, long flags) noexcept {
  if ((flags & ~(TMSTARTRSCAN | TMENDRSCAN)) != 0) return XAER_INVAL;
  if (count < 0 || (count > 0 && xids == nullptr)) return XAER_INVAL;
  return operate(rmid, XAER_PROTO, XAER_RMFAIL, [&](Session& session, Store& store) {
    if ((flags & TMSTARTRSCAN) != 0) {
      session.scan.clear();
      session.scanned = 0;
      session.scanning = true;
      for (const KeptBranch& branch : store.directory().branches()) {
        if (const auto xid = xid_of(branch.name)) session.scan.push_back(*xid);
      }
    }
    if (!session.scanning) return XAER_INVAL;
    int n = 0;
    while (n < count && session.scanned < session.scan.size()) {
      xids[n++] = session.scan[session.scanned++];
    }
    if ((flags & TMENDRSCAN) != 0) session.scanning = false;
    return n;
  });
}

int complete(int* handle, int* retval, int, long flags) noexcept {
  if (handle == nullptr || retval == nullptr) return XAER_INVAL;
  return (flags & ~(TMMULTIPLE | TMNOWAIT)) != 0 ? XAER_INVAL : XAER_PROTO;
}

int open_static(char* info, int rmid, long flags) { return open(false, info, rmid, flags); }
int open_dynamic(char* info, int rmid, long flags) { return open(true, info, rmid, flags); }

}  // namespace
}  // namespace file_rm

extern "C" {

struct xa_switch_t file_rm_switch = {
    "file_rm",
    TMNOFLAGS,
    0,
    file_rm::open_static,
    file_rm::close,
    file_rm::start,
    file_rm::end,
    file_rm::rollback,
    file_rm::prepare,
    file_rm::commit,
    file_rm::recover,
    file_rm::forget,
    file_rm::complete,
};

struct xa_switch_t file_rm_switch_dynamic = {
    "file_rm_dynamic",     TMREGISTER,        0,
    file_rm::open_dynamic, file_rm::close,    file_rm::start,
    file_rm::end,          file_rm::rollback, file_rm::prepare,
    file_rm::commit,       file_rm::recover,  file_rm::forget,
    file_rm::complete,
};

struct xa_switch_t* file_rm_get_switch(void) {
  return &file_rm_switch;
}
}
