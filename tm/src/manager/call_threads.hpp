// CallThreads: makes calls at one resource manager for callers who wait until a deadline only.
//
// An xa_ call has no deadline, and no thread can be taken out of one. So where a switch does not
// keep deadlines itself (`deadline` in rm_extras.h) the call is made in a thread of these, and the
// caller turns away when its time is up. The call is late then: it goes on in its thread, and what
// it answers in the end is told to nobody. XA allows it for xa_prepare, xa_commit, xa_rollback,
// xa_forget and xa_recover, which any thread may call. xa_open, xa_start and xa_end belong to the
// thread that works in the branch, and are made there.
//
// Bounded: a thread for each caller that waits, and no more than kMostLate calls that nobody waits
// for. A call never queues behind another one.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace xabridge::tm {

/// Thread-safe. The threads own what they use: a call that is late may outlive this object.
class CallThreads {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::size_t kMostLate = 16;

  CallThreads();
  CallThreads(const CallThreads&) = delete;
  CallThreads& operator=(const CallThreads&) = delete;
  /// Waits a moment for the threads, which close what they have open; not for calls that do not
  /// come back.
  ~CallThreads();

  /// A call that was begun.
  class UnderWay;
  /// Null: as many calls are late already, or no thread can be made; nothing was begun. `what` is
  /// for people: "xa_prepare".
  [[nodiscard]] std::shared_ptr<UnderWay> begin(std::string what, std::function<void()> call);
  /// False: not over by then, or `stop` said so before.
  [[nodiscard]] bool wait(UnderWay& call, Time deadline, const std::function<bool()>& stop = {});
  /// Nobody waits for it any longer. False: it is over.
  bool give_up(UnderWay& call);
  [[nodiscard]] bool is_over(const UnderWay& call) const;
  /// Runs in the thread of a call that was given up when it comes back.
  void on_return(std::function<void()> handler);

  /// Calls that were given up and have not come back.
  [[nodiscard]] std::size_t late() const;

 private:
  struct State;
  static void work(const std::shared_ptr<State>& state) noexcept;
  static bool start_thread(const std::shared_ptr<State>& state);

  const std::shared_ptr<State> state_;
};

class CallThreads::UnderWay {
 public:
  UnderWay(std::string text, std::function<void()> work)
      : what(std::move(text)), call(std::move(work)) {}
  const std::string what;
  const std::chrono::system_clock::time_point since = std::chrono::system_clock::now();

 private:
  friend class CallThreads;
  std::function<void()> call;
  bool over = false;  // guarded by the mutex of State
  bool given_up = false;
};

}  // namespace xabridge::tm
