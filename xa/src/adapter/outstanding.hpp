// Outstanding: a call with TMASYNC, from its acceptance until xa_complete delivers the answer.
//
// Table 6-5's A1 of a thread x rmid is that ThreadRm has one of these. Only its own thread uses it.
// The call holds what its check has claimed: other threads wait for the branch, and an answer that
// is there but was not asked for moves nothing.
//
// A call that may not even be checked without waiting, because another thread is working on the
// branch, is active in it, or has the last connection, is put off: each xa_complete checks anew,
// and with TMNOWAIT only looks. For a connection it is put off for as long as a call may wait for
// one.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <xabridge/xid.hpp>

#include "operation.hpp"
#include "pool.hpp"
#include "workers.hpp"

namespace xabridge::rm {

class Outstanding {
 public:
  /// With Wait::no it answers XA_RETRY where it would have to wait. It asks no server.
  using Check = std::function<Checked(Pool::Wait)>;
  struct What {
    Verb verb;
    long flags;
    std::optional<Xid> xid;
  };

  Outstanding(Workers& workers, What asked, Check check)
      : what(std::move(asked)), workers_(workers), check_(std::move(check)) {}
  Outstanding(const Outstanding&) = delete;
  Outstanding& operator=(const Outstanding&) = delete;
  ~Outstanding();

  /// What to refuse the call with, nothing having happened: the check's error, or XAER_ASYNC when
  /// there is no worker for it. Nothing: accepted. An answer that is no error, even when the check
  /// has it at once, is delivered by finish(): the caller would take it for a handle.
  std::optional<Answer> launch();

  /// Concludes the call: its answer. With Patience::poll nothing, as long as it would have to wait.
  /// May throw what conclude() throws.
  std::optional<Answer> finish(Patience patience);

  /// Nobody will ask: the thread ends. What a server was asked is waited for and concluded; what it
  /// was not asked is not done any more.
  void abandon() noexcept;

  const What what;
  int handle = 0;

 private:
  enum class Stage {
    put_off,    // check_ is to be asked again
    here,       // operation_ is to be performed by finish()
    sent,       // operation_ is to be received
    not_sent,   // sending threw; answer_ is what operation_ is to be concluded with
    in_worker,  // job_ has it
    answered    // answer_ is that of the call; there is no operation
  };
  Stage take(Checked checked);
  /// Has operation_ asked without waiting. False: no worker is free for it.
  bool dispatch();
  std::optional<Answer> ask(Patience patience);

  Workers& workers_;
  Check check_;
  Stage stage_ = Stage::put_off;
  std::unique_ptr<Operation> operation_;
  std::shared_ptr<Job> job_;
  Answer answer_;
};

}  // namespace xabridge::rm
