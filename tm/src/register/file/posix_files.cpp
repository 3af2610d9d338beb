// Files, names and locks of the operating system.
//
// Locks are flock(2): they belong to the open file description, so they end with the process
// however it ends, and a second open in the same process conflicts as another process would. A
// child made by fork() shares the description, and would keep its parent's slot after the parent
// died: a fork handler closes the child's copies, and its FileLock then answers held() == false.
// Closing never unlocks the parent's.

#include "posix_files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>
#include <xabridge/xid.hpp>

#include "posix_access.hpp"

namespace xabridge::tm {
namespace {

namespace fs = std::filesystem;

template <class Call>
auto retry_interrupted(Call call) {
  while (true) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

class PosixFile final : public File {
 public:
  PosixFile(int fd, fs::path path) : fd_(fd), path_(std::move(path)) {}
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;
  ~PosixFile() override { ::close(fd_); }

  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> buffer) override {
    std::size_t total = 0;
    while (total < buffer.size()) {
      const ssize_t got = retry_interrupted([&] {
        return ::pread(fd_, buffer.data() + total, buffer.size() - total,
                       static_cast<off_t>(offset + total));
      });
      if (got < 0) return failure("read", path_, errno);
      if (got == 0) break;
      total += static_cast<std::size_t>(got);
    }
    return total;
  }

  Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    while (!bytes.empty()) {
      const ssize_t put = retry_interrupted(
          [&] { return ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
      if (put < 0) return failure("write", path_, errno);
      if (put == 0) return failure("write", path_, EIO);
      bytes = bytes.subspan(static_cast<std::size_t>(put));
      offset += static_cast<std::uint64_t>(put);
    }
    return {};
  }

  Result<void> sync() override {
    if (retry_interrupted([&] { return ::fdatasync(fd_); }) != 0)
      return failure("sync", path_, errno);
    // What is synced into a file without a name is gone with the process.
    struct stat status {};
    if (::fstat(fd_, &status) == 0 && status.st_nlink == 0) {
      Error error = failure("sync", path_, ENOENT);
      error.message += ": the file was deleted while it was in use";
      return error;
    }
    return {};
  }

  Result<std::uint64_t> size() override {
    struct stat status {};
    if (::fstat(fd_, &status) != 0) return failure("examine", path_, errno);
    return static_cast<std::uint64_t>(status.st_size);
  }

  Result<void> truncate(std::uint64_t size) override {
    if (retry_interrupted([&] { return ::ftruncate(fd_, static_cast<off_t>(size)); }) != 0)
      return failure("truncate", path_, errno);
    return {};
  }

  Result<bool> is_at(const fs::path& path) override { return same_file(fd_, path); }

 private:
  int fd_;
  fs::path path_;
};

class PosixLock;

// Every lock this process holds, for the fork handler. Never destroyed.
struct LockList {
  std::mutex mutex;
  std::set<PosixLock*> locks;
};
LockList& lock_list();

class PosixLock final : public FileLock {
 public:
  /// The caller holds the list's mutex.
  explicit PosixLock(int fd) : fd_(fd) { lock_list().locks.insert(this); }
  PosixLock(const PosixLock&) = delete;
  PosixLock& operator=(const PosixLock&) = delete;
  ~PosixLock() override {
    const std::lock_guard guard(lock_list().mutex);
    lock_list().locks.erase(this);
    let_go();
  }
  [[nodiscard]] bool held() const noexcept override { return fd_.load() >= 0; }
  [[nodiscard]] LockIdentity identity() const noexcept override;
  Result<bool> is_at(const fs::path& path) override { return same_file(fd_.load(), path); }
  void let_go() noexcept {
    const int fd = fd_.exchange(-1);
    if (fd >= 0) ::close(fd);
  }

 private:
  std::atomic<int> fd_;
};

// A boot id stands for a kernel: containers on one share it, and share its locks.
LockIdentity PosixLock::identity() const noexcept {
  LockIdentity identity{};
  struct stat file {};
  std::array<char, 36> text{};
  const int fd = ::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  const ssize_t got = ::read(fd, text.data(), text.size());
  ::close(fd);
  if (got != static_cast<ssize_t>(text.size()) || ::fstat(fd_.load(), &file) != 0) return {};
  std::string digits(text.data(), text.size());
  std::erase(digits, '-');
  const auto boot = from_hex(digits);
  if (!boot || boot->size() != 16) return {};
  const std::array<std::uint64_t, 2> node{file.st_dev, file.st_ino};
  std::memcpy(identity.data(), boot->data(), 16);
  std::memcpy(identity.data() + 16, node.data(), sizeof node);
  return identity;
}

LockList& lock_list() {
  static LockList& list = *[] {
    auto* made = new LockList;
    ::pthread_atfork([] { lock_list().mutex.lock(); }, [] { lock_list().mutex.unlock(); },
                     [] {
                       for (PosixLock* lock : lock_list().locks) lock->let_go();
                       lock_list().mutex.unlock();
                     });
    return made;
  }();
  return list;
}

// While the library is loaded: pthread_atfork() waits for a fork that is under way, and a child
// made meanwhile would find the static's guard taken for ever.
[[maybe_unused]] const LockList& lock_list_made = lock_list();

// An owner's lock is exclusive. Who only looks shares one, which no other look takes for an owner,
// and ends it at once: who wants the lock and finds it shared waits for that. One that was stopped
// in the middle of a look counts as an owner after a while.
enum class Flocked { taken, held, failed };
Flocked try_flock(int fd, int kind) {
  if (retry_interrupted([&] { return ::flock(fd, kind | LOCK_NB); }) == 0) return Flocked::taken;
  return errno == EWOULDBLOCK ? Flocked::held : Flocked::failed;
}
constexpr std::chrono::milliseconds kLookIsOver{1'000};

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const fs::path& path, OpenMode mode) override {
    const int flags = mode == OpenMode::read         ? O_RDONLY
                      : mode == OpenMode::read_write ? O_RDWR
                                                     : O_RDWR | O_CREAT | O_EXCL;
    const int fd = retry_interrupted(
        [&] { return ::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR); });
    if (fd < 0) return failure(mode == OpenMode::create_new ? "create" : "open", path, errno);
    auto file = std::make_unique<PosixFile>(fd, path);
    if (auto own = require_own_file(fd, path, mode != OpenMode::read); !own) return own.error();
    return std::unique_ptr<File>(std::move(file));
  }

