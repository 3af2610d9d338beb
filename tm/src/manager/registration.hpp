// Dynamic registration: what stands behind ax_reg and ax_unreg, which libxabridge exports.
//
// A resource manager with TMREGISTER is never told xa_start. It calls ax_reg when the application
// uses it, in the thread that does, and is given
//   the XID of its branch   of the current transaction of that thread, which thereby enlists it,
//   the null XID            where there is none: it works outside any global transaction until it
//                           calls ax_unreg, and meanwhile no transaction begins in the thread.
// The current transaction is the one begun last, of those that are active in the thread and know
// the resource manager. Table 6-3 (<xabridge/state_tables/registration.hpp>) says what is allowed;
// the state is kept with what the thread has open (open_in_thread.hpp).
#pragma once

#include <memory>
#include <string_view>

#include "open_in_thread.hpp"

namespace xabridge::tm {

/// Makes `instance` known to ax_reg by its rmid, in every thread, for as long as it lives.
void announce(const std::shared_ptr<const Instance>& instance);

/// What ax_reg asks of a transaction, in its thread.
class Enlister {
 public:
  enum class Given {
    refused,  // it can only be rolled back: nothing may join it
    made,     // a new branch
    known,    // the branch it has there already
  };
  [[nodiscard]] virtual bool knows(int rmid) const noexcept = 0;
  /// It has a branch there.
  [[nodiscard]] virtual bool works_at(int rmid) const noexcept = 0;
  [[nodiscard]] virtual std::string_view global_id() const noexcept = 0;  // gtrid, bytes
  /// Its branch at the resource manager of this rmid, for work that begins now.
  virtual Given branch_at(int rmid, XID& xid) = 0;

 protected:
  ~Enlister() = default;
};

/// Another transaction of the calling thread that is active and has a branch there; null: none.
[[nodiscard]] const Enlister* other_at(const Enlister& one, int rmid) noexcept;

/// A transaction's place among those of the thread that began it. ended() takes it out, at the
/// latest by the destructor; from another thread that is a mistake of the application, but a safe
/// one.
class CurrentTransaction {
 public:
  explicit CurrentTransaction(Enlister& enlister);
  ~CurrentTransaction() { ended(); }
  CurrentTransaction(const CurrentTransaction&) = delete;
  CurrentTransaction& operator=(const CurrentTransaction&) = delete;
  void ended() noexcept;

  struct Place;

 private:
  std::shared_ptr<Place> place_;
};

/// While it lives `enlister` is the thread's current transaction, whatever was begun after it.
class Foreground {
 public:
  explicit Foreground(Enlister& enlister) noexcept;
  ~Foreground();
  Foreground(const Foreground&) = delete;
  Foreground& operator=(const Foreground&) = delete;

 private:
  Enlister* before_;
};

}  // namespace xabridge::tm
