// Store: one directory as this process sees it: the branches that are not prepared yet, and the
// locks of their keys. Whatever is prepared or decided by hand is in the directory and nowhere
// else, so every process sees the same.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "directory.hpp"

namespace file_rm {

/// A branch that is not prepared (S1, S2, S4), or a local transaction.
struct Branch {
  struct Suspended {
    std::thread::id thread;
    int rmid;
    bool migrates;  // any thread may resume it
  };
  int active = 0;  // associations in T1
  std::vector<Suspended> suspended;
  bool rollback_only = false;
  long doom = 0;  // the directory's number when it began
  Values writes;
  std::set<off_t> locks;
};

class Store {
 public:
  /// The store of a directory; made at the first xa_open, kept until the process ends.
  static Store& of(const std::string& directory, bool sync);
  /// Nullptr: never opened here.
  static Store* known(const std::string& directory);

  /// xa_open. The number of this session's life: see Operation.
  long open();

  [[nodiscard]] const Directory& directory() const noexcept { return directory_; }

  /// One operation with everything locked. Throws Unavailable when the session is of a life that
  /// is over: the directory went away, or was restarted.
  class Operation {
   public:
    Operation(Store& store, long life);
    Store& store;

   private:
    std::unique_lock<std::mutex> mutex_;
    std::unique_ptr<Directory::Lock> lock_;
  };
  /// The directory failed in that life: what is not prepared is rolled back, every session is over.
  void lose(long life) noexcept;

  // --- Within an Operation.
  [[nodiscard]] Branch* find(const std::string& name);
  [[nodiscard]] bool doomed(Branch& branch) const;
  Branch& begin(const std::string& name);
  void drop(const std::string& name) noexcept;
  /// The thread ends: what it suspended for itself alone can never be resumed.
  void drop_suspended_of(std::thread::id thread, int rmid);
  [[nodiscard]] bool suspended_by(std::thread::id thread, int rmid) const;
  /// False: another branch has the key.
  [[nodiscard]] bool lock_key(const std::string& key, Branch& branch);

 private:
  explicit Store(std::string directory, bool sync) : directory_(std::move(directory), sync) {}
  void end_life() noexcept;

  Directory directory_;
  std::mutex mutex_;
  long life_ = 0;            // counts up when sessions are lost
  long session_number_ = 0;  // the directory's, when this life began
  int keys_ = -1;            // closing it releases every lock
  std::map<std::string, Branch> branches_;
  std::map<off_t, const Branch*> owners_;
};

}  // namespace file_rm
