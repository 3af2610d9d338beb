// Handing over, and the life of a worker.

#include "workers.hpp"

#include <xabridge/rm/background_thread.hpp>

namespace xabridge::rm {
namespace {

constexpr auto idle_before_end = std::chrono::seconds(10);

}  // namespace

void Job::run() noexcept {
  const CallDeadline as_asked(deadline_);
  (void)set_branch_isolation(isolation_);
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
  auto& jobs = shared_->handed_over;
  if (shared_->busy + jobs.size() >= shared_->threads) {
    if (shared_->threads >= most_threads) return false;
    if (!start_background_thread([shared = shared_] { work(shared); })) return false;
    ++shared_->threads;
  }
  jobs.push_back(std::move(job));
  shared_->submitted.notify_one();
  return true;
}

void Workers::work(const std::shared_ptr<Shared>& shared) noexcept {
  std::unique_lock lock(shared->mutex);
  const auto has_job = [&] { return !shared->handed_over.empty(); };
  while (shared->submitted.wait_for(lock, idle_before_end, has_job)) {
    auto job = std::move(shared->handed_over.front());
    shared->handed_over.pop_front();
    ++shared->busy;
    lock.unlock();
    job->run();
    job.reset();
    lock.lock();
    --shared->busy;
  }
  --shared->threads;
}

}  // namespace xabridge::rm
