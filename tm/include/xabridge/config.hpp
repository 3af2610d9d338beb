// Config: what a TransactionManager needs to know, built in code or read from a TOML file.
//
//   [log]
//   directory = "/var/lib/bank/xabridge"
//   [transaction]
//   timeout = "30s"
//   [[resource_manager]]
//   name = "accounts"
//   driver = "postgresql"
//   open = "host=db1 dbname=accounts user=bank passwordfile=/etc/bank/pw"
//   [[resource_manager]]                       # of another vendor
//   name = "queue"
//   library = "/opt/queue/lib/libqueue_xa.so"
//   symbol = "queue_xa_switch"                 # an xa_switch_t, or a function returning one
//   open = "QM1"
//
// Keys, all optional but log.directory and the resource managers:
//   [log]          directory, segment_size
//   [transaction]  timeout, completion_timeout, call_timeout, max_retries, retry_backoff_initial,
//                  retry_backoff_maximum
//   [recovery]     start_timeout, interval, backoff_maximum, call_timeout, background
//   [logging]      level
// [[resource_manager]] takes name, open, and either driver with registration, or library with
// symbol and symbol_is; see ResourceManagerConfig.
// A duration is text with its unit: "500ms", "30s", "5m", "1h"; "0s" is zero. A size is a number of
// bytes or text with a unit: "64KiB", "8MiB". A relative log directory, and a relative library with
// a '/' in it, are relative to the file's own folder.
#pragma once

#include <xabridge/api.h>
#include <xabridge/rm_extras.h>
#include <xabridge/xa.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>
#include <xabridge/error.hpp>

namespace xabridge {

class Observer;

/// What stands at the symbol of a library.
enum class SymbolKind {
  as_library_tells,  // its symbol table does, in nearly every library
  object,
  function,
};

/// How much goes to stderr: each level has what those before it have.
enum class LogLevel { off, error, warning, info, debug };

/// One resource manager. One of `driver` (ours, loaded by name), `library` (any that speaks XA) and
/// `xa_switch` (linked in) is set.
struct XABRIDGE_API ResourceManagerConfig {
  /// 1..32 characters of [A-Za-z0-9_.-], unique. Part of every bqual: never rename while branches
  /// are in doubt.
  std::string name;
  std::string driver;  // "postgresql" or "mysql"
  std::string open;    // xa_info: key=value, at most 255 characters; see the driver
  const xa_switch_t* xa_switch = nullptr;
  const xabridge_rm_extras_t* extras = nullptr;

  /// With `driver`: the resource manager takes part in a transaction from its first use on
  /// (TMREGISTER). Makes no difference to what is committed.
  bool dynamic_registration = false;

  std::string library = {};  // path of a shared library, or a name the dynamic loader finds
  /// In it: an object of type xa_switch_t, or a function returning its address.
  std::string symbol = {};
  SymbolKind symbol_is = SymbolKind::as_library_tells;
};

/// Back-off between tries: initial * 2^n, at most `maximum`, each multiplied by a random 0.5..1.
struct XABRIDGE_API Backoff {
  std::chrono::milliseconds initial{10};
  std::chrono::milliseconds maximum{1000};
};

struct XABRIDGE_API Config {
  // [log]
  std::filesystem::path log_directory;       // required; created if missing (0700)
  std::size_t log_segment_size = 8U << 20U;  // bytes

  // [transaction]
  std::chrono::milliseconds timeout{30'000};  // from begin(); 0: none
  /// How long after the decision commit waits for phase two before it answers committed_pending.
  std::chrono::milliseconds completion_timeout{1'000};
  /// How long a call at a server is waited for in a transaction without timeout.
  std::chrono::milliseconds call_timeout{300'000};
  int max_retries = 5;  // of run(), beyond the first attempt
  Backoff retry_backoff{};

  // [recovery]
  std::chrono::milliseconds recovery_start_timeout{10'000};  // bound of the pass at start
  std::chrono::milliseconds recovery_interval{5'000};  // of background passes, when nothing hurries
  std::chrono::milliseconds recovery_backoff_maximum{60'000};  // per unreachable resource manager
  std::chrono::milliseconds recovery_call_timeout{10'000};     // of each call of recovery
  bool recovery_background = true;

  // [logging]
  LogLevel logging_level = LogLevel::warning;

  std::vector<ResourceManagerConfig> resource_managers;  // at least one, at most 255
  std::vector<Observer*> observers;                      // not owned

  /// What load() and try_load() found that is no error and should not stay so: a password in a file
  /// that everyone can read. Reported as warning events when a TransactionManager is made of this.
  std::vector<std::string> warnings = {};

  /// Reads a TOML file. Throws Exception, which names file, line, key, and what is allowed there.
  [[nodiscard]] static Config load(const std::filesystem::path& file);
  /// The same for the text of one; `source_name` stands for the file in what is said.
  [[nodiscard]] static Config parse(std::string_view toml, const std::string& source_name);
  /// As load() and parse(), with the Error as an answer.
  [[nodiscard]] static Result<Config> try_load(const std::filesystem::path& file);
  [[nodiscard]] static Result<Config> try_parse(std::string_view toml,
                                                const std::string& source_name);
};

}  // namespace xabridge
