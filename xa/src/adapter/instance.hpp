// Instance: what one rmid names in this process, shared by all threads that have it open.
//
// Owns, in this order, the server, the pools and the branches; ends with the last xa_close, which
// closes every connection and thereby rolls back what is not prepared. Thread-safe.
#pragma once

#include <chrono>
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

/// What an instance that ends leaves to the next one of the same rmid, text and names: its server
/// and its idle sessions. No branch is in them.
struct Legacy {
  std::shared_ptr<Server> server;
  Pool::Clock::time_point valid_since = Pool::Clock::time_point::min();  // see Connector
  std::vector<Pool::Idle> sessions, control;
};

class Instance {
 public:
  Instance(Legacy legacy, Upkeep& upkeep, std::string info, std::string name, std::string tag);

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

  /// Its server no longer is what it was: sessions made until now are not used again.
  void renew() noexcept { connector_.renew(); }
  /// See Pool::take_expired().
  void take_expired(Pool::Clock::time_point now, std::vector<Pool::Idle>& expired,
                    Pool::Clock::time_point& next);
  /// Sessions that are still lent are closed when they come back.
  [[nodiscard]] Legacy leave() noexcept;

 private:
  std::shared_ptr<Server> server_;
  const std::string info_, name_, tag_;
  Connector connector_;
  Pool pool_;
  Pool control_;
  BranchTable branches_;
};

/// The instances of one switch by rmid, and how many threads have each open.
class Registry {
 public:
  explicit Registry(Driver& driver)
      : driver_(driver), upkeep_([this] { return sweep(); }) {}

  /// One more thread has it open. The first one parses `info` and connects; others arriving
  /// meanwhile wait for it and share its failure. XAER_INVAL for a text the driver refuses or other
  /// than the open one's, XAER_RMERR.
  Result<std::shared_ptr<Instance>> open(int rmid, const std::string& info);
  /// One thread less; the last one ends the instance. Branches that were completed heuristically
  /// are kept for the next one with the same rmid and text: until xa_forget nobody may forget them.
  /// So are idle sessions, as long as keep_sessions() says.
  void close(int rmid, const std::shared_ptr<Instance>& instance);
  /// The open instance whatever the calling thread; null when there is none.
  [[nodiscard]] std::shared_ptr<Instance> find(int rmid);

  /// Idle sessions of rmid outlive its last xa_close by `time`. Zero ends what is kept at once.
  void keep_sessions(int rmid, std::chrono::milliseconds time);

  /// Name and tag of the next instance of rmid. False when it is open under others already.
  bool name(int rmid, std::string name, std::string tag);

 private:
  using Clock = Pool::Clock;
  struct Entry {
    std::string info;
    std::shared_ptr<Instance> instance;  // null while the first thread connects
    std::size_t threads = 0;
    std::shared_ptr<Attempt> opening = std::make_shared<Attempt>();
  };
  struct Naming {
    std::string name, tag;
  };
  struct Kept {
    std::string info, name, tag;
    Legacy legacy;
    Clock::time_point until;
  };
  using Lock = std::unique_lock<std::mutex>;

  /// The open instance, or whose attempt to open it is to be waited for; neither: our turn.
  Result<std::shared_ptr<Instance>> join(Lock& lock, int rmid, const std::string& info);
  Result<std::shared_ptr<Instance>> connect(int rmid, const std::string& info);
  [[nodiscard]] Naming naming(int rmid);
  /// What the last instance of rmid has left, if it was opened with the same text and names.
  [[nodiscard]] Legacy kept_for(int rmid, const std::string& info, const Naming& naming);
  /// Closes what has expired; says when there will be more.
  Clock::time_point sweep();

  Driver& driver_;
  Upkeep upkeep_;
  std::mutex mutex_;
  std::map<int, Entry> entries_;                      // guarded by mutex_
  std::map<int, Naming> namings_;                     // guarded by mutex_
  std::map<int, std::chrono::milliseconds> keeping_;  // guarded by mutex_
  std::map<int, Kept> kept_;                          // guarded by mutex_
  std::map<std::pair<int, std::string>, std::vector<BranchTable::Heuristic>>
      heuristics_;  // guarded by mutex_; of instances that have ended
};

}  // namespace xabridge::rm
