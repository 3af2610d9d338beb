// Observer: sees every result that passes through a branch's PGconn, and so knows what the
// application did there by itself.
//
// The application works on the PGconn directly. Without watching, two things would be lost: why a
// transaction is in the failed state (libpq keeps only the last message), and whether the
// transaction that is open now is still the branch's: a COMMIT typed by hand makes the branch's
// work permanent while PREPARE TRANSACTION of whatever followed would still succeed.
//
// Owned by a Session and registered with its PGconn (libpq event procedure), which it must outlive.
// Used by the thread that uses the PGconn.
#pragma once

#include <libpq-fe.h>

#include <string>
#include <string_view>
#include <utility>

#include "handles.hpp"

namespace xabridge::postgresql {

/// SQLSTATE of a write in a read-only transaction.
inline constexpr std::string_view read_only_refusal = "25006";

class Observer {
 public:
  /// Registers with `connection`; false when libpq is out of memory.
  [[nodiscard]] bool watch(Connection& connection) noexcept;
  /// The connection is about to be closed by its owner.
  void stop() noexcept;
  /// Notices come here again, whatever receiver the application has set.
  void hear_notices(PGconn* connection) noexcept;
  /// A new branch begins: forget the last one.
  void branch_begins();

  struct Failure {
    std::string sqlstate;
    std::string text;
  };
  /// The statement that failed last, while no later one has succeeded; 25P02 does not replace its
  /// cause.
  [[nodiscard]] const Failure& failure() const noexcept { return failure_; }
  /// Why the session is over, in the server's words or ours; no text while it is not.
  [[nodiscard]] const Failure& farewell() const noexcept { return farewell_; }

  /// What the session executed is done at this server, but no synchronous standby was waited for:
  /// the wait was cancelled. Asked once for each command.
  [[nodiscard]] bool take_unreplicated() noexcept { return std::exchange(unreplicated_, false); }

  /// A statement wrote and was refused, because the transaction or the server is read-only.
  [[nodiscard]] bool refused_as_read_only() const noexcept { return refused_as_read_only_; }

  /// COMMIT by hand: work of the branch is permanent, and nothing can undo it.
  [[nodiscard]] bool committed_by_hand() const noexcept { return committed_; }
  /// PREPARE TRANSACTION by hand: the work is in doubt under a name that is not the branch's.
  [[nodiscard]] bool prepared_by_hand() const noexcept { return prepared_; }
  /// Beside the work committed by hand some was, or will be, rolled back.
  [[nodiscard]] bool work_is_split() const noexcept { return split_; }
  /// A result with the tag ROLLBACK: of the branch, or only to a savepoint.
  [[nodiscard]] bool rolled_back() const noexcept { return rolled_back_; }

  /// A statement was executed that changes data, or is not known to change none. What is not seen
  /// here (a function that writes, large objects through libpq's own calls) the server must be
  /// asked for.
  [[nodiscard]] bool may_have_written() const noexcept { return wrote_; }
  /// A query called a function that takes a session-level advisory lock, by its name and not inside
  /// another function.
  [[nodiscard]] bool locked_session() const noexcept { return locked_; }
  /// dblink_connect by its name: the session has a connection of the application's to elsewhere,
  /// under the application's password, that the next branch would find.
  [[nodiscard]] bool opened_link() const noexcept { return linked_; }
  /// LISTEN: an idle session would collect notifications nobody reads.
  [[nodiscard]] bool listened() const noexcept { return listened_; }

  /// While one exists, results are of the driver's own statements and not the application's.
  class Pause {
   public:
    explicit Pause(Observer& observer) noexcept : observer_(observer) { ++observer_.paused_; }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;
    ~Pause() { --observer_.paused_; }

   private:
    Observer& observer_;
  };

  // Called by libpq through C functions; see observer.cpp.
  void saw(PGresult* result);
  void saw_notice(const PGresult* notice);
  void saw_reset();
  void saw_finish();

 private:
  void saw_failure(const PGresult* result);
  void saw_tag(std::string_view tag);
  void saw_effect(PGresult* result);

  Connection* connection_ = nullptr;
  Failure failure_;
  Failure farewell_;
  int paused_ = 0;
  bool committed_ = false;
  bool prepared_ = false;
  bool rolled_back_ = false;
  bool split_ = false;
  bool wrote_ = false;
  bool locked_ = false;
  bool linked_ = false;
  bool listened_ = false;
  bool unreplicated_ = false;
  bool refused_as_read_only_ = false;
};

}  // namespace xabridge::postgresql
