// Key locks are byte ranges of one file (fcntl): other processes see them, and they vanish with the
// process that held them. The position is a hash of the key: two keys may share one, which only
// refuses what could have been allowed.
#include "store.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

namespace file_rm {
namespace {

std::mutex stores_mutex;

std::map<std::string, Store*>& stores() {
  // Never destroyed: threads end in any order at the end of a process.
  static auto* all = new std::map<std::string, Store*>;
  return *all;
}

off_t position_of(const std::string& key) {
  constexpr std::size_t kRange = (std::size_t{1} << 40U) - 1;
  return static_cast<off_t>(std::hash<std::string>{}(key)&kRange);
}

bool lock_range(int file, off_t position, short type) {
  struct flock range {};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  range.l_start = position;
  range.l_len = 1;
  return ::fcntl(file, F_SETLK, &range) == 0;
}

}  // namespace

Store& Store::of(const std::string& directory, bool sync) {
  const std::lock_guard lock(stores_mutex);
  Store*& store = stores()[directory];
  if (store == nullptr) store = new Store(directory, sync);
  return *store;
}

Store* Store::known(const std::string& directory) {
  const std::lock_guard lock(stores_mutex);
  const auto found = stores().find(directory);
  return found == stores().end() ? nullptr : found->second;
}

long Store::open() {
  const std::lock_guard guard(mutex_);
  directory_.initialise();
  const Directory::Lock lock(directory_);
  if (directory_.number("session") != session_number_) end_life();
  session_number_ = directory_.number("session");
  if (keys_ < 0) keys_ = ::open((directory_.path() + "/keys").c_str(), O_RDWR | O_CLOEXEC);
  if (keys_ < 0) throw Failure{errno};
  return life_;
}

Store::Operation::Operation(Store& s, long life) : store(s), mutex_(s.mutex_) {
  if (s.life_ != life) throw Unavailable{};
  try {
    lock_ = std::make_unique<Directory::Lock>(s.directory_);
    if (s.directory_.number("session") != s.session_number_) throw Unavailable{};
  } catch (const Unavailable&) {
    s.end_life();
    throw;
  }
}

void Store::lose(long life) noexcept {
  const std::lock_guard guard(mutex_);
  if (life == life_) end_life();
}

void Store::end_life() noexcept {
  ++life_;
  branches_.clear();
  owners_.clear();
  if (keys_ >= 0) ::close(keys_);
  keys_ = -1;
}

Branch* Store::find(const std::string& name) {
  const auto found = branches_.find(name);
  return found == branches_.end() ? nullptr : &found->second;
}

bool Store::doomed(Branch& branch) const {
  if (branch.doom != directory_.number("doom")) branch.rollback_only = true;
  return branch.rollback_only;
}

Branch& Store::begin(const std::string& name) {
  Branch& branch = branches_[name];
  branch.doom = directory_.number("doom");
  return branch;
}

void Store::drop(const std::string& name) noexcept {
  const auto found = branches_.find(name);
  if (found == branches_.end()) return;
  for (const off_t position : found->second.locks) {
    owners_.erase(position);
    lock_range(keys_, position, F_UNLCK);
  }
  branches_.erase(found);
}

void Store::drop_suspended_of(std::thread::id thread, int rmid) {
  std::vector<std::string> orphans;
  for (const auto& [name, branch] : branches_) {
    for (const Branch::Suspended& s : branch.suspended) {
      if (s.thread == thread && s.rmid == rmid && !s.migrates) orphans.push_back(name);
    }
  }
  for (const std::string& name : orphans) drop(name);
}

bool Store::suspended_by(std::thread::id thread, int rmid) const {
  for (const auto& [name, branch] : branches_) {
    for (const Branch::Suspended& s : branch.suspended) {
      if (s.thread == thread && s.rmid == rmid) return true;
    }
  }
  return false;
}

bool Store::lock_key(const std::string& key, Branch& branch) {
  const off_t position = position_of(key);
  const auto owner = owners_.find(position);
  if (owner != owners_.end()) return owner->second == &branch;
  // Prepared branches hold their keys by being prepared: their process may be gone.
  for (const KeptBranch& kept : directory_.branches()) {
    if (kept.state == Kept::prepared && directory_.writes(kept).contains(key)) return false;
  }
  if (!lock_range(keys_, position, F_WRLCK)) return false;
  owners_[position] = &branch;
  branch.locks.insert(position);
  return true;
}

}  // namespace file_rm
