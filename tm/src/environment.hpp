// Environment: everything the transaction manager takes from the outside that a test or a simulator
// replaces: files, clock, random bytes. The real one is in posix_environment.cpp; no other file
// makes system calls for these.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>
#include <xabridge/error.hpp>

namespace xabridge::tm {

/// An open file. Errors carry errno and the path. Not thread-safe.
class File {
 public:
  virtual ~File() = default;
  /// Reads up to buffer.size() bytes at offset; fewer only at the end of the file.
  virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> buffer) = 0;
  /// Writes all bytes or fails.
  virtual Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) = 0;
  /// Data durable (fdatasync). After a failure the contents are unknown until reopened and read.
  virtual Result<void> sync() = 0;
  virtual Result<std::uint64_t> size() = 0;
  virtual Result<void> truncate(std::uint64_t size) = 0;
  /// Whether `path` still is the name of this file, and not of none or another.
  virtual Result<bool> is_at(const std::filesystem::path& path) {
    (void)path;
    return true;
  }
};

/// Names one lock of one kernel: boot id, device, inode. All zero: not known.
using LockIdentity = std::array<std::uint8_t, 32>;

/// An exclusive lock on a path, held until destroyed or until the process ends however it ends.
class FileLock {
 public:
  virtual ~FileLock() = default;
  /// False in a child made by fork(): the lock stayed with the parent, and so did what it protects.
  /// Thread-safe.
  [[nodiscard]] virtual bool held() const noexcept { return true; }
  /// Two holders of equal, known identities cannot hold it at the same time. A copy of the file,
  /// another machine and another boot give another identity, and then a free lock says nothing of
  /// the holder before.
  [[nodiscard]] virtual LockIdentity identity() const noexcept { return {}; }
  /// Whether `path` still is the name of the locked file. False: another process may hold a lock
  /// there, and this one protects nothing.
  virtual Result<bool> is_at(const std::filesystem::path& path) {
    (void)path;
    return true;
  }
};

enum class OpenMode { read, read_write, create_new };

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  /// Files are created 0600, directories 0700. A file that is a symbolic link is not opened.
  virtual Result<std::unique_ptr<File>> open(const std::filesystem::path& path, OpenMode mode) = 0;
  virtual Result<void> create_directories(const std::filesystem::path& path) = 0;
  /// Error (EPERM, ELOOP) unless the directory is this process's user's, and nobody else can write
  /// to it. `trusted`: it may be a symbolic link, of this user or root.
  enum class Links { refused, trusted };
  virtual Result<void> require_own_directory(const std::filesystem::path& path, Links links) {
    (void)path;
    (void)links;
    return {};
  }
  virtual Result<std::vector<std::string>> list(const std::filesystem::path& directory) = 0;
  virtual Result<bool> exists(const std::filesystem::path& path) = 0;
  virtual Result<void> rename(const std::filesystem::path& from,
                              const std::filesystem::path& to) = 0;
  /// Fails (EEXIST) where there is a file of the new name already.
  virtual Result<void> rename_new(const std::filesystem::path& from,
                                  const std::filesystem::path& to);
  virtual Result<void> remove(const std::filesystem::path& path) = 0;
  /// Makes created, renamed and removed names durable.
  virtual Result<void> sync_directory(const std::filesystem::path& path) = 0;
  /// Null when another holder has it; waits for none, but for a moment for who only looks. Creates
  /// the file if missing.
  virtual Result<std::unique_ptr<FileLock>> try_lock(const std::filesystem::path& path) = 0;
  /// Whether somebody holds it. Takes nothing that would make try_lock() of others, or a look of
  /// theirs, answer that it is held. No file: nobody.
  virtual Result<bool> is_locked(const std::filesystem::path& path) = 0;
};

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual std::chrono::steady_clock::time_point now() const noexcept = 0;
  [[nodiscard]] virtual std::chrono::system_clock::time_point wall() const noexcept = 0;
};

class Entropy {
 public:
  virtual ~Entropy() = default;
  virtual void fill(std::span<std::byte> bytes) = 0;
};

struct Environment {
  FileSystem& files;
  Clock& clock;
  Entropy& entropy;
  std::string host;  // short host name, for human eyes in gtrids
};

/// The operating system's. Lives for ever.
[[nodiscard]] Environment& posix_environment();

}  // namespace xabridge::tm
