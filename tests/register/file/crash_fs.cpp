// The cache, the disk, and what happens to the difference.

#include "crash_fs.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace xabridge::test {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSector = 512;

Error failure(const std::string& operation, const fs::path& path, int code) {
  Error error;
  error.operation = operation;
  error.sys_errno = code;
  error.message = "cannot " + operation + " " + path.string() + ": " + std::strerror(code);
  return error;
}

std::string parent(const std::string& path) { return fs::path(path).parent_path().string(); }

}  // namespace

class CrashFs::OpenFile final : public tm::File {
 public:
  OpenFile(CrashFs& files, std::shared_ptr<Inode> inode, fs::path path)
      : files_(files),
        inode_(std::move(inode)),
        path_(std::move(path)),
        generation_(files.generation_) {}

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> buffer) override {
    const std::lock_guard guard(files_.mutex_);
    if (stale()) return failure("read", path_, EIO);
    const std::string& bytes = inode_->cache;
    if (offset >= bytes.size()) return std::size_t{0};
    const std::size_t size = std::min<std::size_t>(buffer.size(), bytes.size() - offset);
    std::memcpy(buffer.data(), bytes.data() + offset, size);
    return size;
  }

  Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    const std::lock_guard guard(files_.mutex_);
    if (stale()) return failure("write", path_, EIO);
    std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const bool alive = !files_.crashed_;
    auto begun = files_.begin("write", path_);
    if (!begun && !files_.crashed_) text.resize(text.size() / 2);
    if (alive) change({offset, std::move(text), false});
    return begun;
  }

  Result<void> sync() override {
    if (files_.during_sync) {
      std::string last_write;
      {
        const std::lock_guard guard(files_.mutex_);
        if (!inode_->pending.empty()) last_write = inode_->pending.back().bytes;
      }
      files_.during_sync(last_write);
    }
    const std::lock_guard guard(files_.mutex_);
    if (stale()) return failure("sync", path_, EIO);
    ++files_.syncs_;
    auto begun = files_.begin("sync", path_);
    if (files_.crashed_) return begun;
    if (begun)
      for (const Change& change : inode_->pending) apply(change, inode_->disk);
    inode_->pending.clear();
    return begun;
  }

  Result<std::uint64_t> size() override {
    const std::lock_guard guard(files_.mutex_);
    if (stale()) return failure("examine", path_, EIO);
    return static_cast<std::uint64_t>(inode_->cache.size());
  }

  Result<bool> is_at(const fs::path& path) override {
    const std::lock_guard guard(files_.mutex_);
    return files_.names(path, inode_);
  }

  Result<void> truncate(std::uint64_t size) override {
    const std::lock_guard guard(files_.mutex_);
    if (stale()) return failure("truncate", path_, EIO);
    const bool alive = !files_.crashed_;
    auto begun = files_.begin("truncate", path_);
    if (alive && (begun || files_.crashed_)) change({size, {}, true});
    return begun;
  }

 private:
  [[nodiscard]] bool stale() const { return generation_ != files_.generation_; }
  void change(Change change) {
    apply(change, inode_->cache);
    inode_->pending.push_back(std::move(change));
  }

  CrashFs& files_;
  std::shared_ptr<Inode> inode_;
  fs::path path_;
  std::uint64_t generation_;
};

class CrashFs::HeldLock final : public tm::FileLock {
 public:
  HeldLock(CrashFs& files, std::shared_ptr<Inode> inode)
      : files_(files), inode_(std::move(inode)), generation_(files.generation_) {}
  ~HeldLock() override {
    const std::lock_guard guard(files_.mutex_);
    if (generation_ == files_.generation_) files_.locked_.erase(inode_);
  }
  Result<bool> is_at(const fs::path& path) override {
    const std::lock_guard guard(files_.mutex_);
    return files_.names(path, inode_);
  }
  [[nodiscard]] tm::LockIdentity identity() const noexcept override {
    tm::LockIdentity identity = files_.machine;
    const Inode* const inode = inode_.get();
    if (identity != tm::LockIdentity{}) std::memcpy(&identity[16], &inode, sizeof inode);
    return identity;
  }

 private:
  CrashFs& files_;
  std::shared_ptr<Inode> inode_;
  std::uint64_t generation_;
};

bool CrashFs::names(const fs::path& path, const std::shared_ptr<Inode>& inode) const {
  const auto found = cache_.find(path.string());
  return found != cache_.end() && found->second == inode;
}

CrashFs::CrashFs() : directories_{"", "/"} {}
CrashFs::~CrashFs() = default;

