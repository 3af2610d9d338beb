// Close-on-exec, and the fork handlers that close a child's copies.
//
// Nobody tells when a client library closes a socket, and another part of the program may then be
// given its number. So a socket is known by number and inode, and closed in the child only where
// both still agree. Its number is not given free there: it leads to /dev/null from then on, so that
// what an object of the parent's still says on it reaches nobody.

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <mutex>
#include <xabridge/rm/children.hpp>

namespace xabridge::rm {
namespace {

struct Sockets {
  std::mutex mutex;
  std::map<int, ino_t> inode_by_number;  // guarded by mutex; of closed ones too
  std::atomic<unsigned> forks{0};
};

// Never destroyed: threads may outlive static destruction.
Sockets& sockets() {
  static auto* const all = new Sockets;
  return *all;
}

bool is_socket(int number, ino_t* inode) noexcept {
  struct stat about {};
  if (::fstat(number, &about) != 0 || !S_ISSOCK(about.st_mode)) return false;
  *inode = about.st_ino;
  return true;
}

// Runs in the child, whose only thread holds the mutex: no memory is allocated, no other lock
// taken.
void close_copies(const std::map<int, ino_t>& known) noexcept {
  const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const auto& [number, inode] : known) {
    ino_t now = 0;
    if (!is_socket(number, &now) || now != inode) continue;
    if (nowhere < 0 || ::dup3(nowhere, number, O_CLOEXEC) < 0) ::close(number);
  }
  if (nowhere >= 0) ::close(nowhere);
}

void watch_forks() {
  [[maybe_unused]] static const int installed = ::pthread_atfork(
      [] { sockets().mutex.lock(); },
      [] {
        ++sockets().forks;
        sockets().mutex.unlock();
      },
      [] {
        ++sockets().forks;
        close_copies(sockets().inode_by_number);
        sockets().mutex.unlock();
      });
}

}  // namespace

void close_on_exec(int socket) noexcept {
  const int flags = ::fcntl(socket, F_GETFD);
  if (flags >= 0 && (flags & FD_CLOEXEC) == 0) ::fcntl(socket, F_SETFD, flags | FD_CLOEXEC);
}

void keep_from_children(int socket) {
  close_on_exec(socket);
  watch_forks();
  ino_t inode = 0;
  const std::lock_guard lock(sockets().mutex);
  if (is_socket(socket, &inode)) sockets().inode_by_number[socket] = inode;
}

unsigned forks_seen() noexcept {
  watch_forks();
  return sockets().forks;
}

}  // namespace xabridge::rm
