// The interface for work and the operator's view, as file_rm.h has them.
#include <algorithm>
#include <cstring>
#include <utility>

#include "file_rm.h"
#include "sessions.hpp"
#include "xid_name.hpp"

namespace file_rm {
namespace {

void copy_out(const std::string& text, char* value, long size) {
  const std::size_t n = std::min(text.size(), static_cast<std::size_t>(size) - 1);
  std::memcpy(value, text.data(), n);
  value[n] = '\0';
}

int begin_local(Session& session, Store& store) {
  static long last = 0;  // under the store's mutex; a name is only compared within one store
  session.local = "local " + std::to_string(++last) + " " + store.directory().path();
  store.begin(session.local);
  return FILE_RM_OK;
}

/// Registers the work with the transaction manager. Called without any lock: it may call back.
int register_work(int rmid) noexcept {
  XID xid{};
  const int said = call_ax_reg(rmid, &xid);
  if (said < 0) return FILE_RM_REFUSED;
  return operate(rmid, FILE_RM_INVALID, FILE_RM_LOST, [&](Session& session, Store& store) {
    if (said == TM_OK && xid.formatID == -1) {
      session.unregister = true;
      return begin_local(session, store);
    }
    const auto name = name_of(&xid);
    if (!name) return FILE_RM_REFUSED;
    const long flags = said == TM_JOIN ? TMJOIN : said == TM_RESUME ? TMRESUME : TMNOFLAGS;
    return start_branch(session, store, rmid, *name, flags) == XA_OK ? FILE_RM_OK : FILE_RM_REFUSED;
  });
}

/// Runs `work(branch, store)` on the branch, or local transaction, of this thread, holding `key`.
template <class Work>
int in_branch(int rmid, const char* key, Work work) noexcept {
  if (key == nullptr) return FILE_RM_INVALID;
  Sessions* all = sessions();
  const Session* here = all == nullptr ? nullptr : all->find(rmid);
  if (here != nullptr && here->dynamic && here->current.empty() && here->local.empty()) {
    if (const int refused = register_work(rmid)) return refused;
  }
  return operate(rmid, FILE_RM_INVALID, FILE_RM_LOST, [&](Session& session, Store& store) {
    Branch* branch = store.find(session.current.empty() ? session.local : session.current);
    if (branch == nullptr) return FILE_RM_NO_WORK;
    if (store.doomed(*branch)) return FILE_RM_DOOMED;
    if (!store.lock_key(key, *branch)) return FILE_RM_LOCKED;
    return work(*branch, store);
  });
}

int end_local(int rmid, bool commit) noexcept {
  bool unregister = false;
  const int answer =
      operate(rmid, FILE_RM_INVALID, FILE_RM_LOST, [&](Session& session, Store& store) {
        Branch* branch = session.local.empty() ? nullptr : store.find(session.local);
        if (branch == nullptr) return FILE_RM_NO_WORK;
        int result = FILE_RM_OK;
        if (commit && store.doomed(*branch)) {
          result = FILE_RM_DOOMED;
        } else if (commit && !branch->writes.empty()) {
          store.directory().apply(branch->writes);
        }
        store.drop(session.local);
        session.local.clear();
        unregister = std::exchange(session.unregister, false);
        return result;
      });
  if (unregister) call_ax_unreg(rmid);
  return answer;
}

/// Runs `work(directory)` for somebody who has nothing open.
template <class Work>
auto outside(const char* path, Work work) noexcept -> decltype(work(Directory("", true))) {
  if (path == nullptr) return FILE_RM_INVALID;
  try {
    const Directory directory(path, true);
    const Directory::Lock lock(directory);
    return work(directory);
  } catch (const Unavailable&) {
    return FILE_RM_LOST;
  } catch (...) {
    return FILE_RM_FAILED;
  }
}

int count_up(const char* path, const char* file) noexcept {
  return outside(path, [&](const Directory& directory) {
    directory.set_number(file, directory.number(file) + 1);
    return FILE_RM_OK;
  });
}

template <class Predicate>
long count(const char* path, Predicate predicate) noexcept {
  return outside(path, [&](const Directory& directory) {
    const auto branches = directory.branches();
    return static_cast<long>(std::count_if(branches.begin(), branches.end(), predicate));
  });
}

}  // namespace
}  // namespace file_rm

