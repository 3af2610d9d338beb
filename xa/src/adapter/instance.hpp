// Instance: what one rmid names in this process, shared by all threads that have it open.
//
// Owns, in this order, the server, the pools and the branches; ends with the last xa_close, which
// closes every connection and thereby rolls back what is not prepared. Thread-safe.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>
#include <xabridge/rm/session.hpp>

#include "branch.hpp"
#include "pool.hpp"

namespace xabridge::rm {

class Instance {
 public:
  Instance(std::unique_ptr<Server> server, std::string info, std::string name, std::string tag);

  [[nodiscard]] const std::string& info() const noexcept { return info_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::string& tag() const noexcept { return tag_; }
  [[nodiscard]] Server& server() noexcept { return *server_; }
  [[nodiscard]] Pool& pool() noexcept { return pool_; }
  [[nodiscard]] BranchTable& branches() noexcept { return branches_; }
  [[nodiscard]] bool prepares_at_end() const noexcept { return server_->prepares_at_end(); }

  /// A session that belongs to no branch, known to be alive just now: for recovery, for branches
  /// of other processes, and for prepared ones whose session was lost. Beside the pool, so that
  /// phase two never waits for the very branches it is to free.
  Result<Lease> control_session();

 private:
  std::unique_ptr<Server> server_;
  const std::string info_, name_, tag_;
  Pool pool_;
  Pool control_;
  BranchTable branches_;
};

/// The instances of one switch by rmid, and how many threads have each open.
class Registry {
 public:
  explicit Registry(Driver& driver) : driver_(driver) {}

  /// One more thread has it open. The first one parses `info` and connects; others arriving
  /// meanwhile wait for it. XAER_INVAL for a text the driver refuses or other than the open one's,
  /// XAER_RMERR.
  Result<std::shared_ptr<Instance>> open(int rmid, const std::string& info);
  /// One thread less; the last one ends the instance. Branches that were completed heuristically
  /// are kept for the next one with the same rmid and text: until xa_forget nobody may forget them.
  void close(int rmid, const std::shared_ptr<Instance>& instance);
  /// The open instance whatever the calling thread; null when there is none.
  [[nodiscard]] std::shared_ptr<Instance> find(int rmid);

  /// Name and tag of the next instance of rmid. False when it is open under others already.
  bool name(int rmid, std::string name, std::string tag);

 private:
  struct Entry {
    std::string info;
    std::shared_ptr<Instance> instance;  // null while the first thread connects
    std::size_t threads = 0;
  };
  struct Naming {
    std::string name, tag;
  };
  Result<std::shared_ptr<Instance>> connect(int rmid, const std::string& info);
  [[nodiscard]] Naming naming(int rmid);

  Driver& driver_;
  std::mutex mutex_;
  std::condition_variable connected_;
  std::map<int, Entry> entries_;   // guarded by mutex_
  std::map<int, Naming> namings_;  // guarded by mutex_
  std::map<std::pair<int, std::string>, std::vector<BranchTable::Heuristic>>
      heuristics_;  // guarded by mutex_; of instances that have ended
};

}  // namespace xabridge::rm
