// A resource manager in memory behind a real xa_switch_t: keeps branches as XA says, answers
// scripted codes when told to, remembers every call. Its open string is its name. With TMUSEASYNC
// it does the work of a call when xa_complete asks for it; with TMREGISTER it calls ax_reg.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>
#include <xabridge/config.hpp>
#include <xabridge/xid.hpp>

class MemoryRm {
 public:
  explicit MemoryRm(std::string name);
  ~MemoryRm();
  MemoryRm(const MemoryRm&) = delete;
  MemoryRm& operator=(const MemoryRm&) = delete;

  enum class Kind { ours, foreign };  // with or without extras
  [[nodiscard]] xabridge::ResourceManagerConfig config(Kind kind = Kind::ours,
                                                       long flags = TMNOMIGRATE,
                                                       bool asynchronous_by_thread = false);

  // --- The script.
  /// The next calls of this entry ("start", "end", "prepare", "commit", ...) answer these instead
  /// of working.
  void answer(const std::string& entry, std::deque<int> codes);
  /// With TMASYNC the entry is called "async prepare" and so on; its script is what TMASYNC is
  /// answered. "prepare" then is what xa_complete delivers, "complete" what it answers itself.
  /// Does the work and then answers XAER_RMFAIL: the reply is lost.
  void lose_reply(const std::string& entry);
  /// While unreachable every entry answers XAER_RMFAIL, xa_open XAER_RMERR.
  void set_reachable(bool reachable);
  /// xa_recover ignores its cursor and fills every batch with the same XIDs.
  void set_endless_recover();
  void add_prepared(const xabridge::Xid& xid);
  /// An operator rolls back whatever is prepared.
  void roll_back_by_hand();
  /// A commit in one phase does not survive a crash of its server.
  void set_one_phase_lost() { one_phase_survives_ = false; }
  /// What `classify` of the extras says about the next exceptions.
  void set_classify(int code);
  /// What the check of the server finds.
  void set_finding(int severity, const std::string& text);
  [[nodiscard]] std::size_t preflights() const;
  /// xa_complete of an asynchronous call of this entry waits until let_go() or an interrupt, which
  /// rolls the branch back.
  void hold_up(const std::string& entry);
  void let_go(const std::string& entry);
  /// Its server hangs: calls of this entry, in whichever thread, do not come back until thaw(), and
  /// do their work then. Those of a switch with extras keep the deadline they were given: they
  /// answer XAER_RMFAIL, and what was not prepared is gone with its session.
  void freeze(const std::string& entry);
  void thaw();
  /// Calls that hang now, after at least `n` did.
  std::size_t wait_until_frozen(std::size_t n = 1) const;

  // --- What the application does at its connection.
  /// A statement that ends only when it is interrupted; then throws std::runtime_error.
  void blocked_statement();
  /// With TMREGISTER: a request. What ax_reg or the begin of the branch answered; TM_OK and above
  /// when the work is done, in a branch or outside any.
  int work();
  /// Its work outside any global transaction is over: what ax_unreg answered.
  int release();

  // --- What is known.
  [[nodiscard]] std::vector<std::string> calls() const;
  [[nodiscard]] std::size_t count(const std::string& entry) const;
  [[nodiscard]] std::set<xabridge::Xid> prepared() const;
  /// The only one there is, in whatever state.
  [[nodiscard]] std::optional<xabridge::Xid> branch() const;
  [[nodiscard]] std::size_t committed() const;
  [[nodiscard]] bool was_committed(const std::string& transaction) const;
  [[nodiscard]] std::size_t rolled_back() const;
  /// Threads that have it open.
  [[nodiscard]] std::size_t open_threads() const;
  [[nodiscard]] std::string tag() const;
  /// Calls of all resource managers in order, "accounts: async prepare".
  [[nodiscard]] static std::vector<std::string> journal();
  /// This thread works in a branch; outside any.
  [[nodiscard]] bool in_branch() const;
  [[nodiscard]] bool outside() const;
  [[nodiscard]] int rmid() const;
  [[nodiscard]] std::size_t outstanding() const;
  void wait_until_committed(std::size_t n) const;
  void wait_until_nothing_is_prepared() const;

  /// As a scripted code: the entry throws std::bad_alloc, as no C function does. What it stands for
  /// is memory running out in the caller while it takes the answer.
  static constexpr int kOutOfMemory = -12345;

  struct Entries;

 private:
  friend struct Entries;
  enum class State { active, idle, prepared };

  /// An asynchronous call: its work is done when xa_complete asks for it.
  struct Pending {
    int handle = 0;
    std::string entry;
    std::function<int()> work;
  };
  int issue(const std::string& entry, const XID* xid, std::function<int(XID*)> work);
  int begin_work(const xabridge::Xid& xid, int registered);

  /// The scripted answer, or XA_OK to go on.
  int scripted(const std::string& entry);
  void after_scripted(const std::string& entry, int code, const XID* xid);
  void called(const std::string& entry);

  const std::string name_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::map<std::string, std::deque<int>> script_;
  std::set<std::string> lost_replies_;
  bool reachable_ = true;
  bool endless_ = false;
  bool one_phase_survives_ = true;
  int classify_ = XA_OK;
  std::map<int, std::string> findings_;
  std::size_t preflights_ = 0;
  bool interrupted_ = false;
  std::string tag_;
  std::vector<std::string> calls_;
  std::map<xabridge::Xid, State> branches_;
  std::map<std::thread::id, xabridge::Xid> associations_;
  std::map<std::thread::id, std::size_t> cursors_;
  [[nodiscard]] bool closed_last(int rmid);
  std::map<std::thread::id, std::set<int>> open_;  // rmids, by the thread that opened them
  std::map<std::thread::id, Pending> pending_;
  std::set<std::string> held_up_;
  bool stay_out_of(const std::string& entry, const XID* xid);
  /// Of the calling thread's calls; the clock's beginning: none.
  [[nodiscard]] static std::chrono::steady_clock::time_point call_deadline();
  std::set<std::string> frozen_;
  std::size_t hanging_ = 0;
  std::set<std::thread::id> outside_;
  std::map<std::thread::id, int> last_errors_;
  int next_handle_ = XA_RDONLY;  // handles that look like codes
  int rmid_ = -1;
  bool registers_ = false;
  std::set<std::string> committed_transactions_;
  std::size_t committed_ = 0;
  std::size_t rolled_back_ = 0;
};
