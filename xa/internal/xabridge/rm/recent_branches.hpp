// RecentBranches: what is known of branches, by XID. Bounded: nobody need ever say that a branch is
// gone, since another process may complete it; beyond `limit` the oldest entry goes.
//
// Not thread-safe: its owner has a lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>
#include <xabridge/xid.hpp>

namespace xabridge::rm {

template <class Known>
class RecentBranches {
 public:
  explicit RecentBranches(std::size_t limit) : limit_(limit) {}

  /// Null: nothing is known of it.
  [[nodiscard]] Known* find(const Xid& xid) {
    const auto entry = entries_.find(xid);
    return entry == entries_.end() ? nullptr : &entry->second.known;
  }
  [[nodiscard]] const Known* find(const Xid& xid) const {
    const auto entry = entries_.find(xid);
    return entry == entries_.end() ? nullptr : &entry->second.known;
  }
  /// Instead of what was known before; the youngest now.
  void set(const Xid& xid, Known known) {
    erase(xid);
    if (entries_.size() >= limit_) erase(Xid(by_age_.begin()->second));
    by_age_.emplace(next_, xid);
    entries_.emplace(xid, Entry{std::move(known), next_++});
  }
  void erase(const Xid& xid) {
    const auto entry = entries_.find(xid);
    if (entry == entries_.end()) return;
    by_age_.erase(entry->second.order);
    entries_.erase(entry);
  }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct Entry {
    Known known;
    std::uint64_t order;
  };

  const std::size_t limit_;
  std::uint64_t next_ = 0;
  std::unordered_map<Xid, Entry> entries_;
  std::map<std::uint64_t, Xid> by_age_;
};

}  // namespace xabridge::rm
