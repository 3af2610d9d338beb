// Runs the xabridge program as an operator would, and keeps what it said.
#pragma once

#include <string>

struct ProgramResult {
  int exit_code = -1;
  std::string out;
  std::string err;
};

/// `arguments` go through the shell.
[[nodiscard]] ProgramResult run_xabridge(const std::string& arguments);
/// `command` with the program's path in place of XABRIDGE.
[[nodiscard]] ProgramResult run_shell(const std::string& command);
