// Bookkeeping behind PreparedBranches.

#include "prepared_branches.hpp"

#include <utility>

namespace xabridge::postgresql {

void PreparedBranches::prepared(const Xid& xid, Origin origin) {
  const std::lock_guard lock(mutex_);
  if (const auto old = entries_.find(xid); old != entries_.end()) {
    by_age_.erase(old->second.order);
    entries_.erase(old);
  }
  add(xid, Entry{std::move(origin)});
}

void PreparedBranches::recorded(const Xid& xid, Origin origin) {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(xid);
  if (entry == entries_.end()) {
    add(xid, Entry{std::move(origin), 0, {1, 1}});
  } else {
    entry->second.origin.doubted |= origin.doubted;
  }
}

void PreparedBranches::doubted(const Xid& xid) {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(xid);
  if (entry != entries_.end()) entry->second.origin.doubted = true;
}

void PreparedBranches::add(const Xid& xid, Entry entry) {
  if (entries_.size() >= limit_) {
    entries_.erase(by_age_.begin()->second);
    by_age_.erase(by_age_.begin());
  }
  by_age_.emplace(next_, xid);
  entry.order = next_++;
  entries_.emplace(xid, std::move(entry));
}

std::optional<PreparedBranches::Known> PreparedBranches::sending(const Xid& xid, Final command) {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(xid);
  if (entry == entries_.end()) return std::nullopt;
  int& unanswered = entry->second.unanswered[static_cast<int>(command)];
  return Known{entry->second.origin, unanswered++ > 0};
}

void PreparedBranches::answered(const Xid& xid, Final command) {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(xid);
  if (entry == entries_.end()) return;
  int& unanswered = entry->second.unanswered[static_cast<int>(command)];
  if (unanswered > 0) --unanswered;  // none, if the XID was prepared anew in between
}

void PreparedBranches::finished(const Xid& xid) {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(xid);
  if (entry == entries_.end()) return;
  by_age_.erase(entry->second.order);
  entries_.erase(entry);
}

std::size_t PreparedBranches::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace xabridge::postgresql
