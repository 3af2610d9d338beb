// Killing a program at every event of its transaction, one run each.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

namespace foreign {

/// How the program ended, and what it wrote to standard output.
struct Ended {
  int exit_code = -1;  // -1: by a signal
  int signal = 0;
  std::vector<std::string> lines;
};

inline Ended run(const std::vector<std::string>& command) {
  std::array<int, 2> pipe_ends{};
  if (::pipe(pipe_ends.data()) != 0) throw std::runtime_error("pipe failed");
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(pipe_ends[1], STDOUT_FILENO);
    ::close(pipe_ends[0]);
    ::close(pipe_ends[1]);
    std::vector<char*> arguments;
    for (const std::string& argument : command) {
      arguments.push_back(const_cast<char*>(argument.c_str()));
    }
    arguments.push_back(nullptr);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(pipe_ends[1]);
  Ended ended;
  std::FILE* in = ::fdopen(pipe_ends[0], "r");
  std::array<char, 256> line{};
  while (std::fgets(line.data(), line.size(), in) != nullptr) {
    std::string text = line.data();
    if (text.ends_with('\n')) text.pop_back();
    ended.lines.push_back(text);
  }
  std::fclose(in);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status)) ended.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) ended.signal = WTERMSIG(status);
  return ended;
}

/// Dying at this event, is the decision durable?
inline bool decided(const std::string& event) {
  for (const char* kind : {"decided:", "before_commit:", "committed:", "before_done:", "done:"}) {
    if (event.starts_with(kind)) return true;
  }
  return false;
}

}  // namespace foreign
