// Instance and Registry: see instance.hpp.

#include "instance.hpp"

namespace xabridge::rm {
namespace {

constexpr std::size_t control_sessions = 2;  // one for recovery, one for phase two beside it
constexpr const char* default_tag = "xabridge";

/// Where other processes do the work, this one completes it with as many threads as they have.
std::size_t control_size(const Server& server) {
  return server.prepares_at_end() ? server.pool_size() : control_sessions;
}

}  // namespace

Instance::Instance(std::unique_ptr<Server> server, std::string info, std::string name,
                   std::string tag)
    : server_(std::move(server)),
      info_(std::move(info)),
      name_(std::move(name)),
      tag_(std::move(tag)),
      pool_(*server_, tag_, {server_->pool_size(), server_->pool_timeout(), "pool_size"}),
      control_(*server_, tag_,
               {control_size(*server_), server_->pool_timeout(),
                "pool_timeout (control connections)"}) {}

Result<Lease> Instance::control_session() {
  auto lease = control_.acquire();
  if (!lease || lease->fresh() || (*lease)->alive()) return lease;
  if (auto replaced = lease->replace(); !replaced) return std::move(replaced.error());
  return lease;
}

Result<std::shared_ptr<Instance>> Registry::open(int rmid, const std::string& info) {
  std::unique_lock lock(mutex_);
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
    connected_.wait(lock);  // another thread is connecting; if it fails, it is our turn
  }
  entries_[rmid].info = info;
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
  connected_.notify_all();
  if (!instance) return std::move(instance.error());
  return instance;
}

Result<std::shared_ptr<Instance>> Registry::connect(int rmid, const std::string& info) try {
  auto server = driver_.parse(info);
  if (!server) {
    server.error().xa_code = XAER_INVAL;
    return std::move(server.error());
  }
  const Naming naming = this->naming(rmid);
  auto instance = std::make_shared<Instance>(*std::move(server), info, naming.name, naming.tag);
  // The first connection shows that the server is there and lets us in, and serves the first
  // branch.
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
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(rmid);
  if (found == entries_.end() || found->second.instance != instance) return;
  if (--found->second.threads > 0) return;
  last = std::move(found->second.instance);
  if (auto kept = last->branches().heuristically_completed(); !kept.empty())
    heuristics_[{rmid, last->info()}] = std::move(kept);
  entries_.erase(found);
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
