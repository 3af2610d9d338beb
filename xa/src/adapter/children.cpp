// Close-on-exec, and the fork handlers that close a child's copies.
//
// Nobody tells when a client library closes a socket, and another part of the program may then be
// given its number. So a socket is known by number and inode, and closed in the child only where
// both still agree. Its number is not given free there: it leads to /dev/null from then on, so that
// what an object of the parent's still says on it reaches nobody.

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>
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

// A log-in at a server that answers is over in this time, but for the work that TLS makes.
constexpr std::chrono::milliseconds kUsual{200};
// Nobody who forks waits longer.
constexpr std::chrono::seconds kLongest{5};
// A condition variable has no good state in a child, so whoever waits looks again.
constexpr std::chrono::microseconds kPause{100};

thread_local LogIn* my_log_in = nullptr;

/// The thread is in a call of the kernel that waits for a socket. False also where the kernel does
/// not say.
bool waits_for_network(int thread) noexcept {
  const std::string path = "/proc/self/task/" + std::to_string(thread) + "/syscall";
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  std::array<char, 32> text{};
  const bool told = ::read(file, text.data(), text.size() - 1) > 0;
  ::close(file);
  if (!told || text[0] < '0' || text[0] > '9') return false;  // "running"
  const long call = std::atol(text.data());
#ifdef SYS_poll
  if (call == SYS_poll) return true;
#endif
  return call == SYS_ppoll || call == SYS_connect || call == SYS_recvfrom || call == SYS_recvmsg;
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

}  // namespace

/// What is under way. All guarded by mutex, which whoever forks has until there is a child.
struct LogIns {
  std::mutex mutex;
  LogIn* first = nullptr;
  int forks = 0;  // of threads that want to
  std::vector<std::mutex*> others;

  // Never destroyed: threads may outlive static destruction.
  static LogIns& all() {
    static auto* const one = new LogIns;
    return *one;
  }

  [[nodiscard]] bool at_work() const {
    const auto now = std::chrono::steady_clock::now();
    for (const LogIn* log_in = first; log_in != nullptr; log_in = log_in->next_) {
      if (log_in == my_log_in || log_in->at_work_ < now - kLongest) continue;
      if (log_in->at_work_ > now - kUsual || !waits_for_network(log_in->thread_)) return true;
    }
    return false;
  }

  void before_fork() {
    mutex.lock();
    ++forks;
    while (at_work()) {
      mutex.unlock();
      std::this_thread::sleep_for(kPause);
      mutex.lock();
    }
    for (std::mutex* const other : others) other->lock();
  }

  void after_fork() {
    --forks;
    for (std::mutex* const other : others) other->unlock();
    mutex.unlock();
  }

  /// Of all threads there is only this one.
  void in_child() {
    first = my_log_in;
    if (first != nullptr) first->next_ = nullptr;
    forks = 1;
    after_fork();
  }

  void wait_and_add(LogIn& log_in) {
    mutex.lock();
    while (forks > 0) {
      mutex.unlock();
      std::this_thread::sleep_for(kPause);
      mutex.lock();
    }
    log_in.at_work_ = std::chrono::steady_clock::now();
    log_in.next_ = first;
    first = &log_in;
    mutex.unlock();
  }

  void remove(const LogIn& log_in) {
    const std::lock_guard lock(mutex);
    for (LogIn** link = &first; *link != nullptr; link = &(*link)->next_) {
      if (*link != &log_in) continue;
      *link = log_in.next_;
      return;
    }
  }

  void note(std::chrono::steady_clock::time_point at_work) {
    const std::lock_guard lock(mutex);
    my_log_in->at_work_ = at_work;
  }
};

namespace {

void watch_forks() {
  [[maybe_unused]] static const int installed = ::pthread_atfork(
      [] {
        LogIns::all().before_fork();
        sockets().mutex.lock();
      },
      [] {
        ++sockets().forks;
        sockets().mutex.unlock();
        LogIns::all().after_fork();
      },
      [] {
        ++sockets().forks;
        close_copies(sockets().inode_by_number);
        sockets().mutex.unlock();
        LogIns::all().in_child();
      });
}

}  // namespace

LogIn::LogIn() noexcept : outer_(my_log_in), thread_(::gettid()) {
  watch_forks();
  if (outer_ != nullptr) return;
  LogIns::all().wait_and_add(*this);
  my_log_in = this;
}

LogIn::~LogIn() {
  if (outer_ != nullptr) return;
  LogIns::all().remove(*this);
  my_log_in = nullptr;
}

void LogIn::waits() noexcept {
  if (my_log_in != nullptr) LogIns::all().note({});
}

void LogIn::goes_on() noexcept {
  if (my_log_in != nullptr) LogIns::all().note(std::chrono::steady_clock::now());
}

void free_in_children(std::mutex& mutex) {
  watch_forks();
  const std::lock_guard lock(LogIns::all().mutex);
  LogIns::all().others.push_back(&mutex);
}

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
