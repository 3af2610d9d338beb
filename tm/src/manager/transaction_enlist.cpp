// How a resource manager comes into a transaction: started by it, or by its own ax_reg.
#include <algorithm>

#include "../core/coordinator.hpp"
#include "../register/identity.hpp"
#include "transaction_impl.hpp"

namespace xabridge {

using tm::throw_misuse;

Transaction::Impl::Branch* Transaction::Impl::branch_of(const tm::ResourceManager& rm) {
  const auto it = std::find_if(branches.begin(), branches.end(), [&](const Branch& branch) {
    return branch.resource_manager.get() == &rm;
  });
  return it == branches.end() ? nullptr : &*it;
}

Xid Transaction::Impl::next_xid(const tm::ResourceManager& rm) const {
  const auto number = static_cast<std::uint8_t>(branches.size() + 1);
  return *Xid::make(tm::kFormatId, gtrid, tm::make_bqual(number, rm.name()));
}

/// Takes the memory keep() needs: a branch that has begun must not be lost for want of it.
void Transaction::Impl::make_room(const std::shared_ptr<tm::ResourceManager>& rm, const Xid& xid) {
  branches.reserve(branches.size() + 1);
  gate->add_branch(rm, xid);
}

void Transaction::Impl::keep(std::shared_ptr<tm::ResourceManager> rm, const Xid& xid) noexcept {
  branches.push_back({std::move(rm), xid});
  runtime->events->emit(EventKind::enlisted, gtrid_hex, branches.back().resource_manager->name());
}

/// The resource manager never began it, so nothing of it can be left there.
void Transaction::Impl::withdraw_last() {
  gate->remove_branch(branches.back().xid);
  branches.pop_back();
}

void Transaction::Impl::doom_and_throw(const tm::ResourceManager& rm, tm::CallAnswer answer) {
  Error& e = *answer.error;
  doom = Doom{"'" + rm.name() + "' could not be enlisted: " + e.to_string(), answer.code};
  doomed_by.push_back(e);  // the function may keep the exception to itself
  throw Exception(std::move(e));
}

/// With dynamic registration connection() gives whatever branch the thread works in.
void Transaction::Impl::require_free(const tm::ResourceManager& rm, const char* operation) const {
  const auto other = rm.registered_with();
  if (!other || other->gtrid() == gtrid) return;
  throw_misuse(XAER_PROTO, operation,
               "another transaction of this thread, " + tm::transaction_text(other->gtrid()) +
                   ", is active at resource manager '" + rm.name() + "': finish it first",
               gtrid_hex, rm.name());
}

std::shared_ptr<tm::ResourceManager> Transaction::Impl::named(std::string_view name,
                                                              const char* operation) const {
  if (auto rm = runtime->find(name)) return rm;
  std::string known;
  for (const auto& one : runtime->recovery->resource_managers()) {
    known += (known.empty() ? "" : ", ") + one->name();
  }
  throw_misuse(XAER_INVAL, operation,
               "no resource manager '" + std::string(name) + "' is configured; there are: " + known,
               gtrid_hex, name);
}

tm::ResourceManager& Transaction::Impl::enlist(std::string_view name, const char* operation) {
  require_active(operation);
  if (timed_out()) throw_misuse(XA_RBTIMEOUT, operation, timeout_text(), gtrid_hex);
  if (doom) {
    throw_misuse(doom->code, operation, "the transaction can only be rolled back: " + doom->reason,
                 gtrid_hex);
  }
  auto rm = named(name, operation);
  if (rm->registers()) {
    require_free(*rm, operation);
    const tm::ResourceManager::Bound bound(*rm, call_deadline());
    tm::CallAnswer ready = rm->open();  // ax_reg is for those who are
    if (ready.code != XA_OK) doom_and_throw(*rm, std::move(ready));
    return *rm;
  }
  if (branch_of(*rm) != nullptr) return *rm;
  if (const tm::Enlister* const other = tm::other_at(*this, rm->rmid())) {
    throw_misuse(XAER_PROTO, operation,
                 "this thread has a transaction at '" + rm->name() + "' already, " +
                     tm::transaction_text(other->global_id()) +
                     ": commit it or roll it back first, or do this work in it",
                 gtrid_hex, rm->name());
  }
  const Xid xid = next_xid(*rm);
  make_room(rm, xid);
  const tm::ResourceManager::Bound bound(*rm, call_deadline());
  tm::CallAnswer started = rm->start(xid);
  if (started.code != XA_OK) {
    gate->remove_branch(xid);
    doom_and_throw(*rm, std::move(started));
  }
  keep(std::move(rm), xid);
  runtime->recovery->reached(branches.back().resource_manager->name());
  return *branches.back().resource_manager;
}

void Transaction::Impl::enlist_at(Isolation level, std::string_view name) {
  require_active("enlist");
  const auto rm = named(name, "enlist");
  if (branch_of(*rm) != nullptr) {
    throw_misuse(XAER_PROTO, "enlist",
                 "'" + rm->name() +
                     "' is in the transaction already: choose the isolation level before its first "
                     "use",
                 gtrid_hex, rm->name());
  }
  const tm::ResourceManager::Isolated isolated(*rm, level);
  if (!isolated) {
    throw_misuse(XAER_INVAL, "enlist",
                 "the switch of '" + rm->name() +
                     "' does not let its branches choose an isolation level: set it in the open "
                     "string",
                 gtrid_hex, rm->name());
  }
  (void)enlist(name, "enlist");
  if (rm->registers()) (void)connection(*rm);  // which begins the branch
}

void* Transaction::Impl::connection(tm::ResourceManager& rm) {
  if (!rm.registers()) return rm.connection();
  const tm::ResourceManager::Bound bound(rm, call_deadline());
  // As xa_start: a resource manager that lost its connection while idle says so when it is used
  // next. Nothing has begun then, so opening again and asking once more is safe.
  for (int attempt = 0;; ++attempt) {
    const bool had_branch = branch_of(rm) != nullptr;
    void* connection = nullptr;
    {
      const tm::Foreground in_this_transaction(*this);
      connection = rm.connection();
    }
    if (connection != nullptr || had_branch) return connection;
    const bool registered = branch_of(rm) != nullptr;
    tm::CallAnswer why = rm.why_no_connection(registered ? &branches.back().xid : nullptr);
    if (registered) {
      withdraw_last();
      tm::opened_here().end_registrations(gtrid, rm.rmid());
    }
    if (why.code != XAER_RMFAIL || attempt == 1) doom_and_throw(rm, std::move(why));
    if (tm::CallAnswer ready = rm.open(); ready.code != XA_OK) {
      doom_and_throw(rm, std::move(ready));
    }
  }
}

bool Transaction::Impl::knows(int rmid) const noexcept { return runtime->find(rmid) != nullptr; }

bool Transaction::Impl::works_at(int rmid) const noexcept {
  return std::ranges::any_of(
      branches, [&](const Branch& branch) { return branch.resource_manager->rmid() == rmid; });
}

tm::Enlister::Given Transaction::Impl::branch_at(int rmid, XID& xid) {
  if (doom || timed_out()) return Given::refused;
  auto rm = runtime->find(rmid);
  if (const Branch* branch = branch_of(*rm)) {
    xid = branch->xid.raw();
    return Given::known;
  }
  const Xid made = next_xid(*rm);
  make_room(rm, made);
  keep(std::move(rm), made);
  xid = made.raw();
  return Given::made;
}

}  // namespace xabridge
