// Bookkeeping behind PreparedBranches.

#include "prepared_branches.hpp"

#include <utility>

namespace xabridge::postgresql {

void PreparedBranches::prepared(const Xid& xid, Origin origin) {
  const std::lock_guard lock(mutex_);
  branches_.set(xid, Entry{std::move(origin)});
}

void PreparedBranches::recorded(const Xid& xid, Origin origin) {
  const std::lock_guard lock(mutex_);
  if (Entry* const entry = branches_.find(xid)) {
    entry->origin.doubted |= origin.doubted;
  } else {
    branches_.set(xid, Entry{std::move(origin), {1, 1}});
  }
}

void PreparedBranches::doubted(const Xid& xid) {
  const std::lock_guard lock(mutex_);
  if (Entry* const entry = branches_.find(xid)) entry->origin.doubted = true;
}

std::optional<PreparedBranches::Known> PreparedBranches::sending(const Xid& xid, Final command) {
  const std::lock_guard lock(mutex_);
  Entry* const entry = branches_.find(xid);
  if (entry == nullptr) return std::nullopt;
  return Known{entry->origin, entry->unanswered[static_cast<int>(command)]++ > 0};
}

void PreparedBranches::answered(const Xid& xid, Final command) {
  const std::lock_guard lock(mutex_);
  Entry* const entry = branches_.find(xid);
  if (entry == nullptr) return;
  int& unanswered = entry->unanswered[static_cast<int>(command)];
  if (unanswered > 0) --unanswered;  // none, if the XID was prepared anew in between
}

void PreparedBranches::finished(const Xid& xid) {
  const std::lock_guard lock(mutex_);
  branches_.erase(xid);
}

std::size_t PreparedBranches::size() const {
  const std::lock_guard lock(mutex_);
  return branches_.size();
}

}  // namespace xabridge::postgresql
