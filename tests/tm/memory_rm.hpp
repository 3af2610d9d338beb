// A resource manager in memory behind a real xa_switch_t: keeps branches as XA says, answers
// scripted codes when told to, remembers every call. Its open string is its name.
#pragma once

#include <condition_variable>
#include <deque>
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
  [[nodiscard]] xabridge::ResourceManagerConfig config(Kind kind = Kind::ours) const;

  // --- The script.
  /// The next calls of this entry ("start", "end", "prepare", "commit", ...) answer these instead
  /// of working.
  void answer(const std::string& entry, std::deque<int> codes);
  /// Does the work and then answers XAER_RMFAIL: the reply is lost.
  void lose_reply(const std::string& entry);
  /// While unreachable every entry answers XAER_RMFAIL, xa_open XAER_RMERR.
  void set_reachable(bool reachable);
  /// xa_recover ignores its cursor and fills every batch with the same XIDs.
  void set_endless_recover();
  void add_prepared(const xabridge::Xid& xid);
  /// What `classify` of the extras says about the next exceptions.
  void set_classify(int code);

  // --- What the application does at its connection.
  /// A statement that ends only when it is interrupted; then throws std::runtime_error.
  void blocked_statement();

  // --- What is known.
  [[nodiscard]] std::vector<std::string> calls() const;
  [[nodiscard]] std::size_t count(const std::string& entry) const;
  [[nodiscard]] std::set<xabridge::Xid> prepared() const;
  [[nodiscard]] std::size_t committed() const;
  [[nodiscard]] bool was_committed(const std::string& gtrid_hex) const;
  [[nodiscard]] std::size_t rolled_back() const;
  /// Threads that have it open.
  [[nodiscard]] std::size_t open_threads() const;
  [[nodiscard]] std::string tag() const;
  void wait_until_committed(std::size_t n) const;
  void wait_until_nothing_is_prepared() const;

  struct Entries;

 private:
  friend struct Entries;
  enum class State { active, idle, prepared };

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
  int classify_ = XA_OK;
  bool interrupted_ = false;
  std::string tag_;
  std::vector<std::string> calls_;
  std::map<xabridge::Xid, State> branches_;
  std::map<std::thread::id, xabridge::Xid> associations_;
  std::map<std::thread::id, std::size_t> cursors_;
  std::set<std::thread::id> open_;
  std::set<std::string> committed_gtrids_;
  std::size_t committed_ = 0;
  std::size_t rolled_back_ = 0;
};
