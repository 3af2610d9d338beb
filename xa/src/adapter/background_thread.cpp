// Signals are blocked before the thread is there, and it inherits that.

#include <csignal>
#include <exception>
#include <thread>
#include <xabridge/rm/background_thread.hpp>

namespace xabridge::rm {
namespace {

/// A library is not unloaded while a thread has objects of it to destroy. So dlclose() does not
/// take the code away from under a thread that is idle.
struct KeepsLibraryLoaded {
  ~KeepsLibraryLoaded() { left = true; }
  volatile bool left = false;
};

}  // namespace

// The application's signal handlers are none of such a thread's business.
bool start_background_thread(std::function<void()> body) noexcept {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  bool started = true;
  try {
    std::thread([body = std::move(body)] {
      thread_local const KeepsLibraryLoaded keeps;
      (void)keeps.left;
      body();
    }).detach();
  } catch (const std::exception&) {
    started = false;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

}  // namespace xabridge::rm
