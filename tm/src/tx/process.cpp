// Making and ending the shared transaction manager, one at a time.
#include "process.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>

namespace xabridge::tx {
namespace {

/// Of one process: a child made by fork() gets one of its own, and leaves the inherited one alone.
struct Shared {
  explicit Shared(pid_t of) : process(of) {}
  const pid_t process;
  std::mutex mutex;  // held while one is made or ended, so that they never overlap
  std::weak_ptr<SharedManager> manager;
};

/// Hands events to an observer in C.
class Bridge final : public Observer {
 public:
  using Function = void (*)(void*, const xabridge_tx_event*);
  void set(Function function, void* context) {
    function_ = function;
    context_ = context;
  }
  [[nodiscard]] bool is_set() const { return function_ != nullptr; }
  void on_event(const Event& event) noexcept override try {
    const std::string kind(to_string(event.kind));
    const std::string gtrid(event.gtrid);
    const std::string name(event.resource_manager);
    const std::string text(event.text);
    const xabridge_tx_event plain{kind.c_str(), gtrid.c_str(), name.c_str(), event.code,
                                  text.c_str()};
    function_(context_, &plain);
  } catch (const std::exception&) {
    // Memory: no transaction depends on who watches it.
  }

 private:
  Function function_ = nullptr;
  void* context_ = nullptr;
};

/// Changed only while there is no transaction manager. Leaked: its threads may outlive static
/// destruction.
Bridge& bridge() {
  static auto* const one = new Bridge;
  return *one;
}

Shared& shared() {
  static std::atomic<Shared*> current{new Shared(::getpid())};
  Shared* known = current.load();
  if (known->process == ::getpid()) return *known;
  auto* const fresh = new Shared(::getpid());
  if (current.compare_exchange_strong(known, fresh)) return *fresh;
  delete fresh;
  return *known;
}

}  // namespace

Result<Config> configuration_of_environment() {
  const char* const file = std::getenv("XABRIDGE_CONFIG");
  if (file != nullptr && *file != '\0') return Config::try_load(file);
  Error error;
  error.xa_code = XAER_INVAL;
  error.operation = "read configuration";
  error.message =
      "the environment variable XABRIDGE_CONFIG is not set; it must name the configuration file";
  return error;
}

std::function<Result<Config>()>& configuration() {
  static std::function<Result<Config>()> source = configuration_of_environment;
  return source;
}

SharedManager::SharedManager(Config config, tm::Environment& environment)
    : runtime(std::make_shared<tm::Runtime>(std::move(config), environment)),
      manager(runtime),
      completer(runtime->config.completion_timeout) {}

Manager acquire() {
  Shared& all = shared();
  const std::lock_guard lock(all.mutex);
  if (Manager manager = all.manager.lock()) return manager;
  Config config = configuration()().value();
  if (bridge().is_set()) config.observers.push_back(&bridge());
  auto manager = std::make_shared<SharedManager>(std::move(config), tm::posix_environment());
  all.manager = manager;
  return manager;
}

void release(Manager manager) noexcept {
  if (manager != nullptr && !manager->runtime->in_own_process()) {
    new Manager(std::move(manager));  // threads and connections are the parent's
    return;
  }
  const std::lock_guard lock(shared().mutex);
  manager.reset();
}

bool observe(xabridge_tx_observer* observer, void* context) {
  Shared& all = shared();
  const std::lock_guard lock(all.mutex);
  if (!all.manager.expired()) return false;
  bridge().set(observer, context);
  return true;
}

void complain(const char* call, const char* text) noexcept {
  std::fprintf(stderr, "xabridge: %s: %s\n", call, text);
}

}  // namespace xabridge::tx
