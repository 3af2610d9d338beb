// The path of the program comes from the build.
#include "program.hpp"

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "temporary_directory.hpp"

ProgramResult run_xabridge(const std::string& arguments) {
  return run_shell("XABRIDGE " + arguments);
}

ProgramResult run_shell(const std::string& given) {
  const TemporaryDirectory directory;
  const std::string errors = (directory.path() / "stderr").string();
  // A thread may be about to end when the program does, and the search for leaks stumbles over it.
  std::string command =
      "export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0; { " + given + "; } 2>" + errors;
  const std::string name = "XABRIDGE ";
  for (std::size_t at; (at = command.find(name)) != std::string::npos;)
    command.replace(at, name.size(), std::string(XABRIDGE_PROGRAM) + " ");
  ProgramResult result;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return result;
  std::array<char, 4096> buffer{};
  for (std::size_t n; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    result.out.append(buffer.data(), n);
  }
  const int status = ::pclose(pipe);
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  std::ostringstream text;
  text << std::ifstream(errors).rdbuf();
  result.err = text.str();
  return result;
}
