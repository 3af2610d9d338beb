// Running programs; see the header.
#include "program.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <functional>
#include <sstream>
#include <system_error>

extern char** environ;

namespace scene {
namespace {

[[noreturn]] void fail(int error, const std::string& what) {
  throw std::system_error(error, std::generic_category(), what);
}

struct Started {
  pid_t pid = -1;
  int output = -1;  // its standard output and error; to be closed
};

Started start(const std::string& name, const std::vector<std::string>& arguments) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) fail(errno, "pipe2");
  std::vector<std::string> words{std::string(XABRIDGE_PROGRAMS "/") + name};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  Started started{-1, ends[0]};
  const int error =
      posix_spawn(&started.pid, words[0].c_str(), &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (error == 0) return started;
  close(ends[0]);
  fail(error, "cannot run " + words[0]);
}

/// Reads to the end of the output; `seen` looks at all of it after every piece.
Ran finish(const Started& started, const std::function<void(const std::string&)>& seen) {
  Ran ran;
  std::array<char, 4096> buffer{};
  while (true) {
    const ssize_t size = read(started.output, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    ran.output.append(buffer.data(), static_cast<std::size_t>(size));
    seen(ran.output);
  }
  close(started.output);
  int status = 0;
  while (waitpid(started.pid, &status, 0) < 0) {
    if (errno != EINTR) fail(errno, "waitpid");
  }
  if (WIFEXITED(status)) ran.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) ran.signal = WTERMSIG(status);
  return ran;
}

}  // namespace

std::int64_t Ran::number(const std::string& name) const {
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string first;
    std::int64_t value = 0;
    if (words >> first >> value && first == name) return value;
  }
  return -1;
}

Ran run_program(const std::string& name, const std::vector<std::string>& arguments) {
  return finish(start(name, arguments), [](const std::string&) {});
}

Ran run_program_and_signal(const std::string& name, const std::vector<std::string>& arguments,
                           const std::string& text, int signal) {
  const Started started = start(name, arguments);
  bool sent = false;
  return finish(started, [&](const std::string& output) {
    if (sent || output.find(text) == std::string::npos) return;
    sent = true;
    kill(started.pid, signal);
  });
}

}  // namespace scene
