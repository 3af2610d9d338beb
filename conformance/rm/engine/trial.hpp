// One statement on trial: two threads of control, XIDs of its own, the calls with what they
// returned, and the way back to where it began.
#pragma once

#include <array>
#include <deque>
#include <initializer_list>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/executor.hpp"
#include "engine/report.hpp"
#include "engine/subject.hpp"
#include "engine/xids.hpp"

namespace xabridge::conformance {

class Proxy;
class Trial;

/// Stands for any of XA_RBBASE..XA_RBEND in what a call must return.
constexpr int RB = 1000;
/// Stands for any of XA_HEURMIX..XA_HEURHAZ.
constexpr int HEUR = 1001;

/// What a call returned. `must` throws Failed, with the call and all calls before it.
struct Answer {
  Trial* trial;
  std::string call;
  int code;

  void must(std::initializer_list<int> codes) const;
  void must(int one) const { must({one}); }
  [[nodiscard]] bool is(int wanted) const;
};

/// A thread of control with its calls. Calls that take an rmid use the trial's first one if not
/// told.
class Actor {
 public:
  Actor(Trial& trial, std::string name);

  Answer open(long flags = TMNOFLAGS);
  Answer open_with(const char* info, long flags = TMNOFLAGS, int rmid = 0);
  Answer close(long flags = TMNOFLAGS, int rmid = 0);
  Answer start(XID* xid, long flags = TMNOFLAGS, int rmid = 0);
  Answer end(XID* xid, long flags, int rmid = 0);
  Answer prepare(XID* xid, long flags = TMNOFLAGS, int rmid = 0);
  Answer commit(XID* xid, long flags = TMNOFLAGS, int rmid = 0);
  Answer rollback(XID* xid, long flags = TMNOFLAGS, int rmid = 0);
  Answer forget(XID* xid, long flags = TMNOFLAGS, int rmid = 0);
  /// The XIDs go to `found()`. With `null` an array is not handed over.
  Answer recover(long count, long flags, bool null = false);
  Answer complete(int* handle, int* value, long flags, int rmid = 0);

  [[nodiscard]] const std::vector<XID>& found() const { return found_; }

  // Work; see work.h. Each throws NotApplicable when there is no such entry or the resource manager
  // has no such thing, and Failed when it went wrong.
  void touch(int rmid = 0);
  void write(const XID& xid, int rmid = 0);
  [[nodiscard]] bool try_write(const XID& xid, int rmid = 0);
  /// Is what write() wrote for this XID seen in the branch of this thread, or by a user elsewhere?
  bool reads(const XID& xid, int rmid = 0);
  bool reads_outside(const XID& xid);
  void doom();
  void refuse_later();
  void native_begin();
  void native_end();
  void cut_session(const XID& xid);
  void by_name(const std::string& text, int (*entry)(const XID*), const XID& xid);
  void plain(const std::string& text, int (*entry)());

  /// ax_reg in this thread answers so next.
  void arm(int code, const XID& xid);
  void disarm();
  int registrations();
  int unregistrations();

  /// Ends the thread itself, as a thread of a program ends.
  void end_thread();
  /// Any job in this thread; `what` names it in the list of calls.
  void run(const std::string& what, std::function<void()> job);
  void run_for(std::chrono::milliseconds limit, const std::string& what, std::function<void()> job);
  [[nodiscard]] bool hung() const { return executor_ != nullptr && executor_->hung(); }

 private:
  friend class Trial;
  Answer call(const std::string& text, std::function<int()> job, long flags = TMNOFLAGS);
  Answer branch_call(const char* name, int (*entry)(XID*, int, long), XID* xid, long flags,
                     int rmid);
  /// One entry of the work library: what it returned, or NotApplicable, or Failed.
  int work(const std::string& text, bool there, std::function<int()> job, bool may_fail = false);

  Trial& trial_;
  std::string name_;
  std::unique_ptr<Executor> executor_;
  std::vector<XID> found_;
  std::set<int> opened_;                         // rmids to be closed
  bool native_ = false;                          // native_begin without native_end
  std::deque<std::pair<int, int>> outstanding_;  // rmid, handle
};

class Trial {
 public:
  Trial(const Subject& subject, const Statement& statement, int rmid);
  ~Trial();
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;

  [[nodiscard]] const Subject& subject() const { return subject_; }
  [[nodiscard]] int rmid() const { return rmid_; }
  [[nodiscard]] int other_rmid() const { return rmid_ + 1; }

