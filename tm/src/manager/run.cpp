// TransactionManager::run: what is worth trying again, and how.
//
// Safe to repeat is an attempt that is rolled back for certain; sensible to repeat is one whose
// reason may be gone next time. The reason is looked for where it is said most exactly: in the
// exception, then in what the resource managers said before the work was undone, or about it.
#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <random>
#include <stop_token>
#include <xabridge/codes.hpp>
#include <xabridge/transaction_manager.hpp>

#include "manager_impl.hpp"
#include "transaction_impl.hpp"

namespace xabridge {
namespace {

/// Reasons that may be gone at the next try. A lost connection (XAER_RMFAIL) counts: before prepare
/// and in an attempt that ended as rolled back it has committed nothing.
constexpr bool is_transient_code(int code) noexcept {
  return code == XA_RBDEADLOCK || code == XA_RBTRANSIENT || code == XA_RBCOMMFAIL ||
         code == XAER_RMFAIL;
}

/// A lost connection is what any error may end with; these are not.
bool is_undone(const Error& e) noexcept {
  return e.xa_code == XA_RBDEADLOCK || e.xa_code == XA_RBTRANSIENT ||
         (e.xa_code == XA_RBROLLBACK && e.sqlstate == "40001");
}

bool is_retryable(const Error& e) noexcept { return e.retryable(); }

std::string transient_text(const Error& e) {
  return code_name(e.xa_code) + " at " + e.resource_manager + ": " + e.to_string();
}

/// What the branches said, apart from what went wrong with the rollback itself; empty: nothing that
/// a repetition would cure.
std::string branches_reason(const Transaction::Impl& transaction,
                            bool (*counts)(const Error&) noexcept) {
  for (const Error& e : transaction.doomed_by) {
    if (counts(e)) return transient_text(e);
  }
  return {};
}

/// Of an attempt whose function returned.
std::string transient_reason(const Transaction::Impl& transaction, const Outcome& outcome) {
  std::string reason = branches_reason(transaction, is_retryable);
  if (!reason.empty()) return reason;
  if (!is_transient_code(outcome.reason_code)) return {};
  return code_name(outcome.reason_code) + ": " + outcome.reason;
}

/// Of an exception of the application's function.
std::string transient_reason(const std::exception_ptr& thrown,
                             const Transaction::Impl& transaction) {
  bool said = false;  // what happened, and that it would happen again
  try {
    std::rethrow_exception(thrown);
  } catch (const RetryRequest& e) {
    return std::string("asked for by the application: ") + e.what();
  } catch (const Exception& e) {
    if (e.error().retryable()) return e.what();
    said = true;
  } catch (const std::exception& e) {
    for (const auto& branch : transaction.branches) {
      const int code = branch.resource_manager->classify(e);
      if (is_transient_code(code)) {
        return code_name(code) + " at " + branch.resource_manager->name() + ": " + e.what();
      }
      said = said || code != XA_OK;
    }
  } catch (...) {
    // Says nothing; the branches may.
  }
  return branches_reason(transaction, said ? is_undone : is_retryable);
}

/// Throws `e` with the application's exception nested in it.
[[noreturn]] void throw_around(const std::exception_ptr& thrown, Error e) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& cause) {
    e.message += ". The application's function ended with: " + std::string(cause.what());
    std::throw_with_nested(Exception(std::move(e)));
  } catch (...) {
    std::throw_with_nested(Exception(std::move(e)));
  }
}

/// The application saw an interrupted statement; the reason was the timeout.
Error timed_out_error(const Transaction::Impl& impl) {
  Error e;
  e.xa_code = XA_RBTIMEOUT;
  e.operation = "run";
  e.xid = impl.gtrid_hex;
  e.message = impl.timeout_text() + "; it is rolled back";
  return e;
}

/// Its bare exception would say "rolled back", which is not so: a COMMIT typed by hand, or fn
/// committed before it threw.
Error not_rolled_back_error(const Transaction::Impl& impl, const Outcome& outcome) {
  Error e;
  e.xa_code = is_heuristic(outcome.reason_code) ? outcome.reason_code : XA_HEURHAZ;
  if (outcome.committed()) e.xa_code = XAER_PROTO;
  e.operation = "run";
  e.xid = impl.gtrid_hex;
  e.message = "the function threw, but the transaction is not rolled back: " + outcome.to_string();
  e.outcome_known = outcome.kind != OutcomeKind::unknown;
  return e;
}

