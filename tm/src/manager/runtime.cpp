// Opens what transactions share, in order: configuration, log, switches.
#include "runtime.hpp"

#include "../register/file/file_register.hpp"
#include "../register/identity.hpp"
#include "config_check.hpp"
#include "forks.hpp"

namespace xabridge::tm {
namespace {

Config checked(Config config) {
  if (const auto problem = find_problem(config)) {
    throw_misuse(XAER_INVAL, "open transaction manager",
                 "configuration: " + problem->key + ": " + problem->text);
  }
  return config;
}

/// The log line comes first: an observer may be the last thing that happens (crash tests).
std::vector<Observer*> observers(LoggingObserver& logging, const Config& config) {
  std::vector<Observer*> all{&logging};
  all.insert(all.end(), config.observers.begin(), config.observers.end());
  return all;
}

std::unique_ptr<DecisionRegister> open_register(const Config& config, Environment& environment,
                                                const std::shared_ptr<Events>& events,
                                                Runtime::Log log) {
  FileRegister::Options options;
  options.directory = config.log_directory;
  options.segment_size = config.log_segment_size;
  options.report = [events](const std::string& text) {
    events->emit(EventKind::warning, {}, {}, 0, text);
  };
  options.make = log == Runtime::Log::make;
  auto opened = std::move(FileRegister::open(environment, options)).value();
  if (opened->is_new()) {
    events->emit(EventKind::warning, {}, {}, 0,
                 "a new decision log was made in " + config.log_directory.string() +
                     ", because there was none. At the first start that is right. At any later "
                     "one the log of the service is missing: stop the service, look at "
                     "log.directory and whether its volume is mounted");
  }
  return opened;
}

}  // namespace

Runtime::Runtime(Config c, Environment& e, Log log)
    : config(checked(std::move(c))),
      environment(e),
      logging(config.logging_level),
      events(std::make_shared<Events>(observers(logging, config))),
      forks_before(forks()) {
  for (const std::string& text : config.warnings) events->emit(EventKind::warning, {}, {}, 0, text);
  RecoveryState::Options options;
  options.core.maximum_backoff = config.recovery_backoff_maximum;
  options.core.host = environment.host;
  options.call_timeout = config.recovery_call_timeout;
  recovery = std::make_shared<RecoveryState>(open_register(config, environment, events, log),
                                             environment.clock, options, events);
  const std::string tag = owner_tag(decisions().id(), decisions().incarnation());
  for (const ResourceManagerConfig& rm : config.resource_managers) {
    recovery->add(std::move(ResourceManager::load(rm, tag)).value());
    ResourceManager* const loaded = recovery->resource_managers().back().get();
    if (loaded->registers()) dynamic.push_back(loaded);
  }
  watcher = std::make_unique<DeadlineWatcher>(events);
}

std::shared_ptr<ResourceManager> Runtime::find(std::string_view name) const {
  for (const auto& resource_manager : recovery->resource_managers()) {
    if (resource_manager->name() == name) return resource_manager;
  }
  return nullptr;
}

std::shared_ptr<ResourceManager> Runtime::find(int rmid) const {
  for (const auto& resource_manager : recovery->resource_managers()) {
    if (resource_manager->rmid() == rmid) return resource_manager;
  }
  return nullptr;
}

void Runtime::prepare_thread() {
  for (ResourceManager* rm : dynamic) {
    if (rm->works_outside()) {
      throw_misuse(XAER_OUTSIDE, "begin",
                   "resource manager '" + rm->name() +
                       "' is at work outside any global transaction in this thread: end that work "
                       "first, so that it calls ax_unreg");
    }
    if (!rm->foreign()) continue;  // ours are opened when the transaction is asked for them
    const CallAnswer opened = rm->open_now_and_then(environment.clock.now());
    if (opened.code == XA_OK) continue;
    events->emit(EventKind::warning, {}, rm->name(), opened.code,
                 "could not be opened, so it can take part in no transaction of this thread: " +
                     opened.error->to_string());
  }
}

bool Runtime::in_own_process() const noexcept { return forks() == forks_before; }

void Runtime::require_own_process() const {
  if (in_own_process()) return;
  throw_misuse(
      XAER_PROTO, "use transaction manager",
      "this process was forked from the one that opened the transaction manager: open a new "
      "TransactionManager after fork; it takes a slot of its own in the same log directory");
}

std::string Runtime::next_gtrid() {
  Gtrid gtrid;
  gtrid.register_id = decisions().id();
  gtrid.slot = decisions().slot();
  gtrid.incarnation = decisions().incarnation();
  gtrid.sequence = ++sequence;
  gtrid.host = environment.host;
  return gtrid.encode();
}

void throw_misuse(int code, std::string operation, std::string message, std::string gtrid_hex,
                  std::string_view resource_manager) {
  Error e;
  e.xa_code = code;
  e.resource_manager = resource_manager;
  e.operation = std::move(operation);
  e.message = std::move(message);
  e.xid = std::move(gtrid_hex);
  throw Exception(std::move(e));
}

}  // namespace xabridge::tm
