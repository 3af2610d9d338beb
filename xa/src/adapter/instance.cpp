// Who opens, who waits for it, what is left behind by the last one.

#include "instance.hpp"

#include <algorithm>
#include <new>

namespace xabridge::rm {
namespace {

constexpr std::size_t control_sessions = 2;  // one for recovery, one for phase two beside it
constexpr std::chrono::seconds longest_control_session{5};
constexpr const char* default_tag = "xabridge";

/// Where other processes do the work, this one completes it with as many threads as they have.
std::size_t control_size(const Server& server) {
  return server.prepares_at_end() ? server.pool_size() : control_sessions;
}

Pool::Limits limits(const Server& server, std::size_t size, const char* setting) {
  return {size, server.pool_timeout(), setting, server.max_age(), server.max_idle()};
}

}  // namespace

Instance::Instance(Legacy legacy, Upkeep& upkeep, std::string info, std::string name,
                   std::string tag)
    : server_(std::move(legacy.server)),
      info_(std::move(info)),
      name_(std::move(name)),
      tag_(std::move(tag)),
      connector_(*server_, tag_, legacy.valid_since),
      pool_(connector_, upkeep, limits(*server_, server_->pool_size(), "pool_size"),
            std::move(legacy.sessions)),
      control_(connector_, upkeep,
               limits(*server_, control_size(*server_), "pool_timeout (control connections)"),
               std::move(legacy.control)) {}

// A session for a pass, and not for days: the address may lead to another server than it did when
// the session was made, and what asks here wants to know what the one there says.
Result<Lease> Instance::control_session() {
  auto lease = control_.acquire();
  if (!lease || lease->fresh()) return lease;
  const bool recent = Pool::Clock::now() < lease->made() + longest_control_session;
  if (recent && (*lease)->alive()) return lease;
  if (auto replaced = lease->replace(); !replaced) return std::move(replaced.error());
  return lease;
}

void Instance::take_expired(Pool::Clock::time_point now, std::vector<Pool::Idle>& expired,
                            Pool::Clock::time_point& next) {
  pool_.take_expired(now, expired, next);
  control_.take_expired(now, expired, next);
}

Legacy Instance::leave() noexcept {
  return {server_, connector_.valid_since(), pool_.take_idle(), control_.take_idle()};
}

Result<std::shared_ptr<Instance>> Registry::join(Lock& lock, int rmid, const std::string& info) {
  for (auto found = entries_.find(rmid); found != entries_.end(); found = entries_.find(rmid)) {
    if (found->second.info != info) {
      Error error;
      error.xa_code = XAER_INVAL;
      error.message = "rmid " + std::to_string(rmid) +
                      " is open in this process with another open string; close it in every "
                      "thread first or use another rmid";
      return error;
    }
    if (found->second.instance != nullptr) {
      ++found->second.threads;
      return found->second.instance;
    }
    const auto opening = found->second.opening;
    lock.unlock();
    auto failure = opening->wait("xa_open");
    lock.lock();
    if (!failure) continue;  // it is open now, or we have more time than who tried
    if (failure->xa_code == XAER_RMFAIL) failure->xa_code = XAER_RMERR;
    return *std::move(failure);
  }
  return std::shared_ptr<Instance>();
}

Result<std::shared_ptr<Instance>> Registry::open(int rmid, const std::string& info) {
  Lock lock(mutex_);
  auto known = join(lock, rmid, info);
  if (!known || *known != nullptr) return known;
  Entry& entry = entries_[rmid];
  entry.info = info;
  const auto opening = entry.opening;
  lock.unlock();
  auto instance = connect(rmid, info);
  lock.lock();
  if (instance) {
    if (const auto kept = heuristics_.extract({rmid, info}))
      for (const auto& [xid, code] : kept.mapped())
        (*instance)->branches().remember_heuristic(xid, code);
    entries_[rmid].instance = *instance;
    entries_[rmid].threads = 1;
  } else {
    entries_.erase(rmid);
  }
  lock.unlock();
  if (instance)
    opening->succeed();
  else
    opening->fail(instance.error());
  if (!instance) return std::move(instance.error());
  return instance;
}

Result<std::shared_ptr<Instance>> Registry::connect(int rmid, const std::string& info) try {
  const Naming naming = this->naming(rmid);
  Legacy legacy = kept_for(rmid, info, naming);
  if (legacy.server == nullptr) {
    auto server = driver_.parse(info);
    if (!server) {
      server.error().xa_code = XAER_INVAL;
      return std::move(server.error());
    }
    legacy.server = *std::move(server);
  }
  auto instance =
      std::make_shared<Instance>(std::move(legacy), upkeep_, info, naming.name, naming.tag);
  // The first connection shows that the server is there and lets us in, and serves the first
  // branch. One that was kept has shown it already.
  auto first = instance->pool().acquire();
  if (!first) {
    first.error().xa_code = XAER_RMERR;  // XA 5, xa_open: there is no XAER_RMFAIL
    return std::move(first.error());
  }
  first->give_back();
  return instance;
} catch (const std::exception& exception) {
  // The entry that other threads wait for must not stay behind.
  Error error;
  error.message = std::string("opening failed: ") + exception.what();
  return error;
}

void Registry::close(int rmid, const std::shared_ptr<Instance>& instance) {
  std::shared_ptr<Instance> last;  // destroyed after the lock is gone: it closes connections
  Clock::time_point until = Clock::time_point::min();
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(rmid);
    if (found == entries_.end() || found->second.instance != instance) return;
    if (--found->second.threads > 0) return;
    last = std::move(found->second.instance);
    if (auto kept = last->branches().heuristically_completed(); !kept.empty())
      heuristics_[{rmid, last->info()}] = std::move(kept);
    entries_.erase(found);
    if (const auto time = keeping_.find(rmid); time != keeping_.end()) {
      const auto idle = last->server().max_idle();
      until = Clock::now() + (idle.count() > 0 ? std::min(idle, time->second) : time->second);
      kept_[rmid] = {last->info(), last->name(), last->tag(), last->leave(), until};
    }
  }
  if (until != Clock::time_point::min()) upkeep_.expect(until);
}

