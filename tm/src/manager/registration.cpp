// ax_reg and ax_unreg. Arguments first, then whether it is open here, then table 6-3, then the
// transaction: as everywhere in XA, a refusal changes nothing.
#include "registration.hpp"

#include <xabridge/api.h>
#include <xabridge/rm/children.hpp>

#include <atomic>
#include <map>
#include <mutex>
#include <thread>

namespace xabridge::tm {

struct CurrentTransaction::Place {
  std::atomic<Enlister*> enlister;  // null: over
  const std::thread::id thread = std::this_thread::get_id();
  Place* below = nullptr;
  std::shared_ptr<Place> in_list{};  // itself, while the thread's list holds it
};

namespace {

using Place = CurrentTransaction::Place;

// Trivial, so that they can be used to the very end of a thread.
thread_local Place* top = nullptr;
thread_local Enlister* foreground = nullptr;

/// Unlinks the places whose transactions are over, or all.
void sweep(bool all) noexcept {
  for (Place** link = &top; *link != nullptr;) {
    Place* const place = *link;
    if (!all && place->enlister.load() != nullptr) {
      link = &place->below;
      continue;
    }
    *link = place->below;
    const std::shared_ptr<Place> last = std::move(place->in_list);
  }
}

/// A transaction may outlive its thread; its place in the thread's list does not.
struct Sweeper {
  ~Sweeper() { sweep(true); }
};

/// Known for the whole process. Leaked: threads may outlive static destruction.
struct Known {
  std::mutex mutex;
  std::map<int, std::weak_ptr<const Instance>> by_rmid;
};
Known& known() {
  static auto* const instances = [] {
    auto* const made = new Known;
    rm::free_in_children(made->mutex);
    return made;
  }();
  return *instances;
}

// Before threads can be: see rm::free_in_children().
[[maybe_unused]] const Known& known_made = known();

std::shared_ptr<const Instance> find(int rmid) {
  const std::lock_guard lock(known().mutex);
  const auto found = known().by_rmid.find(rmid);
  return found == known().by_rmid.end() ? nullptr : found->second.lock();
}

/// What both calls check before table 6-3: TM_OK, and `here` is the thread's entry.
int find_open(int rmid, Opened*& here) {
  here = opened_here().find(rmid);
  const auto instance = here != nullptr ? here->instance : find(rmid);
  if (instance == nullptr) return TMER_INVAL;
  if (!instance->registers()) return TMER_TMERR;
  return here == nullptr ? TMER_PROTO : TM_OK;
}

/// Null: the thread is in no transaction that knows the resource manager.
Enlister* current(int rmid) {
  if (foreground != nullptr && foreground->knows(rmid)) return foreground;
  for (Place* place = top; place != nullptr; place = place->below) {
    Enlister* const enlister = place->enlister.load();
    if (enlister != nullptr && enlister->knows(rmid)) return enlister;
  }
  return nullptr;
}

int give_branch(Enlister* transaction, int rmid, rm::D state, XID& xid) {
  if (transaction == nullptr) {
    xid.formatID = -1;
    return TM_OK;
  }
  switch (transaction->branch_at(rmid, xid)) {
    case Enlister::Given::made:
      return TM_OK;
    case Enlister::Given::known:
      return state == rm::D::D2 ? TM_RESUME : TM_JOIN;
    case Enlister::Given::refused:
      break;
  }
  return TMER_TMERR;
}

int reg(int rmid, XID* xid, long flags) {
  if (xid == nullptr || flags != TMNOFLAGS) return TMER_INVAL;
  Opened* here = nullptr;
  if (const int code = find_open(rmid, here); code != TM_OK) return code;
  if (const int code = rm::may(here->registration, rm::Ax::reg); code != TM_OK) return code;
  Enlister* const transaction = current(rmid);
  if (here->registration == rm::D::D2 &&
      (transaction == nullptr || here->branch->gtrid() != transaction->global_id())) {
    return TMER_PROTO;  // suspended in another transaction: only there it can go on
  }
  XID given{};
  const int code = give_branch(transaction, rmid, here->registration, given);
  if (code < 0) return code;
  here->registration = rm::after_ax_reg(here->registration, code, given);
  here->branch = Xid::from(&given);
  *xid = given;
  return code;
}

int unreg(int rmid, long flags) {
  if (flags != TMNOFLAGS) return TMER_INVAL;
  Opened* here = nullptr;
  if (const int code = find_open(rmid, here); code != TM_OK) return code;
  if (const int code = rm::may(here->registration, rm::Ax::unreg); code != TM_OK) return code;
  here->registration = rm::after_ax_unreg(here->registration, TM_OK);
  here->branch.reset();
  return TM_OK;
}

}  // namespace

void announce(const std::shared_ptr<const Instance>& instance) {
  const std::lock_guard lock(known().mutex);
  std::erase_if(known().by_rmid, [](const auto& entry) { return entry.second.expired(); });
  known().by_rmid[instance->rmid] = instance;
}

const Enlister* other_at(const Enlister& one, int rmid) noexcept {
  for (const Place* place = top; place != nullptr; place = place->below) {
    const Enlister* const enlister = place->enlister.load();
    if (enlister != nullptr && enlister != &one && enlister->works_at(rmid)) return enlister;
  }
  return nullptr;
}

CurrentTransaction::CurrentTransaction(Enlister& enlister) : place_(std::make_shared<Place>()) {
  thread_local Sweeper sweeper;
  static_cast<void>(&sweeper);
  sweep(false);
  place_->enlister.store(&enlister);
  place_->in_list = place_;
  place_->below = top;
  top = place_.get();
}

void CurrentTransaction::ended() noexcept {
  if (place_ == nullptr) return;
  place_->enlister.store(nullptr);
  if (place_->thread == std::this_thread::get_id()) sweep(false);
  place_.reset();
}

Foreground::Foreground(Enlister& enlister) noexcept : before_(foreground) {
  foreground = &enlister;
}

Foreground::~Foreground() { foreground = before_; }

}  // namespace xabridge::tm

extern "C" {

XABRIDGE_API int ax_reg(int rmid, XID* xid, long flags) {
  try {
    return xabridge::tm::reg(rmid, xid, flags);
  } catch (...) {
    return TMER_TMERR;  // out of memory: no exception crosses into C
  }
}

XABRIDGE_API int ax_unreg(int rmid, long flags) {
  try {
    return xabridge::tm::unreg(rmid, flags);
  } catch (...) {
    return TMER_TMERR;
  }
}
}
