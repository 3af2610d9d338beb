// Recovery: brings every branch that crashes, lost replies and unreachable servers left behind to
// the outcome its decision register holds. A pass asks a resource manager once what it has in
// doubt, and acts there.
//
//   Recovery recovery(register, clock, options, [&](const Event& e) { ... });
//   PassReport report = recovery.lane_pass(port, names, is_live, stop);   // in a thread of its own
//   ... again at report.next_due, or when something hurries it.
//
// Each resource manager has a lane: its own passes, its own back-off, and no call of a lane waits
// for another's server. What a lane has to know of the others is what they listed last; where that
// is not known, or too old to answer the question, the branch waits. pass() takes all lanes at once
// in the calling thread.
//
// What is done with a branch is one row of recovery_table.hpp; how an answer is read is one row of
// outcome_table.hpp. This file only asks, acts and remembers which resource managers to leave in
// peace.
//
// The order inside a pass is what makes it safe. The register is open in 1, 3 and 6, for what was
// postponed and to record a heuristic answer, never while a server is asked: slots of dead owners
// are held no longer than it takes to read them.
//   1. begin_pass(), unfinished(): the decisions known now; is_live() is asked about each;
//   2. list(), after 1: a participant of a decision from 1 was prepared before; when a complete
//      list made later does not show it, it is completed, or hidden from this user. xa_commit tells
//      which: only XAER_NOTA ends the matter, and only once the lists that all others made after 1
//      do not have it either;
//   3. for each XID listed: owner_of(), then is_live(), then decision(). A transaction that is not
//      live when asked will never decide again, so the decision read after that is final, also when
//      the slot is in other hands by the time it is acted on. The other order could read "no
//      decision", let the transaction decide and finish, and then roll back a committed branch;
//   4. the calls that follow from 3. The first that is late ends the pass: see late() in ports.hpp;
//   5. one more list() where something was done: only what the server no longer shows is finished;
//   6. done() for decisions all of whose participants are finished, by this lane or by others, if
//      the slot is still nobody else's.
//
// Thread-safe, but one pass at a time for each resource manager.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <xabridge/error.hpp>
#include <xabridge/event.hpp>
#include <xabridge/xid.hpp>

#include "../environment.hpp"
#include "../ports.hpp"
#include "../register/decision_register.hpp"
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
  bool came_back = false;      // listed although its decision is done
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
  std::string late;  // what it was asked and did not answer in time; the pass ended there
};

/// A commit decision that is not done after the pass, and why.
struct DecisionReport {
  std::string gtrid;  // bytes
  std::chrono::system_clock::time_point decided_at;
  /// The resource managers it waits for, and why. What a lane says of its own counts.
  std::map<std::string, std::string> waits_for;
  [[nodiscard]] std::string text() const;
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
  std::vector<std::string> finished_decisions;  // gtrids, bytes
  /// Lanes whose next pass this one's branches wait for; see Recovery::answered().
  std::set<std::string> waits_for;
  /// When trying again makes sense earlier than the regular interval; nullopt: nothing waits.
  std::optional<std::chrono::steady_clock::time_point> next_due;
};

/// The counts, from the branches.
void count_branches(PassReport& report);
/// One report of what the lanes reported. `later` of one resource manager replaces what `report`
/// says of it, but for what was done.
void merge(PassReport& report, PassReport later);

class Recovery {
 public:
  struct Options {
    std::chrono::milliseconds first_backoff{500};
    std::chrono::milliseconds maximum_backoff{60'000};  // per unreachable resource manager
    /// false: look only. Nothing is called but list(); reports say what a pass would do.
    bool act = true;
    /// Of this machine, as in its XIDs; empty: branches of another decision log are not told of.
    std::string host;
  };
  using EventSink = std::function<void(const Event&)>;
  using IsLive = std::function<bool(std::string_view gtrid)>;
  using Stop = std::function<bool()>;

  /// `decisions`, `clock` outlive this. `events` may be empty; it must not throw.
  Recovery(DecisionRegister& decisions, Clock& clock, Options options, EventSink events);

  /// `is_live`: the transaction is in flight in this process (true from before its first xa_start
  /// until its Coordinator is finished and done() was called). Must not block on a server. `stop`:
  /// asked before each call to a resource manager; true ends the pass early.
  [[nodiscard]] PassReport pass(std::span<ResourceManagerPort* const> resource_managers,
                                const IsLive& is_live, const Stop& stop);
  /// The lane of one of the resource managers that are `configured`.
  [[nodiscard]] PassReport lane_pass(ResourceManagerPort& own,
                                     std::span<const std::string> configured, const IsLive& is_live,
                                     const Stop& stop);
  /// Something the last pass of this lane waited for has been learnt since: another may go further.
  [[nodiscard]] bool answered(const std::string& resource_manager);

  /// The next pass asks resource managers that are backing off, too. Thread-safe.
  void hurry() noexcept;
  void hurry(const std::string& resource_manager) noexcept;
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
  class RegisterSection;
  using Tick = std::uint64_t;  // orders what lanes learn; no clock
  struct Backoff {
    int failures = 0;
    std::chrono::steady_clock::time_point next_try;
  };
  /// When a branch was first seen in a list.
  struct FirstListed {
    Tick began = 0;  // the list
    Tick ended = 0;
  };
  struct Sessions {
    Tick asked = 0;
    std::optional<long> count;  // nullopt: cannot tell
  };
  /// What is remembered of a resource manager between passes.
  struct Lane {
    Backoff backoff;
    std::set<Xid> seen_foreign;  // told once
    std::size_t lists = 0;       // complete ones so far
    bool listed = false;         // `xids` is the last list, complete; false: that failed
    Tick began = 0;              // the list
    Tick tried = 0;              // the last list that failed, when it did
    std::string server;          // that made it
    std::set<Xid> xids;
    std::map<Xid, std::string> out_of_reach;   // with the obstacle
    std::map<Xid, FirstListed> first_listed;   // of our format, while listed
    std::map<std::string, Sessions> sessions;  // by owner tag
    std::set<std::string> tags_wanted;         // by the branches listed here
    std::map<std::string, Tick> waits_for;     // lanes, and since when their list is wanted
  };
  /// Of a decision that is not done: there from the first pass that reads it until it is.
  struct Progress {
    Tick read = 0;                                            // first, by a pass
    std::set<std::pair<std::string, Xid>> finished;           // participants
    std::map<std::pair<std::string, Xid>, std::string> said;  // why the others are not
  };

  PassReport run(Pass& pass, std::string_view lane);
  [[nodiscard]] std::set<std::string> tags_wanted();
  std::chrono::steady_clock::time_point put_off(const std::string& name,
                                                std::chrono::steady_clock::time_point now);

  DecisionRegister& decisions_;
  Clock& clock_;
  Options options_;
  EventSink events_;
  std::mutex register_mutex_;  // one RegisterSection at a time; taken before mutex_
  std::mutex mutex_;           // guards all below; never held across I/O
  bool told_of_another_log_ = false;
  Tick tick_ = 0;
  std::map<std::string, Lane> lanes_;
  std::map<std::string, Progress> progress_;  // by gtrid
  std::set<std::string, std::less<>> held_;
  std::map<std::string, std::set<Xid>, std::less<>> not_arrived_;  // by gtrid, until it is done
};

}  // namespace xabridge::tm