extern "C" {

int file_rm_rmid(const char* directory) {
  const file_rm::Sessions* here = file_rm::sessions();
  return directory == nullptr || here == nullptr ? -1 : here->rmid_of(directory);
}

int file_rm_put(int rmid, const char* key, const char* value) {
  if (value == nullptr) return FILE_RM_INVALID;
  return file_rm::in_branch(rmid, key, [&](file_rm::Branch& branch, file_rm::Store&) {
    branch.writes[key] = value;
    return FILE_RM_OK;
  });
}

int file_rm_get(int rmid, const char* key, char* value, long size) {
  if (value == nullptr || size < 1) return FILE_RM_INVALID;
  return file_rm::in_branch(rmid, key, [&](file_rm::Branch& branch, file_rm::Store& store) {
    // What the branch wrote itself hides what is committed.
    file_rm::Values values = branch.writes;
    values.merge(store.directory().data());
    const auto found = values.find(key);
    if (found == values.end()) return FILE_RM_NOT_FOUND;
    file_rm::copy_out(found->second, value, size);
    return FILE_RM_OK;
  });
}

int file_rm_begin(int rmid) {
  return file_rm::operate(rmid, FILE_RM_INVALID, FILE_RM_LOST,
                          [](file_rm::Session& session, file_rm::Store& store) {
                            if (!session.current.empty() || !session.local.empty()) {
                              return FILE_RM_INVALID;
                            }
                            return file_rm::begin_local(session, store);
                          });
}

int file_rm_commit(int rmid) { return file_rm::end_local(rmid, true); }
int file_rm_rollback(int rmid) { return file_rm::end_local(rmid, false); }

int file_rm_read(const char* directory, const char* key, char* value, long size) {
  if (key == nullptr || value == nullptr || size < 1) return FILE_RM_INVALID;
  return file_rm::outside(directory, [&](const file_rm::Directory& d) {
    const file_rm::Values data = d.data();
    const auto found = data.find(key);
    if (found == data.end()) return FILE_RM_NOT_FOUND;
    file_rm::copy_out(found->second, value, size);
    return FILE_RM_OK;
  });
}

long file_rm_decide(const char* directory, const XID* xid, int commit) {
  return file_rm::outside(directory, [&](const file_rm::Directory& d) -> long {
    const auto only = file_rm::name_of(xid);
    if (xid != nullptr && !only) return FILE_RM_INVALID;
    long decided = 0;
    for (const file_rm::KeptBranch& branch : d.branches()) {
      if (branch.state != file_rm::Kept::prepared || (only && branch.name != *only)) continue;
      d.decide(branch.name, commit != 0);
      ++decided;
    }
    return decided;
  });
}

long file_rm_prepared(const char* directory) {
  return file_rm::count(directory, [](const file_rm::KeptBranch& branch) {
    return branch.state == file_rm::Kept::prepared;
  });
}

long file_rm_decided(const char* directory) {
  return file_rm::count(directory, [](const file_rm::KeptBranch& branch) {
    return branch.state != file_rm::Kept::prepared;
  });
}

int file_rm_native(const char* directory, int on) {
  return file_rm::outside(directory, [&](const file_rm::Directory& d) {
    if (on != 0) {
      d.prepare("backup of monday", {{"native", "1"}});
    } else {
      d.remove("backup of monday", file_rm::Kept::prepared);
    }
    return FILE_RM_OK;
  });
}

int file_rm_clear(const char* directory) {
  return file_rm::outside(directory, [&](const file_rm::Directory& d) {
    for (const file_rm::KeptBranch& branch : d.branches()) d.remove(branch.name, branch.state);
    d.clear();
    return FILE_RM_OK;
  });
}

int file_rm_restart(const char* directory) { return file_rm::count_up(directory, "session"); }
int file_rm_doom(const char* directory) { return file_rm::count_up(directory, "doom"); }

int file_rm_busy(const char* directory, int on) {
  return file_rm::outside(directory, [&](const file_rm::Directory& d) {
    d.set_busy(on != 0);
    return FILE_RM_OK;
  });
}
}
