// Branch, Claim and BranchTable: see branch.hpp.

#include "branch.hpp"

#include <algorithm>
#include <cassert>

namespace xabridge::rm {

T Branch::association(ThreadToken thread) const noexcept {
  for (const auto& entry : associations_)
    if (entry.thread == thread) return entry.state;
  return T::T0;
}

bool Branch::associated_elsewhere(ThreadToken thread) const noexcept {
  return std::any_of(associations_.begin(), associations_.end(),
                     [&](const auto& entry) { return entry.thread != thread; });
}

bool Branch::active_elsewhere(ThreadToken thread) const noexcept {
  return std::any_of(associations_.begin(), associations_.end(), [&](const auto& entry) {
    return entry.thread != thread && entry.state == T::T1;
  });
}

bool Branch::left_to_migrate() const noexcept {
  return std::any_of(associations_.begin(), associations_.end(),
                     [](const auto& entry) { return entry.may_migrate; });
}

void Branch::associate(ThreadToken thread, T state) {
  std::erase_if(associations_, [&](const auto& entry) { return entry.thread == thread; });
  if (state != T::T0) associations_.push_back({thread, state});
}

void Branch::take_over() {
  const auto left = std::find_if(associations_.begin(), associations_.end(),
                                 [](const auto& entry) { return entry.may_migrate; });
  if (left != associations_.end()) associations_.erase(left);
}

/// The one case table 6-4 has no column for: a suspended association ends while another is active.
S Branch::state_after(ThreadToken thread, Verb verb, Mode mode, int code) const noexcept {
  if (verb == Verb::end && active_elsewhere(thread)) return state_;
  return after(state_, verb, mode, code);
}

void Branch::move(ThreadToken thread, Verb verb, Mode mode, int code) {
  const T before = association(thread);
  const S next = state_after(thread, verb, mode, code);
  const bool resumed = code == XA_OK || is_rollback(code);
  if (mode == Mode::resume && before == T::T0 && resumed) take_over();
  if (const T now = after(before, verb, mode, code); now != before) associate(thread, now);
  state_ = next;
  if (state_ == S::S0) associations_.clear();
  if (state_ == S::S5 && is_heuristic(code)) heuristic_ = code;
  if (is_rollback(code)) rollback_reason_ = code;
  if (state_ == S::S4 && rollback_reason_ == XA_OK) rollback_reason_ = XA_RBROLLBACK;
  if (verb == Verb::prepare) prepare_failed_ = code == XAER_RMERR;
  check_invariants();
}

void Branch::check_invariants() const noexcept {
#ifndef NDEBUG
  const auto active = std::count_if(associations_.begin(), associations_.end(),
                                    [](const auto& entry) { return entry.state == T::T1; });
  switch (state_) {
    case S::S0:
      assert(associations_.empty());
      break;
    case S::S1:
      assert(session_ && active == 1);
      break;
    case S::S2:
    case S::S4:
      assert(session_ && active == 0);
      break;
    case S::S3:
      assert(associations_.empty());
      break;
    case S::S5:
      assert(associations_.empty() && is_heuristic(heuristic_));
      break;
  }
#endif
}

Claim::~Claim() {
  if (table_ == nullptr) return;
  Lease session;  // closed after the lock is gone
  {
    std::unique_lock lock(table_->mutex_);
    if (branch_->state_ == S::S0) {
      table_->changed_.wait(lock, [&] { return branch_->pins_ == 0; });
      session = std::move(branch_->session_);
      table_->branches_.erase(Xid(branch_->xid_));
    } else {
      branch_->claimed_ = false;
    }
  }
  table_->changed_.notify_all();
}

void Claim::adopt(Lease session) {
  const std::lock_guard lock(table_->mutex_);
  branch_->session_ = std::move(session);
}

Lease Claim::take_session() {
  std::unique_lock lock(table_->mutex_);
  table_->changed_.wait(lock, [&] { return branch_->pins_ == 0; });
  return std::move(branch_->session_);
}

void Claim::moved(ThreadToken thread, Verb verb, Mode mode, int code) {
  const S next = branch_->state_after(thread, verb, mode, code);
  const bool lost = code == XAER_RMFAIL;
  Lease session;
  if (next == S::S0 || next == S::S5 || lost) session = take_session();
  {
    const std::lock_guard lock(table_->mutex_);
    branch_->move(thread, verb, mode, code);
  }
  // Only a session that has plainly finished its branch may serve another one. After any other
  // answer it could still be bound to the branch, and closing it is what makes the server let go.
  if (code == XA_OK || code == XA_RDONLY || is_rollback(code))
    session.give_back();
  else
    session.close();
}

void Claim::let_migrate(ThreadToken thread) {
  const std::lock_guard lock(table_->mutex_);
  for (auto& entry : branch_->associations_)
    if (entry.thread == thread) entry.may_migrate = entry.state == T::T2;
}

std::optional<Claim> BranchTable::create(const Xid& xid) {
  const std::lock_guard lock(mutex_);
  const auto [entry, added] = branches_.try_emplace(xid, xid);
  if (!added) return std::nullopt;
  return Claim(*this, entry->second);
}

BranchTable::Found BranchTable::claim(const Xid& xid, Pool::Wait wait) {
  std::unique_lock lock(mutex_);
  for (;;) {
    // Looked up anew after each wait: the branch may be gone, or be another one of the same name.
    const auto entry = branches_.find(xid);
    if (entry == branches_.end()) return {};
    if (!entry->second.claimed_) {
      entry->second.claimed_ = true;
      return {Claim(*this, entry->second)};
    }
    if (wait == Pool::Wait::no) return {std::nullopt, true};
    changed_.wait(lock);
  }
}

void BranchTable::wait_until_inactive(const Xid& xid) {
  constexpr ThreadToken nobody = 0;
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] {
    const auto entry = branches_.find(xid);
    return entry == branches_.end() ||
           (!entry->second.claimed_ && !entry->second.active_elsewhere(nobody));
  });
}

