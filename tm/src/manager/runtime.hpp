// Runtime: what a TransactionManager, its transactions and its background threads share.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>
#include <xabridge/config.hpp>
#include <xabridge/transaction_manager.hpp>

#include "../environment.hpp"
#include "../register/decision_register.hpp"
#include "deadline_watcher.hpp"
#include "events.hpp"
#include "live_set.hpp"
#include "logging_observer.hpp"
#include "recovery_worker.hpp"
#include "resource_manager.hpp"

namespace xabridge::tm {

/// Transactions that were destroyed by another thread than their own, until that one has a moment.
/// Thread-safe.
class Strays {
 public:
  Strays();
  ~Strays();
  Strays(const Strays&) = delete;
  Strays& operator=(const Strays&) = delete;
  void keep(std::unique_ptr<Transaction::Impl> transaction);
  /// Ends those of the calling thread.
  void end_own();
  /// Ends all, as far as this thread can.
  void end_all();

 private:
  std::mutex mutex_;
  std::multimap<std::thread::id, std::unique_ptr<Transaction::Impl>> all_;
  std::atomic<bool> any_ = false;  // which costs a transaction nothing
};

struct Runtime {
  Config config;
  Environment& environment;
  LoggingObserver logging;
  std::shared_ptr<Events> events;
  std::shared_ptr<RecoveryState> recovery;  // register, live set and resource managers
  std::unique_ptr<DeadlineWatcher> watcher;
  std::atomic<std::uint64_t> sequence{0};
  unsigned forks_before;                  // it was made
  std::vector<ResourceManager*> dynamic;  // with TMREGISTER
  Strays strays;

  /// A service makes its decision log where there is none; what only finishes the work of others
  /// never does.
  enum class Log { make, must_exist };
  Runtime(Config c, Environment& e, Log log = Log::make);

  [[nodiscard]] DecisionRegister& decisions() const noexcept { return *recovery->decisions; }
  [[nodiscard]] LiveSet& live() const noexcept { return recovery->live; }
  /// Null: none of that name.
  [[nodiscard]] std::shared_ptr<ResourceManager> find(std::string_view name) const;
  [[nodiscard]] std::shared_ptr<ResourceManager> find(int rmid) const;
  /// Before a transaction begins in this thread. Throws where a resource manager works outside any;
  /// opens foreign ones that register dynamically, for nobody says when they are used.
  void prepare_thread();
  /// Throws in a forked child: sockets, threads and the log slot belong to the parent.
  void require_own_process() const;
  [[nodiscard]] bool in_own_process() const noexcept;
  /// Bytes of a gtrid never used before.
  [[nodiscard]] std::string next_gtrid();
};

/// An Exception for a call the application should not have made.
[[noreturn]] void throw_misuse(int code, std::string operation, std::string message,
                               std::string gtrid_hex = {}, std::string_view resource_manager = {});

/// The way in for tests: a TransactionManager over another file system, clock or source of random
/// bytes.
struct ManagerAccess {
  [[nodiscard]] static std::unique_ptr<TransactionManager> open(Config config,
                                                                Environment& environment);
};

}  // namespace xabridge::tm