  Result<void> create_directories(const fs::path& path) override {
    if (path.empty()) return {};
    if (::mkdir(path.c_str(), S_IRWXU) == 0) return sync_parent(path);
    if (errno == ENOENT && path.has_parent_path() && path.parent_path() != path) {
      if (auto made = create_directories(path.parent_path()); !made) return made;
      if (::mkdir(path.c_str(), S_IRWXU) == 0) return sync_parent(path);
    }
    const int code = errno;
    struct stat status {};
    if (code == EEXIST) {
      if (::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return {};
      return failure("create directory", path, ENOTDIR);
    }
    return failure("create directory", path, code);
  }

  Result<void> require_own_directory(const fs::path& path, Links links) override {
    return tm::require_own_directory(path, links);
  }

  Result<std::vector<std::string>> list(const fs::path& directory) override {
    std::error_code code;
    std::vector<std::string> names;
    fs::directory_iterator entry(directory, code);
    while (!code && entry != fs::directory_iterator()) {
      names.push_back(entry->path().filename().string());
      entry.increment(code);
    }
    if (code) return failure("list directory", directory, code.value());
    return names;
  }

  Result<bool> exists(const fs::path& path) override {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0) return true;
    if (errno == ENOENT) return false;
    return failure("examine", path, errno);
  }

  Result<void> rename(const fs::path& from, const fs::path& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0)
      return failure(("rename " + from.filename().string() + " to").c_str(), to, errno);
    return {};
  }

  Result<void> rename_new(const fs::path& from, const fs::path& to) override {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return {};
    // Not every file system can.
    if (errno == EINVAL || errno == ENOSYS) return FileSystem::rename_new(from, to);
    return failure(("rename " + from.filename().string() + " to").c_str(), to, errno);
  }

  Result<void> remove(const fs::path& path) override {
    if (::unlink(path.c_str()) != 0) return failure("remove", path, errno);
    return {};
  }

  Result<void> sync_directory(const fs::path& path) override {
    const int fd =
        retry_interrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
    if (fd < 0) return failure("open directory", path, errno);
    const int result = retry_interrupted([&] { return ::fsync(fd); });
    const int code = errno;
    ::close(fd);
    if (result != 0) return failure("sync directory", path, code);
    return {};
  }

  Result<std::unique_ptr<FileLock>> try_lock(const fs::path& path) override {
    const auto patience = std::chrono::steady_clock::now() + kLookIsOver;
    for (;;) {
      {
        // Held from open to registration: no fork can slip in between and copy a lock that is not
        // registered.
        const std::lock_guard guard(lock_list().mutex);
        const auto file = open_lock(path, O_CREAT);
        if (!file) return file.error();
        const Flocked got = try_flock(*file, LOCK_EX);
        if (got == Flocked::taken)
          return std::unique_ptr<FileLock>(std::make_unique<PosixLock>(*file));
        const int code = errno;
        const bool owned = got == Flocked::held && try_flock(*file, LOCK_SH) == Flocked::held;
        ::close(*file);
        if (got == Flocked::failed) return failure("lock", path, code);
        if (owned || std::chrono::steady_clock::now() >= patience)
          return std::unique_ptr<FileLock>();
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  Result<bool> is_locked(const fs::path& path) override {
    const std::lock_guard guard(lock_list().mutex);
    const auto file = open_lock(path, 0);
    if (!file && file.error().sys_errno == ENOENT) return false;
    if (!file) return file.error();
    const Flocked got = try_flock(*file, LOCK_SH);
    const int code = errno;
    ::close(*file);
    if (got == Flocked::failed) return failure("lock", path, code);
    return got == Flocked::held;
  }

 private:
  static Result<int> open_lock(const fs::path& path, int create) {
    const int fd = retry_interrupted([&] {
      return ::open(path.c_str(), O_RDWR | create | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    });
    if (fd < 0) return failure("open lock file", path, errno);
    if (auto own = require_own_file(fd, path, false); !own) {  // `status` asks as root, too
      ::close(fd);
      return own.error();
    }
    return fd;
  }

  // A new directory is only as durable as its name in the parent.
  Result<void> sync_parent(const fs::path& path) {
    return sync_directory(path.has_parent_path() ? path.parent_path() : fs::path("."));
  }
};

}  // namespace

Result<void> FileSystem::rename_new(const fs::path& from, const fs::path& to) {
  const auto there = exists(to);
  if (!there) return there.error();
  if (*there) return failure(("rename " + from.filename().string() + " to").c_str(), to, EEXIST);
  return rename(from, to);
}

FileSystem& posix_file_system() {
  static FileSystem& files = *new PosixFileSystem;
  return files;
}

}  // namespace xabridge::tm