void CrashFs::apply(const Change& change, std::string& to) {
  if (change.truncate) {
    to.resize(change.offset, '\0');
    return;
  }
  if (to.size() < change.offset + change.bytes.size())
    to.resize(change.offset + change.bytes.size(), '\0');
  to.replace(change.offset, change.bytes.size(), change.bytes);
}

void CrashFs::apply(const NameChange& change, Names& to) {
  if (!change.removed.empty()) {
    const auto found = to.find(change.removed);
    if (found != to.end() && found->second == change.inode) to.erase(found);
  }
  if (!change.added.empty()) to[change.added] = change.inode;
}

// Counts the operation; an Error when it fails, be it by `fault` or because the power goes.
Result<void> CrashFs::begin(const char* operation, const fs::path& path) {
  if (crashed_) return failure(operation, path, EIO);
  if (++operations_ == crash_at_) {
    crashed_ = true;
    return failure(operation, path, EIO);
  }
  const int code = fault ? fault(operation, path) : 0;
  if (code != 0) return failure(operation, path, code);
  return {};
}

void CrashFs::rename_in_cache(NameChange change) {
  apply(change, cache_);
  pending_names_.push_back(std::move(change));
}

Result<std::unique_ptr<tm::File>> CrashFs::open(const fs::path& path, tm::OpenMode mode) {
  const std::lock_guard guard(mutex_);
  const auto found = cache_.find(path.string());
  std::shared_ptr<Inode> inode;
  if (mode == tm::OpenMode::create_new) {
    if (found != cache_.end()) return failure("create", path, EEXIST);
    if (!directories_.contains(parent(path.string()))) return failure("create", path, ENOENT);
    const bool alive = !crashed_;
    auto begun = begin("open", path);
    if (!begun && !(alive && crashed_)) return begun.error();
    inode = std::make_shared<Inode>();
    rename_in_cache({parent(path.string()), "", path.string(), inode});
    if (!begun) return begun.error();
  } else {
    if (crashed_) return failure("open", path, EIO);
    if (found == cache_.end()) return failure("open", path, ENOENT);
    if (const int code = fault ? fault("open", path) : 0; code != 0)
      return failure("open", path, code);
    inode = found->second;
  }
  return std::unique_ptr<tm::File>(std::make_unique<OpenFile>(*this, inode, path));
}

Result<void> CrashFs::create_directories(const fs::path& path) {
  const std::lock_guard guard(mutex_);
  if (crashed_) return failure("create directory", path, EIO);
  fs::path made;
  for (const fs::path& part : path) {
    made /= part;
    directories_.insert(made.string());
  }
  return {};
}

Result<std::vector<std::string>> CrashFs::list(const fs::path& directory) {
  const std::lock_guard guard(mutex_);
  if (crashed_) return failure("list", directory, EIO);
  if (!directories_.contains(directory.string())) return failure("list", directory, ENOENT);
  std::vector<std::string> names;
  for (const auto& [path, inode] : cache_)
    if (parent(path) == directory.string()) names.push_back(fs::path(path).filename().string());
  for (const std::string& path : directories_)
    if (path.size() > 1 && parent(path) == directory.string())
      names.push_back(fs::path(path).filename().string());
  return names;
}

Result<bool> CrashFs::exists(const fs::path& path) {
  const std::lock_guard guard(mutex_);
  if (crashed_) return failure("examine", path, EIO);
  return cache_.contains(path.string()) || directories_.contains(path.string());
}

Result<void> CrashFs::rename(const fs::path& from, const fs::path& to) {
  const std::lock_guard guard(mutex_);
  const auto found = cache_.find(from.string());
  if (crashed_) return failure("rename", from, EIO);
  if (found == cache_.end()) return failure("rename", from, ENOENT);
  auto begun = begin("rename", to);
  renames_.push_back(operations_);
  if (begun || crashed_)
    rename_in_cache({parent(to.string()), from.string(), to.string(), found->second});
  return begun;
}

Result<void> CrashFs::remove(const fs::path& path) {
  const std::lock_guard guard(mutex_);
  const auto found = cache_.find(path.string());
  if (crashed_) return failure("remove", path, EIO);
  if (found == cache_.end()) return failure("remove", path, ENOENT);
  auto begun = begin("remove", path);
  if (begun || crashed_) rename_in_cache({parent(path.string()), path.string(), "", found->second});
  return begun;
}

Result<void> CrashFs::sync_directory(const fs::path& path) {
  const std::lock_guard guard(mutex_);
  auto begun = begin("sync directory", path);
  if (!begun) return begun;
  std::erase_if(pending_names_, [&](const NameChange& change) {
    if (change.directory != path.string()) return false;
    apply(change, disk_);
    return true;
  });
  return {};
}

