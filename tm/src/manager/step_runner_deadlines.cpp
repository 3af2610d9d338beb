// Until when a call is waited for, and the calls that are made apart from the transaction's thread.
#include <algorithm>
#include <utility>

#include "step_runner.hpp"

namespace xabridge::tm {
namespace {

using std::chrono::milliseconds;

// An interrupted call answers within this, or its server does not answer at all.
constexpr milliseconds kForInterrupt{1'000};
// What a call that was begun gets at least, however short the completion timeout.
constexpr milliseconds kLeast{500};
// What a call gets before the next one is begun beside it.
constexpr milliseconds kMoment{50};
// What a rollback gets that begins when the time is up.
constexpr milliseconds kForRollback{2'000};

}  // namespace

StepRunner::Time StepRunner::deadline_of(const Call& call) {
  const Time now = around_.clock.now();
  if (decided_at_) return std::max(*decided_at_ + around_.completion_timeout, now + kLeast);
  const std::optional<Time> deadline = around_.gate.deadline();
  // Only who can be interrupted gets the time for it.
  const milliseconds grace =
      resource_manager(call).keeps_deadlines() ? kForInterrupt : milliseconds(0);
  switch (call.verb) {
    case Verb::end:
    case Verb::prepare:
      return deadline ? *deadline + grace : now + around_.call_timeout;
    case Verb::commit_one_phase: {
      // It is the decision itself, and what does not answer is unknown: the longer of both.
      const milliseconds completion = std::max(around_.completion_timeout, kLeast);
      return deadline ? std::max(*deadline + grace, now + completion) : now + around_.call_timeout;
    }
    default:
      break;
  }
  if (!rollback_by_) {
    rollback_by_ = now + (deadline ? std::max(kForRollback, around_.completion_timeout)
                                   : around_.call_timeout);
    if (deadline) rollback_by_ = std::max(*rollback_by_, *deadline);
  }
  return std::max(*rollback_by_, now + kLeast);
}

/// XA binds xa_end to the thread of the work.
bool StepRunner::goes_apart(const Call& call) const {
  const bool bound_to_thread = call.verb == Verb::end || call.verb == Verb::end_fail;
  return !bound_to_thread && !resource_manager(call).keeps_deadlines();
}

StepRunner::Apart StepRunner::begin_apart(const Call& call) {
  const std::shared_ptr<ResourceManager>& rm = resource_managers_[call.branch];
  Apart apart{call, deadline_of(call), nullptr, std::make_shared<std::optional<CallAnswer>>()};
  apart.under_way = rm->threads().begin(std::string(to_string(call.verb)),
                                        [answer = apart.answer, rm, verb = call.verb,
                                         xid = xid(call)] {
                                          answer->emplace(perform(*rm, verb, xid));
                                        });
  return apart;
}

/// Resource managers that answer are called one after another, in the order in which they came into
/// the transaction; those that do not are not waited for.
bool StepRunner::answers_in_a_moment(const Apart& apart) const {
  if (apart.under_way == nullptr) return true;  // what is said of it is known
  const Time moment = std::chrono::steady_clock::now() + kMoment;
  return resource_manager(apart.call).threads().wait(*apart.under_way, moment);
}

CallAnswer StepRunner::answer_of(const Apart& apart) {
  CallThreads& threads = resource_manager(apart.call).threads();
  const bool begun = apart.under_way != nullptr;
  if (begun &&
      (threads.wait(*apart.under_way, apart.deadline) || !threads.give_up(*apart.under_way))) {
    if (*apart.answer) return std::move(**apart.answer);
    // The call threw: what the resource manager did before is not known.
  }
  Error e = resource_manager(apart.call)
                .unavailable(std::string(to_string(apart.call.verb)), &xid(apart.call),
                             begun ? "no answer; a call that is late is left to itself"
                                   : "not called: " + std::to_string(threads.late()) +
                                         " earlier calls there have not come back, or no thread "
                                         "can be made; look what the resource manager waits for");
  e.outcome_known = !begun;
  return {XAER_RMFAIL, std::move(e)};
}

}  // namespace xabridge::tm
