// Workers and Job: see workers.hpp.

#include "workers.hpp"

#include <csignal>
#include <exception>
#include <thread>

namespace xabridge::rm {
namespace {

/// A library is not unloaded while a thread has objects of it to destroy. So dlclose() does not
/// take the code away from under a worker that is idle.
struct KeepsLibraryLoaded {
  ~KeepsLibraryLoaded() { left = true; }
  volatile bool left = false;
};

}  // namespace

void Job::run() noexcept {
  const CallDeadline as_asked(deadline_);
  Answer answer;
  try {
    answer = operation_.perform();
  } catch (...) {
    answer = operation_.unknown();
  }
  const std::lock_guard lock(mutex_);
  answer_ = std::move(answer);
  answered_.notify_all();
}

std::optional<Answer> Job::take(Patience patience) {
  std::unique_lock lock(mutex_);
  if (patience == Patience::wait) answered_.wait(lock, [&] { return answer_.has_value(); });
  return std::exchange(answer_, std::nullopt);
}

bool Workers::submit(std::shared_ptr<Job> job) {
  const std::lock_guard lock(shared_->mutex);
  auto& queue = shared_->queue;
  if (shared_->busy + queue.size() >= most_threads + most_queued) return false;
  const bool all_needed = shared_->busy + queue.size() >= shared_->threads;
  if (all_needed && shared_->threads < most_threads) {
    if (!start_thread(shared_) && shared_->threads == 0) return false;
  }
  queue.push_back(std::move(job));
  shared_->submitted.notify_one();
  return true;
}

/// The application's signal handlers are none of a worker's business: it blocks all signals.
bool Workers::start_thread(const std::shared_ptr<Shared>& shared) noexcept {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  bool started = true;
  try {
    std::thread([shared] { work(shared); }).detach();
    ++shared->threads;
  } catch (const std::exception&) {
    started = false;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

void Workers::work(const std::shared_ptr<Shared>& shared) noexcept {
  thread_local const KeepsLibraryLoaded keeps;
  (void)keeps.left;
  std::unique_lock lock(shared->mutex);
  for (;;) {
    shared->submitted.wait(lock, [&] { return !shared->queue.empty(); });
    auto job = std::move(shared->queue.front());
    shared->queue.pop_front();
    ++shared->busy;
    lock.unlock();
    job->run();
    job.reset();
    lock.lock();
    --shared->busy;
  }
}

}  // namespace xabridge::rm
