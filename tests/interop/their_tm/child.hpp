// The test's side of a process.cpp: starts one, tells it what to do, kills it.
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <string>

namespace foreign_tm {

/// "postgresql", "mysql" or "mariadb": XABRIDGE_TEST_SERVER.
[[nodiscard]] std::string server();
/// Its open string, with `more` behind; `who` is "" or "_admin".
[[nodiscard]] std::string open_string(const std::string& more = "", const std::string& who = "");
/// The same for processes that share their work.
[[nodiscard]] std::string prepare_at_end();
/// A text no other test uses, short enough for tables and XIDs.
[[nodiscard]] std::string unique_name();
/// The accessor library of the server, `suffix` "" or "_dynamic".
[[nodiscard]] std::string accessor(const std::string& suffix = "");

class Child {
 public:
  Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  /// The answer; "died" when the process is gone.
  std::string say(const std::string& command);
  /// The same for commands that answer with a code; -1000 when the answer is no number.
  int code(const std::string& command);
  /// SIGKILL, and waits.
  void kill();
  /// No more input: the exit code, or minus the signal.
  int end();

 private:
  pid_t pid_ = -1;
  std::FILE* to_ = nullptr;
  std::FILE* from_ = nullptr;
};

/// A child with the server's switch and application loaded.
class Loaded : public Child {
 public:
  explicit Loaded(const std::string& suffix = "");
};

/// And rmid 1 open, prepare_at_end=1.
class Manager : public Loaded {
 public:
  explicit Manager(const std::string& suffix = "");
};

}  // namespace foreign_tm
