// The checks, and what each says when it fails.

#include "posix_access.hpp"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace xabridge::tm {
namespace {

namespace fs = std::filesystem;

// Not getpwuid(): other threads may use it. "backup (uid 34)", or the number alone.
std::string user_text(uid_t uid, std::string* name = nullptr) {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  const std::string number = "uid " + std::to_string(uid);
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
    if (name != nullptr) *name = "#" + std::to_string(uid);  // as sudo takes it
    return number;
  }
  if (name != nullptr) *name = found->pw_name;
  return std::string(found->pw_name) + " (" + number + ")";
}

std::string hint(int code) {
  switch (code) {
    case EACCES:
    case EPERM:
      return "; the user running this process (uid " + std::to_string(::geteuid()) +
             ") must own the log directory and be able to write to it";
    case ENOSPC:
      return "; free space on that file system";
    case EDQUOT:
      return "; raise the quota of uid " + std::to_string(::geteuid()) + " or free space";
    case EROFS:
      return "; the file system is mounted read-only";
    case ELOOP:
      return "; it is a symbolic link, which nothing in a log directory is: look who made it, and "
             "remove it";
    case ENOTDIR:
      return "; a part of the path is a file, not a directory";
    case EMFILE:
    case ENFILE:
      return "; raise the limit of open files (ulimit -n)";
    default:
      return "";
  }
}

// EPERM stands for "this is not ours to use", whatever the permissions would allow.
Error refused(const fs::path& path, const std::string& text) {
  Error error;
  error.operation = "open decision log";
  error.sys_errno = EPERM;
  error.message = path.string() + " " + text;
  return error;
}

Error of_another(const fs::path& path, uid_t owner) {
  std::string name;
  const std::string belongs = user_text(owner, &name);
  return refused(path, "belongs to " + belongs + ", and this process runs as " +
                           user_text(::geteuid()) + ": run it as the owner (sudo -u '" + name +
                           "' ...), or give the directory and all in it to this user");
}

}  // namespace

Error failure(const char* operation, const fs::path& path, int code) {
  Error error;
  error.operation = operation;
  error.sys_errno = code;
  error.message = std::string("cannot ") + operation + " " + path.string() + ": " +
                  std::generic_category().message(code) + hint(code);
  return error;
}

Result<void> require_own_directory(const fs::path& path, FileSystem::Links links) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return failure("examine", path, errno);
  if (S_ISLNK(status.st_mode)) {
    if (links == FileSystem::Links::refused) return failure("use", path, ELOOP);
    // Where a user of this machine made it, that user says where the log is.
    if (status.st_uid != ::geteuid() && status.st_uid != 0)
      return refused(path, "is a symbolic link of " + user_text(status.st_uid) +
                               ": name the directory itself, or make the link anew as root or as " +
                               user_text(::geteuid()));
    if (::stat(path.c_str(), &status) != 0) return failure("examine", path, errno);
  }
  if (!S_ISDIR(status.st_mode)) return failure("use", path, ENOTDIR);
  if (status.st_uid != ::geteuid()) return of_another(path, status.st_uid);
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return refused(path,
                   "can be written to by its group or by others, who could replace what is decided "
                   "in it: chmod 700 " +
                       path.string() +
                       " (or name a new directory in it: it is made with the right mode)");
  return {};
}

Result<void> require_own_file(int fd, const fs::path& path, bool writes) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return failure("examine", path, errno);
  if (!S_ISREG(status.st_mode)) return refused(path, "is not a regular file; look who made it");
  if (writes && status.st_uid != ::geteuid()) return of_another(path, status.st_uid);
  return {};
}

Result<bool> same_file(int fd, const fs::path& path) {
  struct stat open {};
  struct stat named {};
  if (::fstat(fd, &open) != 0) return failure("examine", path, errno);
  if (::lstat(path.c_str(), &named) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return failure("examine", path, errno);
  }
  return open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

}  // namespace xabridge::tm
