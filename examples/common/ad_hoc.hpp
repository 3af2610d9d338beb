// AdHoc: what is written by hand where there is no transaction manager: the work in a local
// transaction at each database, then commit A, then commit B, and when B fails, try to undo A.
//
// Here to be compared with, not to be copied. It does what such code can do: nothing is committed
// before all the work and all its checks are done, whatever is still open is rolled back, what was
// committed already is undone in the reverse order, and an undo that fails is reported. What it
// cannot do is to undo anything once the program is dead.
#pragma once

#include <functional>
#include <string>
#include <vector>
#include <xabridge/event.hpp>
#include <xabridge/mysql_connection.hpp>
#include <xabridge/postgresql_connection.hpp>

namespace examples {

/// Of the option that chooses it.
inline constexpr auto ad_hoc_help =
    "without xabridge, as written by hand: commit one after the other, undo when one fails";

class AdHoc {
 public:
  /// Reports its steps with the names of xabridge's events, so that --kill-at means the same
  /// moments; `steps` may be null.
  explicit AdHoc(xabridge::Observer* steps) : steps_(steps) { tell(xabridge::EventKind::begun); }
  /// Rolls back what is still open.
  ~AdHoc();
  AdHoc(const AdHoc&) = delete;
  AdHoc& operator=(const AdHoc&) = delete;

  using Undo = std::function<void()>;
  /// Begins a local transaction; they are committed in the order of these calls. `undo` takes back
  /// what was committed; it is called in a local transaction of its own. The last one needs none.
  void begin(const std::string& name, const xabridge::PostgresqlConnection& connection,
             Undo undo = {});
  void begin(const std::string& name, const xabridge::MysqlConnection& connection, Undo undo = {});

  /// Throws std::runtime_error: a commit failed. The text says what became of the earlier ones.
  void commit();

  /// The events there are: those of xabridge that such code has no step for are missing.
  [[nodiscard]] static const std::vector<xabridge::EventKind>& events();

 private:
  struct Local {
    std::string name;
    std::function<void()> begin;
    std::function<void()> commit;
    std::function<void()> rollback;
    Undo undo;
    bool open = false;
  };

  void begin(Local local);
  void roll_back_open() noexcept;
  [[nodiscard]] std::string undo_before(std::size_t failed);
  void tell(xabridge::EventKind kind, const std::string& name = "") const noexcept;

  xabridge::Observer* steps_;
  std::vector<Local> databases_;
};

/// Repeats `work` after a deadlock, a serialization failure or a lock that was not granted in time,
/// up to five times, as run() of the transaction manager does. Not after a lost connection: the
/// work has no other.
void repeat_after_deadlock(const std::function<void()>& work);

}  // namespace examples
