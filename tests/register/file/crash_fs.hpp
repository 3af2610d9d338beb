// CrashFs: a file system in memory that knows what was synced.
//
// What a program writes is in the cache at once and on the disk when File::sync() (bytes) or
// sync_directory() (names) has returned. lose_power() throws the cache away: each write not synced
// is, by the seed, kept, dropped, cut, garbled or done for some sectors only, in any order; names
// not synced survive up to some point or each on its own. What the log must survive is every
// outcome of this.
//
// crash_at(n): the n-th operation that changes something is begun and never returns well; every
// later one fails without effect, until lose_power() or kill_process() starts the machine or the
// process again. A sync that fails (see `fault`) leaves its writes in the cache but never brings
// them to the disk.
//
// Directories are durable when made, as FileSystem::create_directories promises.
#pragma once

#include <environment.hpp>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace xabridge::test {

class CrashFs final : public tm::FileSystem {
 public:
  CrashFs();
  ~CrashFs() override;

  /// What locks here are identified by: another value is another boot or machine.
  tm::LockIdentity machine{1};

  Result<std::unique_ptr<tm::File>> open(const std::filesystem::path& path,
                                         tm::OpenMode mode) override;
  Result<void> create_directories(const std::filesystem::path& path) override;
  Result<std::vector<std::string>> list(const std::filesystem::path& directory) override;
  Result<bool> exists(const std::filesystem::path& path) override;
  Result<void> rename(const std::filesystem::path& from, const std::filesystem::path& to) override;
  Result<void> remove(const std::filesystem::path& path) override;
  Result<void> sync_directory(const std::filesystem::path& path) override;
  Result<std::unique_ptr<tm::FileLock>> try_lock(const std::filesystem::path& path) override;
  Result<bool> is_locked(const std::filesystem::path& path) override;

  /// Changing operations begun so far.
  [[nodiscard]] std::uint64_t operations() const;
  /// Which of them were renames.
  [[nodiscard]] std::vector<std::uint64_t> renames() const;
  [[nodiscard]] std::uint64_t syncs() const;
  void crash_at(std::uint64_t operation);
  [[nodiscard]] bool crashed() const;
  void lose_power(unsigned seed);
  /// The cache survives, locks and open files do not.
  void kill_process();
  /// Locks are free, and their holders do not know: as a network file system may.
  void forget_locks();

  /// Asked before each operation ("open", "write", "sync", "rename", "remove", "sync directory",
  /// "lock"); an errno makes it fail. A write that fails has written its first half. Set while
  /// nothing runs.
  std::function<int(const std::string& operation, const std::filesystem::path& path)> fault;
  /// Called during each File::sync() with what was last written to the file, outside of any lock.
  std::function<void(const std::string& last_write)> during_sync;

  /// The bytes of a file, as read from the cache; change() writes them to cache and disk.
  [[nodiscard]] std::string contents(const std::filesystem::path& path) const;
  void change(const std::filesystem::path& path, const std::string& contents);
  /// Paths of all files.
  [[nodiscard]] std::vector<std::string> files() const;

 private:
  class OpenFile;
  class HeldLock;
  struct Change {
    std::uint64_t offset;
    std::string bytes;
    bool truncate;
  };
  struct Inode {
    std::string cache;
    std::string disk;
    std::vector<Change> pending;
  };
  using Names = std::map<std::string, std::shared_ptr<Inode>>;
  struct NameChange {
    std::string directory;
    std::string removed;  // empty: none
    std::string added;    // empty: none
    std::shared_ptr<Inode> inode;
  };

  static void apply(const Change& change, std::string& to);
  static void apply(const NameChange& change, Names& to);
  [[nodiscard]] bool names(const std::filesystem::path& path,
                           const std::shared_ptr<Inode>& inode) const;
  Result<void> begin(const char* operation, const std::filesystem::path& path);
  void rename_in_cache(NameChange change);
  void destroy_unsynced(Inode& inode, std::mt19937& random);
  void restart();

  mutable std::mutex mutex_;
  Names cache_;
  Names disk_;
  std::vector<NameChange> pending_names_;
  std::set<std::string> directories_;
  std::set<std::shared_ptr<Inode>> locked_;
  std::uint64_t generation_ = 0;
  std::uint64_t operations_ = 0;
  std::vector<std::uint64_t> renames_;
  std::uint64_t syncs_ = 0;
  std::uint64_t crash_at_ = 0;
  bool crashed_ = false;
};

}  // namespace xabridge::test
