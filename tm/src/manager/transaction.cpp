// Transaction: enlistment, the rules of use, and the way into the commit protocol.
#include <algorithm>
#include <utility>
#include <xabridge/codes.hpp>
#include <xabridge/transaction_manager.hpp>

#include "../register/identity.hpp"
#include "transaction_impl.hpp"

namespace xabridge {
namespace {

using tm::throw_misuse;

constexpr std::chrono::hours kLongest{24 * 365 * 100};

std::optional<std::chrono::steady_clock::time_point> deadline_of(
    const tm::Runtime& runtime, std::chrono::milliseconds timeout) {
  if (timeout.count() == 0) return std::nullopt;
  // "As long as possible" must not become the past: the clock counts nanoseconds.
  return runtime.environment.clock.now() + std::min<std::chrono::milliseconds>(timeout, kLongest);
}

}  // namespace

Transaction::Impl::Impl(std::shared_ptr<tm::Runtime> shared, std::chrono::milliseconds limit)
    : runtime(std::move(shared)),
      gtrid(runtime->next_gtrid()),
      gtrid_hex(tm::transaction_text(gtrid)),
      timeout(limit),
      gate(std::make_shared<tm::TimeoutGate>(deadline_of(*runtime, limit))) {
  runtime->live().add(gtrid);
  if (gate->deadline()) runtime->watcher->add(gate, gtrid_hex);
  runtime->events->emit(EventKind::begun, gtrid_hex);
}

Transaction::Impl::~Impl() {
  // In a forked child the connections are the parent's: touching them would end the parent's work.
  if (!active || !runtime->in_own_process()) return;
  if (!doom) doom = Doom{"the transaction was destroyed without commit or rollback", XA_RBROLLBACK};
  (void)finish(Ask::rollback);
}

void Transaction::Impl::require_active(const char* operation) const {
  runtime->require_own_process();
  if (!active) {
    throw_misuse(XAER_PROTO, operation,
                 "the transaction is finished (" +
                     std::string(outcome ? to_string(outcome->kind) : "rolled back") +
                     "): begin another one, and ask it for its connections",
                 gtrid_hex);
  }
  if (std::this_thread::get_id() != thread) {
    throw_misuse(
        XAER_PROTO, operation,
        "called from another thread than the one that began the transaction: a transaction "
        "belongs to its thread",
        gtrid_hex);
  }
}

bool Transaction::Impl::timed_out() {
  if (!gate->timed_out(runtime->environment.clock.now())) return false;
  if (gate->expire()) {
    runtime->events->emit(EventKind::timed_out, gtrid_hex, {}, XA_RBTIMEOUT,
                          "the transaction rolls back");
  }
  return true;
}

std::string Transaction::Impl::timeout_text() const { return tm::timeout_text(timeout); }

std::chrono::steady_clock::time_point Transaction::Impl::call_deadline() const {
  return gate->deadline().value_or(runtime->environment.clock.now() + runtime->config.call_timeout);
}

Outcome Transaction::Impl::finish(Ask ask) noexcept {
  active = false;
  current.ended();
  Outcome result;
  try {
    result = run_protocol(ask);
  } catch (const std::exception& e) {
    // Memory ran out in the middle. What is decided is decided, and recovery finds it out.
    result.kind = OutcomeKind::unknown;
    result.gtrid = gtrid_hex;
    result.reason = std::string("commit processing stopped: ") + e.what();
    runtime->recovery->recovery.hold(gtrid);
    runtime->live().remove(gtrid);
    runtime->recovery->hurry();
  }
  gate->stop_interrupts();
  runtime->watcher->remove(*gate);
  tm::opened_here().end_registrations(gtrid);
  outcome = result;
  return result;
}

Outcome Transaction::Impl::run_protocol(Ask ask) {
  if (ask != Ask::rollback && !doom && timed_out()) doom = Doom{timeout_text(), XA_RBTIMEOUT};
  std::vector<tm::BranchInfo> infos;
  std::vector<std::shared_ptr<tm::ResourceManager>> resource_managers;
  infos.reserve(branches.size());
  resource_managers.reserve(branches.size());
  for (const Branch& branch : branches) {
    infos.push_back({branch.resource_manager->name(), branch.xid,
                     branch.resource_manager->one_phase_survives()});
    resource_managers.push_back(branch.resource_manager);
  }
  auto run = std::make_unique<tm::CommitRun>(runtime, gate, gtrid, std::move(infos),
                                             std::move(resource_managers), timeout);
  if (ask != Ask::rollback && !doom) {
    run->commit(ask == Ask::decision ? tm::CommitRun::Until::decided
                                     : tm::CommitRun::Until::finished);
  } else {
    run->rollback(doom ? doom->reason : "the application asked for rollback",
                  doom ? doom->code : XA_RBROLLBACK);
  }
  doomed_by.insert(doomed_by.end(), run->doomed_by().begin(), run->doomed_by().end());
  Outcome result = run->outcome();
  // What did not answer in time is not the reason, but the timeout that it made pass.
  if (ask != Ask::rollback && result.kind == OutcomeKind::rolled_back &&
      !is_rollback(result.reason_code) && gate->timed_out(runtime->environment.clock.now())) {
    result.reason = timeout_text() + "; " + result.reason;
    result.reason_code = XA_RBTIMEOUT;
  }
  if (!run->finished()) phase_two = std::move(run);
  return result;
}

// --- The public face.

Transaction::Transaction(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Transaction::Transaction(Transaction&&) noexcept = default;
Transaction& Transaction::operator=(Transaction&& other) noexcept {
  Impl::release(std::exchange(impl_, std::move(other.impl_)));
  return *this;
}
Transaction::~Transaction() { Impl::release(std::move(impl_)); }

void* Transaction::native_connection(std::string_view resource_manager, std::string_view driver) {
  if (!impl_) throw_misuse(XAER_PROTO, "connection", "the transaction was moved from");
  tm::ResourceManager& rm = impl_->enlist(resource_manager, "connection");
  const std::string actual = rm.driver();
  if (actual != driver) {
    throw_misuse(
        XAER_INVAL, "connection",
        "resource manager '" + std::string(resource_manager) + "' is " +
            (actual.empty() ? "not one of our drivers: use enlist() and its own interface"
                            : actual + ", not " + std::string(driver) + ": use tx." + actual +
                                  "(). If its server is not of that kind, correct its `driver` in "
                                  "the configuration"),
        impl_->gtrid_hex, resource_manager);
  }
  void* connection = impl_->connection(rm);
  if (connection == nullptr) {
    throw_misuse(XAER_RMERR, "connection",
                 "resource manager '" + std::string(resource_manager) +
                     "' has no connection for this branch any more: roll back and begin again",
                 impl_->gtrid_hex, resource_manager);
  }
  return connection;
}

void Transaction::enlist(std::string_view resource_manager) {
  if (!impl_) throw_misuse(XAER_PROTO, "enlist", "the transaction was moved from");
  impl_->enlist(resource_manager, "enlist");
}

void Transaction::enlist(std::string_view resource_manager, Isolation level) {
  if (!impl_) throw_misuse(XAER_PROTO, "enlist", "the transaction was moved from");
  impl_->enlist_at(level, resource_manager);
}

Outcome Transaction::commit() {
  if (!impl_) throw_misuse(XAER_PROTO, "commit", "the transaction was moved from");
  impl_->require_active("commit");
  return impl_->finish(Impl::Ask::commit);
}

Outcome Transaction::rollback() {
  if (!impl_) throw_misuse(XAER_PROTO, "rollback", "the transaction was moved from");
  impl_->require_active("rollback");
  return impl_->finish(Impl::Ask::rollback);
}

void Transaction::set_rollback_only(std::string reason) {
  if (!impl_) throw_misuse(XAER_PROTO, "set_rollback_only", "the transaction was moved from");
  impl_->require_active("set_rollback_only");
  if (!impl_->doom) impl_->doom = Impl::Doom{std::move(reason), XA_RBROLLBACK};
}

bool Transaction::active() const noexcept { return impl_ && impl_->active; }
std::string Transaction::gtrid() const { return impl_ ? impl_->gtrid_hex : std::string(); }

}  // namespace xabridge