void Registry::keep_sessions(int rmid, std::chrono::milliseconds time) {
  Kept ended;  // closed after the lock is gone
  const std::lock_guard lock(mutex_);
  if (time.count() > 0) {
    keeping_[rmid] = time;
    return;
  }
  keeping_.erase(rmid);
  if (auto kept = kept_.extract(rmid)) ended = std::move(kept.mapped());
}

Legacy Registry::kept_for(int rmid, const std::string& info, const Naming& naming) {
  Kept other;  // closed after the lock is gone
  const std::lock_guard lock(mutex_);
  auto kept = kept_.extract(rmid);
  if (!kept) return {};
  Kept& last = kept.mapped();
  if (last.info == info && last.name == naming.name && last.tag == naming.tag)
    return std::move(last.legacy);
  other = std::move(last);
  return {};
}

Registry::Clock::time_point Registry::sweep() try {
  const auto now = Clock::now();
  auto next = Upkeep::never;
  std::vector<Pool::Idle> expired;  // closed after the lock is gone
  std::vector<Legacy> ended;
  const std::lock_guard lock(mutex_);
  for (auto& [rmid, entry] : entries_)
    if (entry.instance != nullptr) entry.instance->take_expired(now, expired, next);
  for (auto kept = kept_.begin(); kept != kept_.end();) {
    if (kept->second.until > now) {
      next = std::min(next, (kept++)->second.until);
      continue;
    }
    ended.push_back(std::move(kept->second.legacy));
    kept = kept_.erase(kept);
  }
  return next;
} catch (const std::bad_alloc&) {
  return Clock::now() + std::chrono::seconds(1);
}

std::shared_ptr<Instance> Registry::find(int rmid) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(rmid);
  return found == entries_.end() ? nullptr : found->second.instance;
}

bool Registry::name(int rmid, std::string name, std::string tag) {
  const std::lock_guard lock(mutex_);
  if (const auto found = entries_.find(rmid); found != entries_.end()) {
    const auto& open = found->second.instance;
    return open != nullptr && open->name() == name && open->tag() == tag;
  }
  if (tag.empty()) tag = default_tag;
  namings_[rmid] = {std::move(name), std::move(tag)};
  return true;
}

Registry::Naming Registry::naming(int rmid) {
  const std::lock_guard lock(mutex_);
  const auto found = namings_.find(rmid);
  return found == namings_.end() ? Naming{"rmid " + std::to_string(rmid), default_tag}
                                 : found->second;
}

}  // namespace xabridge::rm
