// Directory: the durable half of the file resource manager. Knows files and crashes, no XA.
//
//   lock            held (flock) for one operation; nobody reads or writes without it
//   session, doom   a number each: sessions and branches of an older number are lost, or doomed
//   busy            while it is there, commits are put off
//   data            every committed value, replaced as a whole: "<key> <value>\n", both in hex
//   keys            never written; byte ranges of it are locked for keys of unprepared branches
//   branch/<name>.<state>   the values a prepared branch writes, in the format of data
//
// A branch file is complete from its first moment (written elsewhere, synced, renamed), and every
// transition is one rename:
//
//   prepared -> committing -> (data replaced) -> removed           xa_commit
//   prepared -> removed                                            xa_rollback
//   prepared -> heurcommitting -> (data replaced) -> heurcom       decided by hand: commit
//   prepared -> heurrb                                             decided by hand: rollback
//
// Whoever takes the lock first replays "committing" and "heurcommitting" branches, so a process
// that dies between two steps leaves nothing but work that can be done twice. The branch's locks
// live as long as its file is in one of those states, so nobody can have written its keys since.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace file_rm {

using Values = std::map<std::string, std::string>;

/// The directory is not there (any more).
struct Unavailable {};
/// The file system refused something else; nothing visible has changed.
struct Failure {
  int error = 0;
};

enum class Kept { prepared, committing, heurcommitting, heurcom, heurrb };

struct KeptBranch {
  std::string name;
  Kept state;
};

class Directory {
 public:
  Directory(std::string path, bool sync) : path_(std::move(path)), sync_(sync) {}

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// Makes what xa_open finds missing in an existing directory.
  void initialise() const;

  /// Taken by every operation. Throws Unavailable.
  class Lock {
   public:
    explicit Lock(const Directory& directory);
    ~Lock();
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

   private:
    int file_;
  };

  // --- With the lock held.
  [[nodiscard]] long number(const char* file) const;
  void set_number(const char* file, long value) const;
  [[nodiscard]] bool busy() const;
  void set_busy(bool on) const;

  [[nodiscard]] Values data() const;
  /// Adds to the committed values; all of them or none.
  void apply(const Values& writes) const;
  /// Forgets every committed value.
  void clear() const;

  [[nodiscard]] std::vector<KeptBranch> branches() const;
  [[nodiscard]] std::optional<Kept> find(const std::string& name) const;
  [[nodiscard]] Values writes(const KeptBranch& branch) const;
  void prepare(const std::string& name, const Values& writes) const;
  void commit(const std::string& name) const;
  void remove(const std::string& name, Kept state) const;
  void decide(const std::string& name, bool commit) const;

 private:
  void replay() const;
  void move(const std::string& name, Kept from, Kept to) const;
  [[nodiscard]] std::string branch_file(const std::string& name, Kept state) const;
  [[nodiscard]] Values read_values(const std::string& file) const;
  void replace(const std::string& file, const std::string& text) const;
  void sync_folder(const std::string& folder) const;
  [[noreturn]] void fail(int error) const;

  std::string path_;
  bool sync_;
};

}  // namespace file_rm
