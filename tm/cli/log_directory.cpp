// Asks the operating system about the log directory; the only file of the program that does.
#include "log_directory.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace xabridge::cli {
namespace {

using tm::ServerFinding;

ServerFinding finding(int severity, std::string text, std::string fix = {}) {
  return {severity, "log.directory", std::move(text), std::move(fix)};
}

std::string user_name(uid_t uid) {
  const passwd* entry = ::getpwuid(uid);
  return entry == nullptr ? "uid " + std::to_string(uid) : std::string(entry->pw_name);
}

/// The nearest ancestor that exists: where a missing directory would be created.
std::filesystem::path nearest_existing(std::filesystem::path path) {
  std::error_code ignored;
  while (!std::filesystem::exists(path, ignored) && path.has_parent_path() &&
         path != path.parent_path()) {
    path = path.parent_path();
  }
  return path;
}

/// Where a decision would be lost with the machine's power, or with the lock's other holder.
void check_file_system(const std::filesystem::path& path, std::vector<ServerFinding>& out) {
  struct statfs info {};
  if (::statfs(path.c_str(), &info) != 0) return;
  if (info.f_type == TMPFS_MAGIC || info.f_type == RAMFS_MAGIC) {
    out.push_back(finding(XABRIDGE_FINDING_WARNING,
                          "is in memory (tmpfs): decisions are lost when the machine stops",
                          "put it on a disk that survives a restart"));
  } else if (info.f_type == NFS_SUPER_MAGIC) {
    out.push_back(finding(XABRIDGE_FINDING_WARNING,
                          "is on NFS: locks and synced writes are only as good as the server's",
                          "use a local disk or a block volume"));
  }
  constexpr unsigned long kFewBytes = 64UL << 20U;
  struct statvfs space {};
  if (::statvfs(path.c_str(), &space) == 0 && space.f_bavail * space.f_frsize < kFewBytes) {
    out.push_back(finding(XABRIDGE_FINDING_WARNING, "has less than 64 MiB left on its disk",
                          "make room: a service that runs goes on in the files it has, until it "
                          "needs a larger one; then commits answer rolled_back. One that starts "
                          "without files there refuses to start"));
  }
}

void check_mode(const std::filesystem::path& path, std::vector<ServerFinding>& out) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return;
  if (info.st_uid != ::geteuid()) {
    out.push_back(finding(
        XABRIDGE_FINDING_ERROR,
        "belongs to " + user_name(info.st_uid) + ", you are " + user_name(::geteuid()) +
            ": a service that runs as you refuses to use it",
        "run this check as the user the service runs as, or give the directory to that user"));
  }
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    out.push_back(finding(XABRIDGE_FINDING_ERROR,
                          "can be written to by its group or by others, who could replace what is "
                          "decided: a service refuses to use it",
                          "chmod 700 " + path.string()));
  } else if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    out.push_back(finding(XABRIDGE_FINDING_WARNING, "is open to group or others",
                          "chmod 700 " + path.string()));
  }
}

bool is_full(int code) { return code == ENOSPC || code == EDQUOT; }

constexpr const char* kMakeRoom =
    "make room on this disk. A service that runs goes on in the files it has; one that starts "
    "without files there refuses to start";

/// Creates, syncs and removes a file: the only answer to "writable" that is worth something.
ServerFinding check_write(const std::filesystem::path& path) {
  std::string name = (path / "check-XXXXXX").string();
  const int fd = ::mkstemp(name.data());
  if (fd < 0) {
    const int code = errno;
    const char* fix = "choose a directory on a disk that takes files";
    if (code == EACCES || code == EPERM)
      fix = "give it to the user the service runs as: chown, and mode 700";
    if (code == EROFS) fix = "mount the file system writable, or choose another one";
    if (is_full(code)) fix = kMakeRoom;
    return finding(XABRIDGE_FINDING_ERROR, std::string("is not writable: ") + std::strerror(code),
                   fix);
  }
  const bool durable = ::write(fd, "x", 1) == 1 && ::fsync(fd) == 0;
  const int code = errno;
  ::close(fd);
  ::unlink(name.c_str());
  if (durable) return finding(XABRIDGE_FINDING_OK, "writable, and a write can be synced");
  return finding(XABRIDGE_FINDING_ERROR,
                 std::string("a write cannot be made durable: ") + std::strerror(code),
                 is_full(code) ? kMakeRoom : "repair the disk or choose another one; no decision "
                                             "can be recorded here");
}

/// A directory that may be written to, by its mode, need not take a new file: /proc does not.
ServerFinding check_parent(const std::filesystem::path& parent) {
  const ServerFinding tried = check_write(parent);
  if (tried.severity == XABRIDGE_FINDING_OK)
    return finding(XABRIDGE_FINDING_OK, "does not exist yet; it is created at the first start");
  return finding(XABRIDGE_FINDING_ERROR,
                 "does not exist, and cannot be created: " + parent.string() + " " + tried.text,
                 tried.fix);
}

}  // namespace

std::string this_user() { return user_name(::getuid()); }

std::vector<ServerFinding> check_log_directory(const std::filesystem::path& directory) {
  std::vector<ServerFinding> out;
  struct stat info {};
  if (::stat(directory.c_str(), &info) != 0) {
    const auto parent = nearest_existing(directory);
    if (::access(parent.c_str(), W_OK | X_OK) == 0) {
      out.push_back(check_parent(parent));
    } else {
      out.push_back(finding(XABRIDGE_FINDING_ERROR,
                            "does not exist, and " + parent.string() + " is not writable for " +
                                user_name(::geteuid()),
                            "create it, owned by the user the service runs as, mode 700"));
    }
    check_file_system(parent, out);
    return out;
  }
  if (!S_ISDIR(info.st_mode)) {
    out.push_back(finding(XABRIDGE_FINDING_ERROR, "is not a directory", "name a directory"));
    return out;
  }
  out.push_back(check_write(directory));
  check_mode(directory, out);
  check_file_system(directory, out);
  return out;
}

}  // namespace xabridge::cli
