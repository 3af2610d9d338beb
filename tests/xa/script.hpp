// Scenarios as text: "open; start X; end X SUCCESS; prepare X = OK; 2:commit X = PROTO".
//
// A step is `[thread:]verb[@rmid] [argument...] [= code[/code...]]`. Thread 1 and rmid 1 are meant
// when none is given, and OK when no code is; HANDLE is any positive number, and xa_complete is
// called with the last one of the thread and rmid. Threads are real: XA keeps state per thread.
//   open [NULL|LONG|BAD|other|at_end] [flags]      close [flags]
//   start|end|prepare|commit|rollback|forget XID [flags]
//   recover count flags [= n]
//   complete [flags]   result [flags] (xa_complete is XA_OK; the code of the call it completed)
//   hold VERB (the driver's calls of it do not come back)   letgo VERB   await VERB (one is held)
//   connection (the reason's code when there is none)   release   deadline MILLISECONDS
//   cut (all sessions are dead)   down | up (reachability)   exit (the thread ends)
// XIDs: X Y Z valid; garbage = X with other unused bytes; split, format = X's bytes otherwise
// divided or laid out; NULL; and invalid ones: none (formatID -1), g0, g65, b65, b0.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <xabridge/rm/adapter.hpp>

#include "scripted_driver.hpp"

namespace xabridge::rm::test {

/// A thread of control that does what it is told, one thing at a time.
class Worker {
 public:
  Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();
  /// Runs `task` in the thread and waits for it.
  int run(std::function<int()> task);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<int()> task_;
  int result_ = 0;
  bool stop_ = false;
  std::thread thread_;
};

struct Kept;  // a switch and its world

class Scenario {
 public:
  /// `flags`: those of the switch object.
  explicit Scenario(long flags = TMNOFLAGS);
  ~Scenario();

  /// Runs the steps and checks each result. `id` is shown when one fails.
  void run(const std::string& id, const std::string& steps);
  /// Runs one call of a step in that thread, and returns its result unchecked. May itself be
  /// called from several threads, for calls that are to meet.
  int call(const std::string& step);
  /// In thread 1 (or another): the reason of the last refusal.
  [[nodiscard]] xabridge_rm_error last_error(int rmid = 1, int thread = 1);

  /// Lives as long as the program, as switches do.
  World& world;
  Switch& rm;

 private:
  explicit Scenario(Kept& kept);
  Worker& thread(int number);
  void end_thread(int number);
  int handle_of(std::pair<int, int> caller);
  std::mutex mutex_;                            // of the two maps
  std::map<std::pair<int, int>, int> handles_;  // by thread and rmid
  std::map<int, std::unique_ptr<Worker>> threads_;
};

/// "X", "Y", "Z" as values.
[[nodiscard]] Xid xid_named(const std::string& name);

}  // namespace xabridge::rm::test
