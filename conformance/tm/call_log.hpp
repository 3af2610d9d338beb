// CallLog: one record of what several resource managers and the log were asked to do, so that the
// order across them can be judged. Thread-safe.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

/// Everything that happened, in order: "prepare a", "commit(ONEPHASE) b", "log".
class CallLog {
 public:
  struct Call {
    std::string text;
    std::string xid;  // its text form; empty where none
    std::thread::id thread;
  };
  void add(std::string text, std::string xid = {});
  void clear();
  [[nodiscard]] std::vector<Call> all() const;
  /// What happened to branches and the log: neither open, close nor recover.
  [[nodiscard]] std::vector<std::string> work() const;
  [[nodiscard]] std::size_t count(const std::string& text) const;
  /// False when it has not come after a long while.
  bool wait_for(const std::string& text, std::size_t n = 1) const;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<Call> calls_;
};