void BranchTable::remember_heuristic(const Xid& xid, int code) {
  const std::lock_guard lock(mutex_);
  // Only what was prepared can be completed heuristically. An entry that is there already is
  // another thread's claim, which gets the same answer from the server.
  const auto [entry, added] = branches_.try_emplace(xid, xid, S::S3);
  if (added) entry->second.move(ThreadToken{0}, Verb::rollback, Mode::plain, code);
}

void BranchTable::remember_evidence(const Xid& xid, std::string server) {
  const std::lock_guard lock(mutex_);
  evidence_.set(xid, std::move(server));
}

std::string BranchTable::take_evidence(const Xid& xid) {
  const std::lock_guard lock(mutex_);
  std::string* const found = evidence_.find(xid);
  if (found == nullptr) return {};
  std::string server = std::move(*found);
  evidence_.erase(xid);
  return server;
}

bool BranchTable::contains(const Xid& xid) {
  const std::lock_guard lock(mutex_);
  return branches_.contains(xid);
}

std::vector<Xid> BranchTable::associated_with(ThreadToken thread) {
  const std::lock_guard lock(mutex_);
  std::vector<Xid> xids;
  for (const auto& [xid, branch] : branches_)
    if (branch.association(thread) != T::T0) xids.push_back(xid);
  return xids;
}

std::vector<BranchTable::Heuristic> BranchTable::heuristically_completed() {
  const std::lock_guard lock(mutex_);
  std::vector<Heuristic> kept;
  for (const auto& [xid, branch] : branches_)
    if (branch.state() == S::S5) kept.push_back({xid, branch.heuristic_});
  return kept;
}

bool BranchTable::with_pinned(const Xid& xid, const std::function<void(Session&, S)>& use) {
  std::unique_lock lock(mutex_);
  const auto entry = branches_.find(xid);
  if (entry == branches_.end() || !entry->second.session_) return false;
  Branch& branch = entry->second;
  Session& session = *branch.session_.get();
  const S state = branch.state();
  ++branch.pins_;
  lock.unlock();
  use(session, state);
  lock.lock();
  --branch.pins_;
  lock.unlock();
  changed_.notify_all();
  return true;
}

}  // namespace xabridge::rm
