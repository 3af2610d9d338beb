// What the commands of the xabridge program share: exit codes, the configuration, columns of text.
#pragma once

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>
#include <xabridge/config.hpp>

#include "../src/manager/resource_manager.hpp"

namespace xabridge::cli {

/// The worst one wins; documented in --help.
enum class Exit : int {
  ok = 0,
  findings =
      1,      // check: an error found; status: something to attend to; recover: something is left
  usage = 2,  // command line or configuration
  unreachable = 3,  // a resource manager could not be asked
  log = 4,          // the log directory is unusable or damaged
  failed = 5,       // the program itself: no memory, no thread, or its output cannot be written
};
[[nodiscard]] constexpr Exit worse(Exit a, Exit b) noexcept { return a > b ? a : b; }

/// Of a resource manager that could not be opened: an open string that cannot be read is a matter
/// of configuration, not of reach.
[[nodiscard]] inline Exit exit_of(const Error& error) noexcept {
  if (error.xa_code == XAER_INVAL) return Exit::usage;
  const bool own = error.sys_errno == EAGAIN || error.sys_errno == ENOMEM;
  return own ? Exit::failed : Exit::unreachable;
}

/// Commands; each prints to standard output and answers the exit code.
struct CheckOptions {
  bool strict = false;  // warnings count as findings
};
[[nodiscard]] Exit check(const Config& config, const CheckOptions& options);
[[nodiscard]] Exit status(const Config& config, bool json);
[[nodiscard]] Exit recover(const Config& config);
[[nodiscard]] Exit list_heuristics(const std::filesystem::path& log_directory, bool json);
struct AcknowledgeOptions {
  std::string transaction;       // as shown, or the gtrid in hex; empty: all
  std::string resource_manager;  // empty: all of the transaction
  std::string why;
  bool all = false;
  bool yes = false;
};
[[nodiscard]] Exit acknowledge(const Config& config, const AcknowledgeOptions& options);
struct ForgetServerOptions {
  std::string resource_manager;  // empty: every one
  std::string server;            // as `status` shows it; empty: every one
  std::string reason;
};
[[nodiscard]] Exit forget_server(const Config& config, const ForgetServerOptions& options);
struct DumpOptions {
  bool json = false;
  bool unfinished = false;  // only what belongs to decisions that are not done
};
[[nodiscard]] Exit dump_log(const std::filesystem::path& log_directory, const DumpOptions& options);
/// An XID as a server lists it, in one or several words; no words: one a line on standard input.
[[nodiscard]] Exit explain_xids(const std::vector<std::string>& words);

/// A resource manager opened for looking at it, or why that failed.
struct Looked {
  std::string name;
  std::shared_ptr<tm::ResourceManager> resource_manager;  // null: see error
  std::optional<Error> error;
};
/// Loads all; opens none.
[[nodiscard]] std::vector<Looked> load_resource_managers(const Config& config);

/// For a message about a name that nothing on record has: that it is not configured either, and
/// which are; empty: it is configured, or none was given.
[[nodiscard]] std::string not_configured(const Config& config, const std::string& name);

/// Rows printed with the columns aligned, two spaces between them; nothing after the last column.
class Columns {
 public:
  explicit Columns(std::vector<std::string> header = {});
  void add(std::vector<std::string> row);
  [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }
  void print(std::ostream& out, const std::string& indent = {}) const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

/// A name as a server shows it may be any bytes; JSON is UTF-8 and a terminal obeys control
/// characters.
[[nodiscard]] std::string printable(const std::string& text);
/// "3s", "5m", "2h 10m", "4d 3h"; "?" for a negative number of seconds.
[[nodiscard]] std::string age_text(long seconds);
using tm::time_text;
/// `n` and the word, in the plural where it is not one.
[[nodiscard]] std::string count_text(std::size_t n, const std::string& singular,
                                     const std::string& plural);

}  // namespace xabridge::cli
