// Close-on-exec, the fork handlers that close a child's copies, and the handler of exit().
//
// Nobody tells when a client library closes a socket, and another part of the program may then be
// given its number. So a socket is known by number and inode, and closed in the child only where
// both still agree. Its number is not given free there: it leads to /dev/null from then on, so that
// what an object of the parent's still says on it reaches nobody.

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <mutex>
#include <thread>
#include <vector>
#include <xabridge/rm/children.hpp>
#include <xabridge/rm/session.hpp>

#include "in_kernel.hpp"

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
// Nobody who forks or exits waits longer, counted from its begin: a server that answers in small
// pieces keeps a log-in at work.
constexpr std::chrono::seconds kLongest{5};
// A condition variable has no good state in a child, so whoever waits looks again.
constexpr std::chrono::microseconds kPause{100};

thread_local LogIn* my_log_in = nullptr;

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
  std::atomic<bool> exiting{false};
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
      const bool usual = log_in->at_work_ > now - kUsual && log_in->begun_ > now - kLongest;
      if (usual || !in_kernel(log_in->thread_).waits) return true;
    }
    return false;
  }

  void before_fork() {
    const auto limit = std::chrono::steady_clock::now() + kLongest;
    mutex.lock();
    ++forks;
    while (at_work() && std::chrono::steady_clock::now() < limit) {
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

  /// Null, or why it must not begin. Who forks may have the mutex for seconds, until all other
  /// libraries' handlers are through: nobody waits for it beyond `limit`.
  const char* wait_and_add(LogIn& log_in, LogIn::Time limit) {
    for (;; std::this_thread::sleep_for(kPause)) {
      if (exiting) return "the process is exiting";
      if (mutex.try_lock()) {
        const std::lock_guard lock(mutex, std::adopt_lock);
        if (forks == 0 && !exiting) return add(log_in);
      }
      if (std::chrono::steady_clock::now() >= limit)
        return "the time for the call was over while another thread was in fork()";
    }
  }

  const char* add(LogIn& log_in) noexcept {
    log_in.begun_ = log_in.at_work_ = std::chrono::steady_clock::now();
    log_in.next_ = first;
    first = &log_in;
    return nullptr;
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

  /// Shuts down what log-ins of other threads wait for, so that they fail. False: there are none.
  /// A socket may have been closed, and its number given away, since it was seen: then another
  /// part of a process that is about to end has lost its connection a moment earlier.
  [[nodiscard]] bool cut() const noexcept {
    bool any = false;
    for (const LogIn* log_in = first; log_in != nullptr; log_in = log_in->next_) {
      if (log_in == my_log_in) continue;
      any = true;
      const InKernel now = in_kernel(log_in->thread_);
      if (now.waits && now.socket >= 0) ::shutdown(now.socket, SHUT_RDWR);
    }
    return any;
  }

  /// Again and again: who was cut may look for the next address, or try without TLS.
  void at_exit() noexcept {
    if (exiting.exchange(true)) return;
    const auto limit = std::chrono::steady_clock::now() + kLongest;
    for (; std::chrono::steady_clock::now() < limit; std::this_thread::sleep_for(kPause)) {
      if (!mutex.try_lock()) continue;
      const std::lock_guard lock(mutex, std::adopt_lock);
      if (!cut()) return;
    }
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

// Other threads fork when they like. A child made while one is in the initialiser of a static,
// where it may even wait for that fork, would wait for the static's guard for ever.
[[maybe_unused]] const bool fork_parts_made = (sockets(), LogIns::all(), watch_forks(), true);

/// OpenSSL registers its teardown when it is first used, which is amid a log-in. Of what is asked
/// for here nothing else comes but its texts of errors, which a log-in loads as well. It is looked
/// up by name: whether there is one is the client library's matter.
void use_openssl() noexcept {
  using Initialise = int (*)(std::uint64_t, const void*);
  constexpr std::uint64_t kTextsOfErrors = 2;  // OPENSSL_INIT_LOAD_CRYPTO_STRINGS
  if (void* const found = ::dlsym(RTLD_DEFAULT, "OPENSSL_init_crypto"); found != nullptr)
    (void)reinterpret_cast<Initialise>(found)(kTextsOfErrors, nullptr);
}

/// Called in a log-in, so that no child gets the guard taken. The first of the two is for an exit
/// that begins before OpenSSL has registered itself: it waits for this log-in all the same.
void watch_exit() noexcept {
  [[maybe_unused]] static const bool watched = [] {
    LogIn::end_before_teardown();
    use_openssl();
    LogIn::end_before_teardown();
    return true;
  }();
}

}  // namespace

LogIn::LogIn() noexcept : LogIn(call_deadline()) {}

LogIn::LogIn(Time limit) noexcept : outer_(my_log_in), thread_(::gettid()) {
  if (outer_ != nullptr) return;
  refused_ = LogIns::all().wait_and_add(*this, limit);
  if (refused_ != nullptr) return;
  my_log_in = this;
  watch_exit();
}

LogIn::~LogIn() {
  if (outer_ != nullptr || refused_ != nullptr) return;
  // What the client library has made in its first log-in may have registered a teardown too.
  [[maybe_unused]] static const bool again = (end_before_teardown(), true);
  LogIns::all().remove(*this);
  my_log_in = nullptr;
}

void LogIn::end_before_teardown() noexcept {
  (void)std::atexit([] { LogIns::all().at_exit(); });
}

void LogIn::waits() noexcept {
  if (my_log_in != nullptr) LogIns::all().note({});
}

void LogIn::goes_on() noexcept {
  if (my_log_in != nullptr) LogIns::all().note(std::chrono::steady_clock::now());
}

void free_in_children(std::mutex& mutex) {
  watch_forks();  // called amid the loading, perhaps before this file's own statics are made
  const std::lock_guard lock(LogIns::all().mutex);
  LogIns::all().others.push_back(&mutex);
}

void close_on_exec(int socket) noexcept {
  const int flags = ::fcntl(socket, F_GETFD);
  if (flags >= 0 && (flags & FD_CLOEXEC) == 0) ::fcntl(socket, F_SETFD, flags | FD_CLOEXEC);
}

void keep_from_children(int socket) {
  close_on_exec(socket);
  ino_t inode = 0;
  const std::lock_guard lock(sockets().mutex);
  if (is_socket(socket, &inode)) sockets().inode_by_number[socket] = inode;
}

unsigned forks_seen() noexcept {
  return sockets().forks;
}

}  // namespace xabridge::rm
