// The calls of one step, all at once where the switches can.
//
// A call occupies this thread, a thread of its switch, one of CallThreads, or nobody (it was sent,
// and the server works on it). So: everything that can be issued is issued first, what is sent
// before what needs a thread; then this thread makes the calls that only it can make, or, having
// none, one of those that would have needed a thread; then it fetches the answers that are
// outstanding.
#include <algorithm>
#include <xabridge/codes.hpp>

#include "step_runner.hpp"

namespace xabridge::tm {

namespace {

/// An answer that says why nothing is committed. XA_RB* to xa_rollback does: the branch had been
/// rolled back already; so does a connection that was lost before (08006). That a rollback failed
/// does not.
bool tells_why(Verb verb, const Error& error) {
  switch (verb) {
    case Verb::end:
    case Verb::end_fail:
    case Verb::prepare:
    case Verb::commit_one_phase:
      return true;
    case Verb::rollback:
      return is_rollback(error.xa_code) || error.sqlstate == "08006";
    case Verb::commit:
    case Verb::forget:
    case Verb::confirm:
      return false;
  }
  return false;
}

}  // namespace

/// Handles this thread owes an xa_complete. XA refuses every other call of the thread there before
/// it, so they are fetched whatever happens: also when memory runs out in the middle of the step.
class StepRunner::Outstanding {
 public:
  explicit Outstanding(std::size_t capacity) { entries_.reserve(capacity); }
  ~Outstanding() {
    while (!empty()) {
      const Entry entry = take();
      entry.resource_manager->discard(entry.handle);
    }
  }
  Outstanding(const Outstanding&) = delete;
  Outstanding& operator=(const Outstanding&) = delete;

  struct Entry {
    ResourceManager* resource_manager;
    Call call;
    int handle;
  };
  /// Never more than the capacity.
  void add(const Entry& entry) noexcept { entries_.push_back(entry); }
  [[nodiscard]] bool empty() const noexcept { return next_ == entries_.size(); }
  /// The one issued first; it is not owed any longer.
  Entry take() noexcept { return entries_[next_++]; }

 private:
  std::vector<Entry> entries_;
  std::size_t next_ = 0;
};

void StepRunner::perform_calls(const std::vector<Call>& calls) {
  const bool alone =
      calls.size() == 1 || std::none_of(calls.begin(), calls.end(), [this](const Call& call) {
        return resource_manager(call).asynchronous() || goes_apart(call);
      });
  if (alone) {
    for (const Call& call : calls) perform_call(call);
    return;
  }
  std::vector<Call> here;       // made by this thread, one after another
  std::vector<Call> by_thread;  // would occupy a thread of the switch
  std::vector<Call> sent;
  std::vector<Call> to_threads;  // by CallThreads
  for (const Call& call : calls) {
    if (call.verb != Verb::commit_one_phase && goes_apart(call)) {
      to_threads.push_back(call);
      continue;
    }
    // A one-phase commit passes the gate first, a confirmation is a scan: neither can be issued.
    const bool can_wait = call.verb != Verb::commit_one_phase && call.verb != Verb::confirm;
    const ResourceManager& rm = resource_manager(call);
    auto& group = !can_wait || !rm.asynchronous() ? here
                  : rm.asynchronous_by_thread()   ? by_thread
                                                  : sent;
    group.push_back(call);
  }
  if (here.empty() && !by_thread.empty()) {
    here.push_back(by_thread.back());
    by_thread.pop_back();
  }

  std::vector<Call> refused;  // XAER_ASYNC: announced, not begun
  refused.reserve(calls.size());
  Outstanding outstanding(calls.size());
  for (const auto* group : {&sent, &by_thread}) {
    for (const Call& call : *group) {
      if (!issue(call, outstanding)) refused.push_back(call);
    }
  }
  std::vector<Apart> apart;
  apart.reserve(to_threads.size());
  for (const Call& call : to_threads) {
    if (call.verb == Verb::rollback) stop_interrupts();
    announce(call);
    Apart one = begin_apart(call);
    if (answers_in_a_moment(one)) {
      take(call, answer_of(one));
    } else {
      apart.push_back(std::move(one));
    }
  }
  for (const Call& call : here) perform_call(call);
  for (const Call& call : refused) make_call(call);
  while (!outstanding.empty()) {
    const Outstanding::Entry entry = outstanding.take();
    const ResourceManager::Bound bound(*entry.resource_manager, deadline_of(entry.call));
    take(entry.call,
         entry.resource_manager->complete(entry.call.verb, xid(entry.call), entry.handle));
  }
  for (const Apart& one : apart) take(one.call, answer_of(one));
}

/// False: the switch would not take it now.
bool StepRunner::issue(const Call& call, Outstanding& outstanding) {
  if (call.verb == Verb::rollback) stop_interrupts();
  announce(call);
  ResourceManager& rm = resource_manager(call);
  const ResourceManager::Bound bound(rm, deadline_of(call));
  ResourceManager::Issued issued = rm.issue(call.verb, xid(call));
  if (issued.handle > 0) {
    outstanding.add({&rm, call, issued.handle});
  } else if (issued.answer.code == XAER_ASYNC) {
    return false;
  } else {
    take(call, std::move(issued.answer));
  }
  return true;
}

void StepRunner::perform_call(const Call& call) {
  if (call.verb == Verb::rollback) stop_interrupts();
  if (call.verb == Verb::commit_one_phase) {
    take(call, call_in_time(call));
    return;
  }
  announce(call);
  make_call(call);
}

void StepRunner::make_call(const Call& call) { take(call, answer_to(call)); }

CallAnswer StepRunner::answer_to(const Call& call) {
  if (goes_apart(call)) return answer_of(begin_apart(call));
  const ResourceManager::Bound bound(resource_manager(call), deadline_of(call));
  return perform(resource_manager(call), call.verb, xid(call));
}

/// A one-phase commit decides by itself, so the timeout must lose or win before it. When it won,
/// the branch is rolled back, which a one-phase commit may answer.
CallAnswer StepRunner::call_in_time(const Call& call) {
  if (around_.gate.proceed(around_.clock.now())) {
    announce(call);
    return answer_to(call);
  }
  stop_interrupts();
  announce({call.branch, Verb::rollback});
  // Whatever it answers, an unprepared branch that was never told to commit does not commit.
  (void)answer_to({call.branch, Verb::rollback});
  return {XA_RBTIMEOUT, timed_out_error()};
}

void StepRunner::take(const Call& call, CallAnswer answer) {
  report(call, answer);
  if (answer.error && tells_why(call.verb, *answer.error)) doomed_by_.push_back(*answer.error);
  coordinator_.answered(call, std::move(answer));
}

/// Before the first rollback: it must not be what a late cancel hits.
void StepRunner::stop_interrupts() {
  if (interrupts_stopped_) return;
  around_.gate.stop_interrupts();
  interrupts_stopped_ = true;
}

}  // namespace xabridge::tm
