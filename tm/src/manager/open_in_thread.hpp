// What the calling thread has open, and how far it is registered with each: XA counts both per
// thread of control and resource manager.
//
// xa_open is the thread's own; its end closes what it opened, also when the ResourceManager is gone
// by then. Only the thread itself looks at its list, so nothing here is locked.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <xabridge/state_tables/registration.hpp>
#include <xabridge/xid.hpp>

#include "switch_library.hpp"

namespace xabridge::tm {

/// A switch under one rmid: what a ResourceManager and the threads that have it open share.
struct Instance {
  SwitchObject object;
  int rmid = 0;
  std::string name;
  std::string open_string;
  /// TMREGISTER: it calls ax_reg() when it is used, and is never told xa_start.
  [[nodiscard]] bool registers() const noexcept {
    return (object.entries->flags & TMREGISTER) != 0;
  }
};

/// One resource manager that is open in this thread.
struct Opened {
  std::shared_ptr<const Instance> instance;
  rm::D registration = rm::D::D0;  // table 6-3; stays D0 for static registration
  std::optional<Xid> branch{};     // in D1 and D2: the one it is registered with
};

class OpenInThread {
 public:
  OpenInThread();
  OpenInThread(const OpenInThread&) = delete;
  OpenInThread& operator=(const OpenInThread&) = delete;
  ~OpenInThread();

  /// Null: not open here.
  [[nodiscard]] Opened* find(const Instance* instance);
  [[nodiscard]] Opened* find(int rmid);
  void add(std::shared_ptr<const Instance> instance);
  /// It is not open any more; says whether it was.
  bool remove(const Instance* instance);
  /// Whoever is registered with a branch of this global transaction no longer is; or only one.
  void end_registrations(std::string_view gtrid, std::optional<int> rmid = std::nullopt);

  static void close(const Instance& instance) noexcept;

 private:
  void leave_to_parent();
  void close_at_thread_end(const Opened& opened);

  unsigned forks_;  // when the list was this process's
  std::vector<Opened> open_;
  std::vector<int> closed_at_end_;  // rmids, never used twice
};

/// The calling thread's.
[[nodiscard]] OpenInThread& opened_here();

}  // namespace xabridge::tm
