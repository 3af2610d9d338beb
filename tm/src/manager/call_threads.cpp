// The threads, and what becomes of a call nobody waits for.
#include "call_threads.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>
#include <xabridge/rm/background_thread.hpp>

namespace xabridge::tm {
namespace {

constexpr std::size_t kMostIdle = 16;
// How soon a caller that waits notices that it should stop.
constexpr std::chrono::milliseconds kLook{50};
// How long the end waits for idle threads to close what they opened.
constexpr std::chrono::milliseconds kPatienceAtEnd{500};

}  // namespace

struct CallThreads::State {
  std::mutex mutex;
  std::condition_variable changed;  // a call was begun, or is over; a thread ended
  std::deque<std::shared_ptr<UnderWay>> queue;
  std::function<void()> on_return;
  std::size_t threads = 0;
  std::size_t free = 0;  // in no call, and not ending
  std::size_t late = 0;
  bool closed = false;
};

CallThreads::CallThreads() : state_(std::make_shared<State>()) {}

CallThreads::~CallThreads() {
  std::unique_lock lock(state_->mutex);
  state_->closed = true;
  state_->on_return = nullptr;
  state_->changed.notify_all();
  state_->changed.wait_for(lock, kPatienceAtEnd, [&] { return state_->threads == 0; });
}

std::shared_ptr<CallThreads::UnderWay> CallThreads::begin(std::string what,
                                                          std::function<void()> call) {
  auto under_way = std::make_shared<UnderWay>(std::move(what), std::move(call));
  const std::lock_guard lock(state_->mutex);
  if (state_->closed || state_->late >= kMostLate) return nullptr;
  if (state_->free <= state_->queue.size() && !start_thread(state_)) return nullptr;
  state_->queue.push_back(under_way);
  state_->changed.notify_all();
  return under_way;
}

bool CallThreads::wait(UnderWay& call, Time deadline, const std::function<bool()>& stop) {
  std::unique_lock lock(state_->mutex);
  const auto over = [&] { return call.over; };
  if (!stop) return state_->changed.wait_until(lock, deadline, over);
  for (;;) {
    const Time now = std::chrono::steady_clock::now();
    if (state_->changed.wait_until(lock, std::min(deadline, now + kLook), over)) return true;
    if (now >= deadline) return false;
    lock.unlock();
    const bool stopped = stop();
    lock.lock();
    if (stopped) return call.over;
  }
}

bool CallThreads::give_up(UnderWay& call) {
  const std::lock_guard lock(state_->mutex);
  if (call.over) return false;
  call.given_up = true;
  // One that no thread has come to is never made.
  const auto waiting = std::find_if(state_->queue.begin(), state_->queue.end(),
                                    [&](const auto& one) { return one.get() == &call; });
  if (waiting != state_->queue.end()) {
    state_->queue.erase(waiting);
    return true;
  }
  ++state_->late;
  return true;
}

bool CallThreads::is_over(const UnderWay& call) const {
  const std::lock_guard lock(state_->mutex);
  return call.over;
}

void CallThreads::on_return(std::function<void()> handler) {
  const std::lock_guard lock(state_->mutex);
  state_->on_return = std::move(handler);
}

std::size_t CallThreads::late() const {
  const std::lock_guard lock(state_->mutex);
  return state_->late;
}

/// With the mutex held.
bool CallThreads::start_thread(const std::shared_ptr<State>& state) {
  if (!rm::start_background_thread([state] { work(state); })) return false;
  ++state->threads;
  ++state->free;
  return true;
}

void CallThreads::work(const std::shared_ptr<State>& state) noexcept {
  /// Last of all that the thread has, so that what it opened is closed when `threads` says so.
  struct Ended {
    std::shared_ptr<State> state;
    ~Ended() {
      if (state == nullptr) return;
      const std::lock_guard lock(state->mutex);
      --state->threads;
      state->changed.notify_all();
    }
  };
  thread_local Ended ended;
  ended.state = state;
  std::unique_lock lock(state->mutex);
  for (;;) {
    state->changed.wait(lock, [&] { return state->closed || !state->queue.empty(); });
    if (state->queue.empty()) break;
    const std::shared_ptr<UnderWay> call = std::move(state->queue.front());
    state->queue.pop_front();
    --state->free;
    lock.unlock();
    try {
      call->call();
    } catch (...) {
      // Memory ran out, or a foreign switch threw: there is no answer, which is what the caller
      // finds.
    }
    call->call = nullptr;  // what it owns goes in this thread, without the lock
    lock.lock();
    ++state->free;
    call->over = true;
    state->changed.notify_all();
    if (call->given_up) {
      --state->late;
      const auto handler = state->on_return;
      lock.unlock();
      if (handler) handler();
      lock.lock();
    }
    if (state->free > kMostIdle + state->queue.size()) break;
  }
  --state->free;  // it takes no call any more, whatever the closing takes
}

}  // namespace xabridge::tm
