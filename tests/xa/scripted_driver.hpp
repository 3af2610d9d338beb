// A resource manager that exists only in a test: it keeps prepared branches like a server does,
// records every call, and answers what the test scripted, once per scripted answer, else XA_OK.
// A call can be held up until the test lets it go on.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>
#include <xabridge/rm/session.hpp>

namespace xabridge::rm::test {

/// The server's side, shared by all its sessions. Thread-safe.
class World {
 public:
  /// The next call of `verb` ("begin", "commit_prepared", ...) answers this.
  void script(const std::string& verb, Answer answer);
  /// Runs inside the next call of `verb`, without any lock of ours.
  void during(const std::string& verb, std::function<void()> action);

  /// Calls of `verb` and their replies do not come back until release().
  void hold(const std::string& verb);
  void release(const std::string& verb);
  /// Waits until `calls` calls of `verb` are held up in a thread.
  void await_held(const std::string& verb, int calls = 1);
  /// From now on sessions send, as a client library that need not block; see Session::send().
  void set_sends();

  void set_reachable(bool reachable);
  void cut_sessions();  // every session that is connected now is dead
  void add_prepared(const Xid& xid);
  void add_foreign(std::string name);
  void set_doomed(int code);
  void set_always_reusable();  // sessions never notice that they are not
  void set_pool(std::size_t size, std::chrono::milliseconds timeout);
  void set_limits(std::chrono::milliseconds max_age, std::chrono::milliseconds max_idle);
  void outdate(int session);  // it sees that its server is not what it was

  [[nodiscard]] bool is_prepared(const Xid& xid) const;
  [[nodiscard]] std::vector<std::string> calls() const;
  [[nodiscard]] long count(const std::string& call) const;
  [[nodiscard]] int connected() const;
  [[nodiscard]] int most_connected() const;
  [[nodiscard]] int made() const;
  [[nodiscard]] int connects() const;         // tried
  [[nodiscard]] int most_connecting() const;  // at once
  [[nodiscard]] std::string last_tag() const;
  /// What a session must never see: use after an interrupt or its end during one, two calls at
  /// once, calls a server would refuse because the branch is in another state.
  [[nodiscard]] std::vector<std::string> violations() const;

 private:
  friend class ScriptedSession;
  friend class ScriptedServer;
  friend class ScriptedDriver;
  Answer answer(const std::string& verb, Answer otherwise);
  [[nodiscard]] bool is_held(const std::string& verb) const;
  void wait_while_held(const std::string& verb);
  void violation(std::string what);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> held_;
  std::map<std::string, int> waiting_;  // calls in wait_while_held()
  std::map<std::string, std::deque<Answer>> answers_;
  std::map<std::string, std::deque<std::function<void()>>> actions_;
  std::set<Xid> prepared_;
  std::vector<std::string> foreign_, calls_, violations_;
  std::string last_tag_;
  std::set<int> dead_, live_, outdated_;
  bool reachable_ = true, always_reusable_ = false, sends_ = false;
  int doomed_ = XA_OK, made_ = 0, most_ = 0, connects_ = 0, connecting_ = 0, most_connecting_ = 0;
  std::size_t pool_size_ = 4;
  std::chrono::milliseconds pool_timeout_{2000}, max_age_{0}, max_idle_{0};
};

class ScriptedDriver : public Driver {
 public:
  explicit ScriptedDriver(World& world) : world_(world) {}
  [[nodiscard]] const char* name() const noexcept override { return "scripted"; }
  [[nodiscard]] bool sends() const noexcept override;
  Result<std::unique_ptr<Server>> parse(std::string_view open_string) override;
  [[nodiscard]] int classify(const std::exception& exception) const noexcept override;
  [[nodiscard]] bool says_outdated(const std::exception& exception) const noexcept override;

 private:
  World& world_;
};

}  // namespace xabridge::rm::test