std::chrono::milliseconds pause_before(const Backoff& backoff, int attempt) {
  thread_local std::minstd_rand random{std::random_device{}()};
  std::uniform_real_distribution<double> jitter(0.5, 1.0);
  // Doubled until it would be longer than the maximum: never beyond what the number can hold.
  std::int64_t full = backoff.initial.count();
  for (int i = 1; i < attempt && full < backoff.maximum.count(); ++i) full *= 2;
  full = std::min<std::int64_t>(full, backoff.maximum.count());
  return std::chrono::milliseconds(
      static_cast<std::int64_t>(static_cast<double>(full) * jitter(random)));
}

/// False: a stop was requested before it was over.
bool pause(std::chrono::milliseconds length, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, length, [] { return false; });
  return !stop.stop_requested();
}

Outcome stopped_before_it_began() {
  Outcome outcome;
  outcome.kind = OutcomeKind::rolled_back;
  outcome.reason = "a stop was requested before the transaction began";
  outcome.reason_code = XA_RBOTHER;
  return outcome;
}

/// One attempt: what became of it, what fn threw, and why to try again (empty: do not).
struct Attempt {
  Outcome outcome;
  std::exception_ptr thrown;
  std::string retry_reason;
};

Attempt attempt_once(Transaction& transaction, Transaction::Impl& impl,
                     const std::function<void(Transaction&)>& fn) {
  Attempt attempt;
  try {
    fn(transaction);
  } catch (...) {
    attempt.thrown = std::current_exception();
  }
  if (!impl.active) {
    attempt.outcome = *impl.outcome;
  } else {
    const bool timed_out = impl.timed_out();
    attempt.outcome = attempt.thrown ? transaction.rollback() : transaction.commit();
    const bool rolled_back = attempt.outcome.kind == OutcomeKind::rolled_back;
    if (attempt.thrown && timed_out && rolled_back) {
      throw_around(attempt.thrown, timed_out_error(impl));
    }
  }
  if (attempt.thrown && attempt.outcome.kind != OutcomeKind::rolled_back) {
    throw_around(attempt.thrown, not_rolled_back_error(impl, attempt.outcome));
  }
  // Anything but a certain rollback must not be repeated: the work may be done.
  if (attempt.outcome.kind != OutcomeKind::rolled_back ||
      attempt.outcome.reason_code == XA_RBTIMEOUT) {
    return attempt;
  }
  attempt.retry_reason = attempt.thrown ? transient_reason(attempt.thrown, impl)
                                        : transient_reason(impl, attempt.outcome);
  return attempt;
}

}  // namespace

Outcome TransactionManager::run_attempts(const std::function<void(Transaction&)>& fn,
                                         const RunOptions& options) {
  const auto& runtime = *impl_->runtime;
  if (options.stop.stop_requested()) return stopped_before_it_began();
  const int limit = options.max_retries.value_or(runtime.config.max_retries);
  std::vector<Retry> retries;
  for (int number = 1;; ++number) {
    const auto begun = std::chrono::steady_clock::now();
    Transaction transaction = begin(options.timeout.value_or(runtime.config.timeout));
    const std::string gtrid = transaction.gtrid();
    Attempt attempt = attempt_once(transaction, *transaction.impl_, fn);
    const auto took = std::chrono::steady_clock::now() - begun;
    const bool last = number > limit || options.stop.stop_requested();
    if (attempt.retry_reason.empty() || last ||
        !pause(pause_before(runtime.config.retry_backoff, number), options.stop)) {
      if (attempt.thrown) std::rethrow_exception(attempt.thrown);
      attempt.outcome.retries = std::move(retries);
      return std::move(attempt.outcome);
    }
    runtime.events->emit(EventKind::retried, gtrid, {}, attempt.outcome.reason_code,
                         attempt.retry_reason, took);
    retries.push_back({number, std::move(attempt.retry_reason)});
  }
}

}  // namespace xabridge
