// Which servers were asked is kept for the process: a program that opens its transaction manager
// for every job would be told for every job.
#include "server_warnings.hpp"

#include <algorithm>
#include <exception>
#include <mutex>
#include <set>
#include <string>
#include <utility>

namespace xabridge::tm {
namespace {

class Asked {
 public:
  /// True for the one who is to ask.
  bool claim(const ResourceManager& rm) {
    const std::lock_guard lock(mutex_);
    return asked_.emplace(rm.name(), rm.open_string()).second;
  }
  void not_yet(const ResourceManager& rm) {
    const std::lock_guard lock(mutex_);
    asked_.erase({rm.name(), rm.open_string()});
  }

 private:
  std::mutex mutex_;
  std::set<std::pair<std::string, std::string>> asked_;
};

Asked& asked() {
  static auto* const one = new Asked;  // background threads outlive static destruction
  return *one;
}

bool answered(const PassReport& pass, const std::string& name) {
  return std::any_of(pass.resource_managers.begin(), pass.resource_managers.end(),
                     [&](const ResourceManagerReport& rm) {
                       // Without the right to list branches it has more to say than that.
                       return rm.name == name && rm.asked &&
                              (rm.reachable || (rm.error && rm.error->connection_usable));
                     });
}

void ask(ResourceManager& rm, Events& events) {
  const auto findings = rm.preflight();
  if (!findings) {
    if (!findings.error().connection_usable) asked().not_yet(rm);
    return;
  }
  for (const ServerFinding& f : *findings) {
    if (f.severity == XABRIDGE_FINDING_OK) continue;
    events.emit(EventKind::warning, {}, rm.name(), 0,
                "server check: " + f.subject + " " + f.text +
                    (f.fix.empty() ? std::string() : "; " + f.fix));
  }
}

}  // namespace

void warn_of_server(const PassReport& pass,
                    const std::shared_ptr<ResourceManager>& resource_manager,
                    const std::shared_ptr<Events>& events,
                    std::chrono::steady_clock::time_point deadline,
                    const std::function<bool()>& stop) noexcept try {
  if (resource_manager->foreign() || !answered(pass, resource_manager->name()) ||
      !asked().claim(*resource_manager)) {
    return;
  }
  CallThreads& threads = resource_manager->threads();
  // What is late goes on by itself, and tells what it finds.
  const auto call = threads.begin("server check", [resource_manager, events] {
    try {
      ask(*resource_manager, *events);
    } catch (const std::exception&) {
      // Out of memory: `xabridge check` says it as well.
    }
  });
  if (call == nullptr) {
    asked().not_yet(*resource_manager);
  } else if (!threads.wait(*call, deadline, stop)) {
    threads.give_up(*call);
  }
} catch (const std::exception&) {
  // Out of memory, likewise.
}

}  // namespace xabridge::tm