  Actor th1, th2;
  XID x, y, z;

  // --- what a statement needs; each throws NotApplicable ----------------------------------------
  void only_static();  // the statement calls xa_start
  void only_dynamic();
  void only_synchronous();  // "no USEASYNC"
  void needs(const std::string& capability);
  void needs_write();
  [[noreturn]] static void not_applicable(std::string reason);
  /// Runs the hook of that name, with the environment that README.md lists. NotApplicable when
  /// there is none.
  void hook(const std::string& name, const XID* xid = nullptr);
  [[nodiscard]] bool has_hook(const std::string& name) const;

  /// th2, with its own xa_open; and somebody who has none.
  Actor& opened_th2();
  Actor& elsewhere() { return outside_; }

  // --- states to begin from ---------------------------------------------------------------------
  enum class Writes { yes, no };  // yes: as far as a work library can
  void active(Actor& actor, XID& xid, Writes writes = Writes::yes, int rmid = 0);  // T1 S1
  void idle(Actor& actor, XID& xid, Writes writes = Writes::yes, int rmid = 0);    // T0 S2
  void suspended(Actor& actor, XID& xid);                                          // T2 S2
  void prepared(Actor& actor, XID& xid, int rmid = 0);                             // T0 S3
  void doomed(Actor& actor, XID& xid);                                             // T0 S4
  /// T1, and the resource manager has doomed the branch.
  void doom(Actor& actor, XID& xid);
  void doom_now(Actor& actor, XID& xid);
  void cut_session(Actor& actor, XID& xid);
  /// A process of its own prepares X and is killed; with `keep`, killed only at the end.
  void prepared_elsewhere(XID& xid, bool keep = false);
  void kill_other_process();
  /// A0 with a call outstanding: the handle.
  int outstanding(Actor& actor, XID& xid);

  // --- states to find afterwards; they lead on to the next state --------------------------------
  void is_active(Actor& actor, XID& xid, int rmid = 0);  // T1 S1: ends with success
  void is_idle(Actor& actor, XID& xid, int rmid = 0);    // S2: admits a prepare only
  void is_suspended(Actor& actor, XID& xid);             // T2: resumes
  void is_prepared(Actor& actor, XID& xid);              // S3: listed, admits no second prepare
  void is_gone(Actor& actor, XID& xid);                  // S0
  void is_free(Actor& actor);                            // T0: may start another branch
  void is_closed(Actor& actor);                          // R0
  void visible(const XID& xid, bool wanted = true);      // to a user elsewhere, if one can look
  bool lists(Actor& actor, const XID& xid);
  [[nodiscard]] bool can_look_outside() const;

  /// Throws Failed, with the calls so far, when it does not hold.
  void check(bool holds, const std::string& what);
  /// Reports what was seen, of a statement that is uncertain.
  [[noreturn]] void seen(const Answer& answer, std::initializer_list<int> expected);
  void note(const std::string& line) { trace_.push_back(line); }
  /// The calls so far, one per line.
  [[nodiscard]] std::string story() const;

  /// Calls until the answer is not XA_RETRY, or the limit of one call is over.
  Answer patiently(const std::function<Answer()>& call);

  // --- a way to the server that can be held up and cut; needs redirect() of the work library ----
  /// The open string that leads through it.
  std::string redirected();
  /// One that leads to nobody.
  std::string unreachable();
  void hold_up();
  void cut_at_next_request();
  void restore();

  /// Leads every branch to S0 and every thread to R0. What could not be cleaned is said.
  std::string clean_up();
  [[nodiscard]] bool hung() const { return th1.hung() || th2.hung() || outside_.hung(); }

 private:
  friend class Actor;
  friend struct Answer;
  std::string name_of(const XID* xid) const;
  /// ", rmid 2", or nothing for the usual one.
  [[nodiscard]] std::string at(int rmid) const;
  void begun(const XID& xid) { begun_.push_back(xid); }
  void end_branches(Actor& actor);
  void finish_branches(std::string& left);
  Proxy& proxy();

  const Subject& subject_;
  const Statement& statement_;
  const int rmid_;
  Actor outside_;  // looks at the resource manager from elsewhere
  std::vector<std::string> trace_;
  std::vector<XID> begun_;  // what may have to be cleaned up
  std::unique_ptr<Proxy> proxy_;
  int other_process_ = -1;
};

}  // namespace xabridge::conformance
