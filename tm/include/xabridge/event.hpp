// Events: every step of a transaction, reported to observers. Logging, metrics, progress bars and
// crash tests are observers; nothing in the path depends on one.
#pragma once

#include <xabridge/api.h>

#include <chrono>
#include <string>
#include <string_view>

namespace xabridge {

/// In the order of a transaction's life. "before_" events are the last moment at which the step has
/// not been tried: dying there is dying between two steps.
enum class EventKind {
  begun,
  enlisted,    // resource manager joined; branch started
  before_end,  // about to end a branch
  before_prepare,
  prepared,   // voted commit
  read_only,  // voted read-only
  refused,    // voted no; code and text say why
  before_decide,
  decided,        // the commit decision is durable
  before_commit,  // about to commit one branch (phase two, or one phase)
  committed,
  before_rollback,
  rolled_back,
  pending,  // phase two not answered; recovery has it
  before_done,
  done,       // every branch finished
  retried,    // run() tries again
  timed_out,  // the transaction timeout passed; statements are interrupted
  heuristic,  // recorded; forget follows
  recovery_started,
  recovered_commit,    // recovery delivered a commit
  recovered_rollback,  // recovery rolled an undecided branch back
  recovery_waits,      // resource manager unreachable, branch busy, or owner still connected
  recovery_finished,
  foreign,  // a branch that is not ours was seen and left alone
  warning,  // text says what an operator should know
};

struct XABRIDGE_API Event {
  EventKind kind;
  std::string_view gtrid;             // as Transaction::gtrid(); empty where none
  std::string_view resource_manager;  // empty where none
  int code = 0;                       // XA code where one was answered
  std::string_view text;              // detail for people
  /// How long the step took that ends here: since its before_ event, for `retried` the attempt. 0
  /// where there is none.
  std::chrono::nanoseconds took{0};
};

/// Called synchronously from whichever thread makes the step: return quickly, do not throw, do not
/// call the transaction manager. Views live only during the call. Must outlive the transaction
/// manager.
class XABRIDGE_API Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_event(const Event& event) noexcept = 0;
};

[[nodiscard]] XABRIDGE_API std::string_view to_string(EventKind kind) noexcept;

}  // namespace xabridge
