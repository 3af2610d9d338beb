// Runs xa-conformance as its user would, and keeps what it said.
#pragma once

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <string>

namespace xabridge::conformance {

struct Said {
  int exit_code = -1;
  std::string text;
};

/// A word of a command line, whatever is in it.
inline std::string quoted(const std::string& word) {
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

/// `arguments` go through the shell; what the program writes to stderr comes with the rest.
inline Said run_conformance(const std::string& arguments) {
  const std::string command = std::string(XA_CONFORMANCE) + " " + arguments + " 2>&1";
  Said said;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return said;
  std::array<char, 4096> buffer{};
  for (std::size_t n; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    said.text.append(buffer.data(), n);
  const int status = ::pclose(pipe);
  if (WIFEXITED(status)) said.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) said.exit_code = 128 + WTERMSIG(status);
  return said;
}

}  // namespace xabridge::conformance
