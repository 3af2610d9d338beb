// Recovery: brings every branch that crashes, lost replies and unreachable servers left behind to
// the outcome its decision register holds. One pass asks every resource manager once what it has in
// doubt.
//
//   Recovery recovery(register, clock, options, [&](const Event& e) { ... });
//   PassReport report = recovery.pass(ports, is_live, stop);
//   ... again at report.next_due, or when something hurries it.
//
// What is done with a branch is one row of recovery_table.hpp; how an answer is read is one row of
// outcome_table.hpp. This file only asks, acts and remembers which resource managers to leave in
// peace.
//
// The order inside a pass is what makes it safe, not a lock:
//   1. begin_pass(), unfinished(): the decisions known now; is_live() is asked about each;
//   2. list() of each resource manager, after 1: a participant of a decision from 1 was prepared
//      before; when a complete list made later does not show it, it is completed, or hidden from
//      this user. xa_commit tells which: only XAER_NOTA ends the matter;
//   3. for each XID listed: owner_of(), then is_live(), then decision(). A transaction that is not
//   live when
//      asked will never decide again, so the decision read after that is final. The other order
//      could read "no decision", let the transaction decide and finish, and then roll back a
//      committed branch;
//   4. one more list() where something was done: only what the server no longer shows is finished;
//   5. done() for decisions all of whose participants are finished.
//
// Not thread-safe except hurry() and hold(): the caller runs one pass at a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <xabridge/error.hpp>
#include <xabridge/event.hpp>
#include <xabridge/xid.hpp>

#include "../decision_register.hpp"
#include "../environment.hpp"
#include "../ports.hpp"
#include "recovery_table.hpp"

namespace xabridge::tm {

/// One branch a pass met: listed by a resource manager, or a participant of an unfinished decision.
struct BranchReport {
  std::string resource_manager;  // that lists it, or that the decision names
  std::optional<Xid> xid;        // always set for listed ones
  std::string gtrid;             // bytes
  Whose whose = Whose::foreign;
  bool commit_decided = false;
  Sight sight = Sight::listed;
  RecoveryAction action = RecoveryAction::leave;  // what the table said
  bool finished = false;       // the resource manager is done with it, a fresh list agrees
  bool heuristic = false;      // recorded as heuristic in this pass
  std::string text;            // why, for people: one sentence
  std::optional<Error> error;  // what the resource manager or the register answered, if anything
};

struct ResourceManagerReport {
  std::string name;
  bool asked = true;  // false: still backing off, not tried in this pass
  bool reachable = false;
  std::size_t listed = 0;
  std::optional<Error> error;                                     // why not reachable
  std::optional<std::chrono::steady_clock::time_point> next_try;  // set while backing off
};

/// A commit decision that is not done after the pass, and why.
struct DecisionReport {
  std::string gtrid;  // bytes
  std::chrono::system_clock::time_point decided_at;
  std::string text;  // "waits for ledger: not reachable (...)"
};

struct PassReport {
  std::vector<ResourceManagerReport> resource_managers;
  std::vector<BranchReport> branches;  // foreign and live ones included
  std::vector<DecisionReport> unfinished;
  std::size_t committed = 0;    // branches this pass committed
  std::size_t rolled_back = 0;  // branches this pass rolled back
  std::size_t heuristic = 0;    // heuristic answers this pass recorded
  std::size_t waiting =
      0;  // ours, to be tried again: busy, unreachable, owner still connected, refused
  std::size_t reported = 0;    // strangers, unknown resource managers: an operator should look
  std::size_t foreign = 0;     // other transaction managers' branches
  std::size_t live = 0;        // of transactions that are running
  std::size_t done = 0;        // decisions finished
  bool completed = true;       // false: stopped early
  std::optional<Error> error;  // the register could not be asked: nothing was done
  /// When trying again makes sense earlier than the regular interval; nullopt: nothing waits.
  std::optional<std::chrono::steady_clock::time_point> next_due;
};

class Recovery {
 public:
  struct Options {
    std::chrono::milliseconds first_backoff{500};
    std::chrono::milliseconds maximum_backoff{60'000};  // per unreachable resource manager
    /// false: look only. Nothing is called but list(); reports say what a pass would do.
    bool act = true;
  };
  using EventSink = std::function<void(const Event&)>;
  using IsLive = std::function<bool(std::string_view gtrid)>;
  using Stop = std::function<bool()>;

  /// `decisions`, `clock` outlive this. `events` may be empty; it must not throw.
  Recovery(DecisionRegister& decisions, Clock& clock, Options options, EventSink events);

  /// `is_live`: the transaction is in flight in this process (true from before its first xa_start
  /// until its Coordinator is finished and done() was called). May be called from this thread only;
  /// must not block on a server. `stop`: asked before each call to a resource manager; true ends
  /// the pass early.
  [[nodiscard]] PassReport pass(std::span<ResourceManagerPort* const> resource_managers,
                                const IsLive& is_live, const Stop& stop);

  /// The next pass asks resource managers that are backing off, too. Thread-safe.
  void hurry() noexcept;
  /// For a transaction whose decide() ended with outcome_known = false: what stands on disk is only
  /// known to a process that reads the register again, so this one never touches its branches.
  /// Thread-safe.
  void hold(std::string gtrid);
  /// What the coordinator of a decided transaction knows as it leaves branches behind: no xa_commit
  /// can have reached these. When a server does not know one of them any more, somebody else
  /// completed it: recorded as a hazard, where recovery takes it for committed otherwise. Call
  /// while the transaction is live. Thread-safe.
  void no_commit_arrived(const std::vector<Xid>& branches);

 private:
  struct Pass;
  struct Backoff {
    int failures = 0;
    std::chrono::steady_clock::time_point next_try;
  };

  DecisionRegister& decisions_;
  Clock& clock_;
  Options options_;
  EventSink events_;
  std::map<std::string, Backoff> backoff_;             // by resource manager
  std::map<std::string, std::set<Xid>> seen_foreign_;  // told once, by resource manager
  std::mutex mutex_;                                   // guards the three below
  bool hurry_ = false;
  std::set<std::string, std::less<>> held_;
  std::map<std::string, std::set<Xid>, std::less<>> not_arrived_;  // by gtrid, until it is done
};

}  // namespace xabridge::tm
