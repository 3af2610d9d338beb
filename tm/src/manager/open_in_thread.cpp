// Closing at the thread's end, and leaving a parent's connections alone in its child.
#include "open_in_thread.hpp"

#include <cxxabi.h>

#include <algorithm>
#include <utility>

#include "forks.hpp"

extern "C" void* __dso_handle __attribute__((visibility("hidden")));

namespace xabridge::tm {
namespace {

void close_now(void* instance) {
  OpenInThread& here = opened_here();
  // Looked at as an address: it may be gone by now.
  if (const Opened* const entry = here.find(static_cast<const Instance*>(instance))) {
    const std::shared_ptr<const Instance> open = entry->instance;
    // What a resource manager asks of us while it closes meets a thread that has not opened it.
    here.remove(open.get());
    OpenInThread::close(*open);
  }
}

}  // namespace

OpenInThread& opened_here() {
  thread_local OpenInThread open;
  return open;
}

OpenInThread::OpenInThread() : forks_(forks()) {}

/// What the thread opened is closed by now, unless a resource manager opened while others closed.
OpenInThread::~OpenInThread() {
  leave_to_parent();
  const std::vector<Opened> open = std::exchange(open_, {});
  for (const Opened& entry : open) close(*entry.instance);
}

Opened* OpenInThread::find(const Instance* instance) {
  leave_to_parent();
  const auto it = std::find_if(open_.begin(), open_.end(),
                               [&](const Opened& o) { return o.instance.get() == instance; });
  return it == open_.end() ? nullptr : &*it;
}

Opened* OpenInThread::find(int rmid) {
  leave_to_parent();
  const auto it = std::find_if(open_.begin(), open_.end(),
                               [&](const Opened& o) { return o.instance->rmid == rmid; });
  return it == open_.end() ? nullptr : &*it;
}

void OpenInThread::add(std::shared_ptr<const Instance> instance) {
  // Entries only threads still hold are of a ResourceManager that is gone.
  std::erase_if(open_, [](const Opened& entry) {
    if (entry.instance.use_count() > 1) return false;
    close(*entry.instance);
    return true;
  });
  open_.push_back({std::move(instance)});
  close_at_thread_end(open_.back());
}

/// Once for each, however often a connection is lost and it is opened again.
void OpenInThread::close_at_thread_end(const Opened& opened) {
  const int rmid = opened.instance->rmid;
  if (std::find(closed_at_end_.begin(), closed_at_end_.end(), rmid) != closed_at_end_.end()) return;
  closed_at_end_.push_back(rmid);
  // A thread's objects are destroyed in reverse order, and a resource manager may have made its own
  // in the xa_open just now: closing must come before they go, so it is registered after them.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): only an address, see above
  auto* const address = const_cast<Instance*>(opened.instance.get());
  abi::__cxa_thread_atexit(close_now, address, &__dso_handle);
}

bool OpenInThread::remove(const Instance* instance) {
  leave_to_parent();
  return std::erase_if(open_, [&](const Opened& o) { return o.instance.get() == instance; }) != 0;
}

void OpenInThread::end_registrations(std::string_view gtrid, std::optional<int> rmid) {
  for (Opened& entry : open_) {
    if (!entry.branch || entry.branch->gtrid() != gtrid) continue;
    if (rmid && entry.instance->rmid != *rmid) continue;
    entry.registration = rm::D::D0;
    entry.branch.reset();
  }
}

void OpenInThread::close(const Instance& instance) noexcept {
  std::string info = instance.open_string;
  instance.object.entries->xa_close_entry(info.data(), instance.rmid, TMNOFLAGS);
}

/// A forked child inherits the list and must not act on it: closing would talk to the servers over
/// the parent's connections.
void OpenInThread::leave_to_parent() {
  if (forks_ == forks()) return;
  forks_ = forks();
  new std::vector<Opened>(std::move(open_));  // never destroyed, on purpose
  open_.clear();
}

}  // namespace xabridge::tm
