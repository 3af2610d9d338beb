// The nine calls of one thread: state table first, then the work, then the state moves.
#include "thread.hpp"

#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <utility>
#include <vector>
#include <xabridge/codes.hpp>

namespace xabridge::tx {
namespace {

/// Beyond any transaction, and within what the clock can count.
constexpr TRANSACTION_TIMEOUT kLongestTimeout = 100L * 365 * 24 * 3600;

std::chrono::milliseconds limit_of(TRANSACTION_TIMEOUT seconds) {
  return std::chrono::seconds(std::min(seconds, kLongestTimeout));
}

/// Will recovery commit what the transaction left behind? The register says so when not all of its
/// branches are finished.
bool commits_pending(const Transaction::Impl& transaction, const Outcome& outcome) noexcept {
  if (outcome.committed()) return true;
  const bool any = std::any_of(outcome.branches.begin(), outcome.branches.end(),
                               [](const auto& b) { return b.state == BranchState::pending; });
  try {
    return any && transaction.runtime->decisions().decision(transaction.gtrid).has_value();
  } catch (const std::exception&) {
    return false;
  }
}

/// Ends the thread's work when the thread ends. Made after its resource managers were opened, so
/// that it goes before what they keep for the thread.
void leave_at_thread_end() {
  struct Leaver {
    ~Leaver() { Thread::current().leave(); }
  };
  thread_local const Leaver leaver;
  static_cast<void>(leaver);
}

}  // namespace

Thread& Thread::current() {
  thread_local Thread* thread = nullptr;
  struct Reaper {
    Thread** thread;
    ~Reaper() { delete std::exchange(*thread, nullptr); }
  };
  thread_local const Reaper reaper{&thread};
  // The inherited one is leaked on purpose: its destructor would speak on the parent's connections.
  if (thread == nullptr || thread->process_ != ::getpid()) thread = new Thread;
  return *thread;
}

Thread::Thread() : process_(::getpid()) {}

Thread::~Thread() {
  // A forked child that never called us.
  if (process_ != ::getpid()) static_cast<void>(transaction_.release());
  release(std::move(manager_));
}

void Thread::leave() noexcept {
  if (state_ == State::S0) return;
  transaction_.reset();  // rolls back, and says so
  try {
    (void)close_all();
  } catch (...) {
    // Memory: what is open closes with the thread, only later.
  }
  state_ = State::S0;
  release(std::move(manager_));
}

/// The only place that assigns the state of a thread that goes on.
void Thread::moved(Call call) {
  state_ = after(state_, call);
  assert(state_ != State::none);
  assert((manager_ != nullptr) == (state_ != State::S0));
  assert((transaction_ != nullptr) == in_transaction(state_));
}

int Thread::open() {
  if (state_ != State::S0) return TX_OK;
  try {
    manager_ = acquire();
  } catch (const Exception& e) {
    lament("tx_open", e.what());
    return code_of_open(e.error().xa_code == XA_OK ? XAER_RMERR : e.error().xa_code);
  }
  if (const int code = open_all(); code != TX_OK) {
    (void)close_all();
    release(std::move(manager_));
    return code;
  }
  leave_at_thread_end();
  moved(Call::open);
  return TX_OK;
}

int Thread::open_all() {
  for (const auto& resource_manager : runtime().recovery->resource_managers()) {
    const tm::CallAnswer answer = resource_manager->open();
    if (answer.code == XA_OK) continue;
    if (answer.error) tell("tx_open", {}, *answer.error);
    return code_of_open(answer.code);
  }
  return TX_OK;
}

int Thread::close() {
  if (!may(state_, Call::close)) return refused("tx_close", Call::close);
  if (state_ == State::S0) return TX_OK;
  const int code = close_all();
  release(std::move(manager_));
  moved(Call::close);
  return code;
}

/// The last one opened first; the gravest answer.
int Thread::close_all() {
  int gravest = TX_OK;
  const auto& all = runtime().recovery->resource_managers();
  for (auto rm = all.rbegin(); rm != all.rend(); ++rm) {
    release_one(**rm);
    gravest = std::min(gravest, close_one(**rm));
  }
  return gravest;
}

int Thread::close_one(const tm::ResourceManager& resource_manager) {
  tm::OpenInThread& here = tm::opened_here();
  const tm::Opened* const opened = here.find(resource_manager.rmid());
  if (opened == nullptr) return TX_OK;
  const auto instance = opened->instance;
  std::string info = instance->open_string;
  const int code = instance->object.entries->xa_close_entry(info.data(), instance->rmid, TMNOFLAGS);
  if (code == XA_OK || code == XAER_RMFAIL) here.remove(instance.get());
  if (code == XA_OK) return TX_OK;
  Error error;
  error.xa_code = code;
  error.operation = "xa_close";
  error.resource_manager = instance->name;
  error.message = "xa_close answered " + code_name(code);
  tell("tx_close", {}, error);
  return code_of_open(code);
}

int Thread::begin() {
  if (!may(state_, Call::begin)) return refused("tx_begin", Call::begin);
  const int code = begin_transaction("tx_begin");
  if (code == TX_OK) moved(Call::begin);
  return code;
}

/// All or none: where one resource manager does not start, what the others began is rolled back.
int Thread::begin_transaction(const char* call) {
  for (const auto& resource_manager : runtime().recovery->resource_managers()) {
    if (!resource_manager->works_outside()) continue;
    tell_outside(call, *resource_manager);
    return TX_OUTSIDE;
  }
  // XAER_DUPID and XAER_PROTO speak of the XID or of something left over in this thread. The
  // rollback clears away what is ours, and the second attempt has another XID.
  for (int attempt = 0;; ++attempt) {
    auto transaction = std::make_unique<Transaction::Impl>(manager_->runtime, limit_of(timeout_));
    const int answer = start_all(*transaction, call);
    if (answer == XA_OK) {
      transaction_ = std::move(transaction);
      return TX_OK;
    }
    const bool too_late = transaction->timed_out();
    (void)transaction->finish(Transaction::Impl::Ask::rollback);
    if (too_late) return TX_ERROR;  // start_all has said so
    if (attempt == 1 || (answer != XAER_DUPID && answer != XAER_PROTO))
      return code_of_start(answer);
  }
}

/// xa_start at every resource manager with static registration; the others come by themselves.
int Thread::start_all(Transaction::Impl& transaction, const char* call) {
  for (const auto& resource_manager : runtime().recovery->resource_managers()) {
    if (resource_manager->registers()) continue;
    try {
      (void)transaction.enlist(resource_manager->name(), call);
    } catch (const Exception& e) {
      tell(call, transaction.gtrid_hex, e.error());
      return e.error().xa_code;
    }
  }
  return XA_OK;
}

int Thread::complete(Asked asked) {
  const char* const call = asked == Asked::commit ? "tx_commit" : "tx_rollback";
  if (!may(state_, Call::complete)) return refused(call, Call::complete);
  const int code = finish(asked, call);
  if (!is_chained(state_)) {
    moved(Call::complete);
    return code;
  }
  int next = TX_FAIL;
  try {
    next = begin_transaction(call);
  } catch (const std::exception& e) {
    lament(call, e.what());
  }
  moved(next == TX_OK ? Call::complete : Call::complete_no_begin);
  return next == TX_OK ? code : code + TX_NO_BEGIN;
}

/// From here on there is no transaction, whatever happens: one is never finished twice.
int Thread::finish(Asked asked, const char* call) noexcept {
  const auto transaction = std::move(transaction_);
  using Ask = Transaction::Impl::Ask;
  const Ask commit = when_return_ == TX_COMMIT_DECISION_LOGGED ? Ask::decision : Ask::commit;
  const Outcome outcome = transaction->finish(asked == Asked::commit ? commit : Ask::rollback);
  if (transaction->phase_two) manager_->completer.complete(std::move(transaction->phase_two));
  const int code = code_of(asked, outcome, commits_pending(*transaction, outcome));
  if (code == TX_OK) return code;
  try {
    Error error;
    error.operation = call;
    error.xa_code = outcome.reason_code;
    error.message = outcome.to_string();
    tell(call, transaction->gtrid_hex, error);
  } catch (const std::exception& e) {
    lament(call, e.what());
  }
  return code;
}

int Thread::info(TXINFO* info) {
  if (!may(state_, Call::look_or_set)) return refused("tx_info", Call::look_or_set);
  const bool inside = in_transaction(state_);
  if (info == nullptr) return inside ? 1 : 0;
  *info = TXINFO{};
  info->xid.formatID = -1;
  info->when_return = when_return_;
  info->transaction_control = is_chained(state_) ? TX_CHAINED : TX_UNCHAINED;
  info->transaction_timeout = timeout_;
  info->transaction_state = TX_ACTIVE;
  if (!inside) return 0;
  info->xid = Xid::make(tm::kFormatId, transaction_->gtrid, {})->raw();
  if (transaction_->timed_out())
    info->transaction_state = TX_TIMEOUT_ROLLBACK_ONLY;
  else if (transaction_->doom)
    info->transaction_state = TX_ROLLBACK_ONLY;
  return 1;
}

int Thread::set_commit_return(COMMIT_RETURN when_return) {
  constexpr const char* call = "tx_set_commit_return";
  if (!may(state_, Call::look_or_set)) return refused(call, Call::look_or_set);
  if (when_return != TX_COMMIT_COMPLETED && when_return != TX_COMMIT_DECISION_LOGGED) {
    return refused_value(call, std::to_string(when_return) +
                                   " is neither TX_COMMIT_COMPLETED nor TX_COMMIT_DECISION_LOGGED");
  }
  when_return_ = when_return;
  moved(Call::look_or_set);
  return TX_OK;
}

int Thread::set_control(TRANSACTION_CONTROL control) {
  constexpr const char* call = "tx_set_transaction_control";
  const Call what = control == TX_CHAINED ? Call::set_chained : Call::set_unchained;
  if (!may(state_, what)) return refused(call, what);
  if (control != TX_CHAINED && control != TX_UNCHAINED) {
    return refused_value(call, std::to_string(control) + " is neither TX_CHAINED nor TX_UNCHAINED");
  }
  moved(what);
  return TX_OK;
}

int Thread::set_timeout(TRANSACTION_TIMEOUT timeout) {
  constexpr const char* call = "tx_set_transaction_timeout";
  if (!may(state_, Call::look_or_set)) return refused(call, Call::look_or_set);
  if (timeout < 0) {
    return refused_value(call,
                         std::to_string(timeout) + " is no number of seconds: 0 for none, or more");
  }
  timeout_ = timeout;
  moved(Call::look_or_set);
  return TX_OK;
}

}  // namespace xabridge::tx