Result<std::unique_ptr<tm::FileLock>> CrashFs::try_lock(const fs::path& path) {
  const std::lock_guard guard(mutex_);
  if (crashed_) return failure("lock", path, EIO);
  if (const int code = fault ? fault("lock", path) : 0; code != 0)
    return failure("lock", path, code);
  if (!cache_.contains(path.string()))
    rename_in_cache({parent(path.string()), "", path.string(), std::make_shared<Inode>()});
  const std::shared_ptr<Inode> inode = cache_.at(path.string());
  if (!locked_.insert(inode).second) return std::unique_ptr<tm::FileLock>();
  return std::unique_ptr<tm::FileLock>(std::make_unique<HeldLock>(*this, inode));
}

Result<bool> CrashFs::is_locked(const fs::path& path) {
  const std::lock_guard guard(mutex_);
  if (crashed_) return failure("lock", path, EIO);
  if (const int code = fault ? fault("lock", path) : 0; code != 0)
    return failure("lock", path, code);
  const auto found = cache_.find(path.string());
  return found != cache_.end() && locked_.contains(found->second);
}

void CrashFs::destroy_unsynced(Inode& inode, std::mt19937& random) {
  std::shuffle(inode.pending.begin(), inode.pending.end(), random);
  for (Change& change : inode.pending) {
    switch (random() % 5) {
      case 0:  // dropped
        continue;
      case 1:  // cut
        if (!change.truncate) change.bytes.resize(random() % (change.bytes.size() + 1));
        break;
      case 2:  // garbled
        if (!change.bytes.empty())
          for (int i = 0; i < 16; ++i)
            change.bytes[random() % change.bytes.size()] = static_cast<char>(random());
        break;
      case 3:  // some sectors only
        for (std::size_t at = 0; at < change.bytes.size(); at += kSector)
          if (random() % 2 == 0)
            apply({change.offset + at, change.bytes.substr(at, kSector), false}, inode.disk);
        continue;
      default:  // kept
        break;
    }
    apply(change, inode.disk);
  }
}

void CrashFs::lose_power(unsigned seed) {
  const std::lock_guard guard(mutex_);
  std::mt19937 random(seed);
  std::set<std::shared_ptr<Inode>> inodes;
  for (const auto& [path, inode] : cache_) inodes.insert(inode);
  for (const auto& [path, inode] : disk_) inodes.insert(inode);
  for (const NameChange& change : pending_names_) inodes.insert(change.inode);
  for (const auto& inode : inodes) destroy_unsynced(*inode, random);

  const bool in_order = random() % 2 == 0;
  const std::size_t kept = random() % (pending_names_.size() + 1);
  for (std::size_t i = 0; i < pending_names_.size(); ++i)
    if (in_order ? i < kept : random() % 2 == 0) apply(pending_names_[i], disk_);
  pending_names_.clear();
  for (const auto& inode : inodes) {
    inode->pending.clear();
    inode->cache = inode->disk;
  }
  cache_ = disk_;
  restart();
}

void CrashFs::kill_process() {
  const std::lock_guard guard(mutex_);
  restart();
}

void CrashFs::restart() {
  ++generation_;
  locked_.clear();
  crash_at_ = 0;
  crashed_ = false;
}

void CrashFs::forget_locks() {
  const std::lock_guard guard(mutex_);
  locked_.clear();
}

std::uint64_t CrashFs::operations() const {
  const std::lock_guard guard(mutex_);
  return operations_;
}

std::vector<std::uint64_t> CrashFs::renames() const {
  const std::lock_guard guard(mutex_);
  return renames_;
}

std::uint64_t CrashFs::syncs() const {
  const std::lock_guard guard(mutex_);
  return syncs_;
}

void CrashFs::crash_at(std::uint64_t operation) {
  const std::lock_guard guard(mutex_);
  crash_at_ = operation;
}

bool CrashFs::crashed() const {
  const std::lock_guard guard(mutex_);
  return crashed_;
}

std::string CrashFs::contents(const fs::path& path) const {
  const std::lock_guard guard(mutex_);
  return cache_.at(path.string())->cache;
}

void CrashFs::change(const fs::path& path, const std::string& contents) {
  const std::lock_guard guard(mutex_);
  const auto& inode = cache_.at(path.string());
  inode->cache = inode->disk = contents;
  inode->pending.clear();
}

std::vector<std::string> CrashFs::files() const {
  const std::lock_guard guard(mutex_);
  std::vector<std::string> paths;
  for (const auto& [path, inode] : cache_) paths.push_back(path);
  return paths;
}

}  // namespace xabridge::test
