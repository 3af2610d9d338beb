// The thread that watches: one in a process, started when first needed. A forked child has none
// and starts its own.
#include "call_limit.hpp"

#include <pthread.h>
#include <sys/socket.h>

#include <condition_variable>
#include <mutex>
#include <xabridge/rm/background_thread.hpp>

namespace xabridge::mysql {
namespace {

// A thread whose answer has just been cut off needs no longer to notice.
constexpr std::chrono::milliseconds kBeforeWritingEnds{100};

}  // namespace

/// Never destroyed: calls may outlive main().
class Watcher {
 public:
  /// pthread_atfork() waits for a fork that is under way. In the initialiser of a static that would
  /// leave its guard taken in the child, so it is called while the library is loaded.
  static bool leave_to_parent() {
    return ::pthread_atfork(nullptr, nullptr, [] { instance() = nullptr; }) == 0;
  }

  static Watcher& current() {
    Watcher* watcher = instance();
    if (watcher != nullptr) return *watcher;
    auto* const fresh = new Watcher;
    if (instance().compare_exchange_strong(watcher, fresh)) return *fresh;
    delete fresh;
    return *watcher;
  }

  void add(CallLimit& limit) {
    const std::lock_guard lock(mutex_);
    // Out of threads: calls wait as long as the server makes them, until the next one tries.
    if (!running_) running_ = rm::start_background_thread([this] { watch(); });
    limit.entry_ = entries_.emplace(limit.deadline_, &limit);
    if (limit.deadline_ < sleeps_until_) changed_.notify_all();
  }

  void remove(CallLimit& limit) noexcept {
    const std::lock_guard lock(mutex_);
    if (limit.entry_) entries_.erase(*limit.entry_);
    limit.entry_.reset();
  }

 private:
  using Time = CallLimit::Time;

  static std::atomic<Watcher*>& instance() {
    static std::atomic<Watcher*> object{nullptr};
    return object;
  }

  void watch() {
    std::unique_lock lock(mutex_);
    for (;;) {
      const Time now = std::chrono::steady_clock::now();
      const Time earliest =
          entries_.empty() ? now + std::chrono::hours(1) : entries_.begin()->first;
      if (now < earliest) {
        sleeps_until_ = earliest;
        changed_.wait_until(lock, earliest);
        sleeps_until_ = Time::min();
        continue;
      }
      end(*entries_.begin()->second, now);
    }
  }

  void end(CallLimit& limit, Time now) {
    entries_.erase(*limit.entry_);
    limit.entry_.reset();
    if (!limit.socket_.open()) return;
    if (limit.late_->exchange(true)) {
      ::shutdown(limit.socket_.fd, SHUT_RDWR);
      return;
    }
    ::shutdown(limit.socket_.fd, SHUT_RD);
    limit.entry_ = entries_.emplace(now + kBeforeWritingEnds, &limit);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::multimap<Time, CallLimit*> entries_;  // guarded by mutex_
  Time sleeps_until_ = Time::min();          // guarded by mutex_; min: it is awake
  bool running_ = false;                     // guarded by mutex_
};

namespace {

[[maybe_unused]] const bool left_to_parent = Watcher::leave_to_parent();

}  // namespace

CallLimit::CallLimit(const Socket& socket, Time deadline, std::atomic<bool>& late)
    : deadline_(deadline) {
  watch(socket, late);
}

void CallLimit::watch(const Socket& socket, std::atomic<bool>& late) {
  release();
  if (deadline_ == Time::max() || !socket.known()) return;
  socket_ = socket;
  late_ = &late;
  watcher_ = &Watcher::current();
  watcher_->add(*this);
}

void CallLimit::release() noexcept {
  if (watcher_ != nullptr) watcher_->remove(*this);
  watcher_ = nullptr;
}

}  // namespace xabridge::mysql
