// One job at a time goes from the caller to the thread, and an answer back.
#include "engine/executor.hpp"

#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>

#include "engine/last_words.hpp"

namespace xabridge::conformance {
namespace {

std::atomic<bool> interrupted{false};
// A signal handler cannot notify; so the caller looks up now and then.
constexpr std::chrono::milliseconds kLookUp{50};

}  // namespace

void interrupt_all() noexcept { interrupted = true; }
void allow_again() noexcept { interrupted = false; }

struct Executor::Shared {
  std::mutex mutex;
  std::condition_variable changed;
  std::function<void()> job;
  bool busy = false;
  bool ending = false;
  std::exception_ptr thrown;
};

Executor::Executor() : shared_(std::make_shared<Shared>()) {
  thread_ = std::thread([shared = shared_] {
    std::unique_lock lock(shared->mutex);
    for (;;) {
      shared->changed.wait(lock, [&] { return shared->job || shared->ending; });
      if (!shared->job) break;
      auto job = std::move(shared->job);
      shared->job = nullptr;
      lock.unlock();
      std::exception_ptr thrown;
      try {
        job();
      } catch (...) {
        thrown = std::current_exception();
      }
      job = nullptr;
      lock.lock();
      shared->thrown = thrown;
      shared->busy = false;
      shared->changed.notify_all();
    }
  });
}

Executor::~Executor() {
  {
    const std::scoped_lock lock(shared_->mutex);
    shared_->ending = true;
    shared_->changed.notify_all();
  }
  if (hung_)
    thread_.detach();
  else
    thread_.join();
}

void Executor::run(const std::string& what, std::chrono::milliseconds limit,
                   std::function<void()> job) {
  if (hung_) throw Hung(what + " was not tried: this thread hangs already");
  std::unique_lock lock(shared_->mutex);
  if (interrupted) throw Interrupted{};
  now_calling(what);
  shared_->busy = true;
  shared_->thrown = nullptr;
  shared_->job = std::move(job);
  shared_->changed.notify_all();
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (shared_->busy) {
    shared_->changed.wait_for(lock, kLookUp);
    if (!shared_->busy) break;
    if (interrupted || std::chrono::steady_clock::now() >= deadline) {
      hung_ = true;
      if (interrupted) throw Interrupted{};
      throw Hung(what + " did not return within " + std::to_string(limit.count() / 1000) + " s");
    }
  }
  if (shared_->thrown) std::rethrow_exception(shared_->thrown);
}

}  // namespace xabridge::conformance
