// ScriptedRm: a resource manager of few words behind a real xa_switch_t. It keeps branches as XA
// says, answers what it is told to, and writes every call into a CallLog it shares with others, so
// that the order of calls across resource managers and the log can be judged.
#pragma once

#include <xabridge/xa.h>

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

#include "call_log.hpp"

class ScriptedRm {
 public:
  /// Its open string is its name. One of a name at a time.
  ScriptedRm(std::string name, CallLog& log, long switch_flags = TMNOFLAGS);
  ~ScriptedRm();
  ScriptedRm(const ScriptedRm&) = delete;
  ScriptedRm& operator=(const ScriptedRm&) = delete;

  [[nodiscard]] xabridge::ResourceManagerConfig config() const;
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// The one it was opened under last; -1: never.
  [[nodiscard]] int rmid() const;

  /// The next calls of this entry ("open", "start", "end", "prepare", "commit", ...) answer these.
  void answer(const std::string& entry, std::deque<int> codes);
  /// Called in the middle of an entry, with no lock held.
  void during(const std::string& entry, std::function<void()> what);
  /// Unreachable: every entry answers XAER_RMFAIL, xa_open XAER_RMERR.
  void set_reachable(bool reachable);
  /// xa_recover fills every batch with the same XIDs, whatever its flags.
  void set_endless_recover();
  void add_prepared(const xabridge::Xid& xid);

  [[nodiscard]] std::size_t branches() const;
  [[nodiscard]] bool open_here() const;
  [[nodiscard]] std::size_t open_threads() const;
  /// Calls no transaction manager may make: "commit a: the branch is not prepared".
  [[nodiscard]] std::vector<std::string> violations() const;

  /// What a TMREGISTER resource manager does once ax_reg gave it an XID: `join` an existing branch,
  /// or a new one. An empty text, or what is wrong.
  [[nodiscard]] std::string work_begins(const XID& xid, int registered);

  struct Entries;

 private:
  enum class State { active, idle, suspended, prepared, heuristic };
  struct Branch {
    State state = State::active;
    int heuristic = 0;
    std::thread::id thread;
  };
  int scripted(const std::string& entry);
  void violated(const std::string& what);
  int enter(const std::string& entry, const std::string& text, const XID* xid);
  void settle(const std::string& entry, int code, const xabridge::Xid& xid);

  const std::string name_;
  CallLog& log_;
  xa_switch_t switch_;
  mutable std::mutex mutex_;
  std::map<std::string, std::deque<int>> script_;
  std::map<std::string, std::function<void()>> during_;
  bool reachable_ = true;
  bool endless_ = false;
  int rmid_ = -1;
  std::map<xabridge::Xid, Branch> branches_;
  std::map<std::thread::id, std::size_t> cursors_;
  std::set<std::thread::id> open_;
  std::vector<std::string> violations_;
};
